"""What the cache keeps of each page: bits of its multivectors, rows of one while they are few, its terms."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vrag.bits.cache.array_files import Arrays, CacheFiles
from vrag.bits.cache.blocks import AnyArray, Blocks
from vrag.bits.exact import ExactPages, fit, tiled
from vrag.bits.kernels.compiled import TILE
from vrag.bits.kernels.portable import IntArray
from vrag.bits.kernels.quantise import Signs
from vrag.bits.packed import PackedPages
from vrag.bits.terms import TermPages, paired
from vrag.grid import FloatArray
from vrag.store.interface import Record

_WORD_BYTES = 4


class Column:
    """One data file and what waits to be written to it; each kind says what a page's block is.

    Args:
        name: Named vector, part of the file's name.
        generation: Tells this file from those it replaces.
    """

    suffix = ""

    def __init__(self, name: str, generation: int) -> None:
        self.name = name
        self.blocks = Blocks(f"{name}.{generation}{self.suffix}")
        self.waiting: list[AnyArray] = []

    @property
    def key(self) -> str:
        """What its arrays are called in the index file."""
        return f"{self.name}{self.suffix}"

    def block(self, record: Record) -> AnyArray:
        """A page's block; empty for a page without the vector."""
        raise NotImplementedError

    def add(self, record: Record) -> None:
        """The next page."""
        self.waiting.append(self.block(record))

    def write(self, files: CacheFiles) -> None:
        """Write what waits; it waits on when that fails."""
        if self.waiting:
            self.blocks.append(files, self.waiting)
            self.waiting = []

    def keep(self, pages: Sequence[int], generation: int, files: CacheFiles) -> None:
        """Go on with these pages alone, in a new file."""
        self.blocks = self.blocks.kept(pages, f"{self.name}.{generation}{self.suffix}", files)

    def restore(self, arrays: Arrays, pages: int) -> None:
        """As it was committed; `DamagedError` when that cannot have been."""
        self.blocks = Blocks.restored(self.blocks.file, arrays["ends"], arrays["sums"], pages)


class BitColumn(Column):
    """Packed bits of a multivector.

    Args:
        name: Named vector.
        generation: Of the file.
        signs: How rows become bits.
    """

    suffix = ".bits"

    def __init__(self, name: str, generation: int, signs: Signs) -> None:
        super().__init__(name, generation)
        self.signs = signs

    def block(self, record: Record) -> AnyArray:
        """uint32 [words, n]."""
        return self.signs.block(as_stored(record, self.name, self.signs.dim))

    @property
    def starts(self) -> IntArray:
        """First row of each page and the end, int64 [pages + 1]."""
        return self.blocks.starts(_WORD_BYTES * self.signs.words)

    def mapped(self, files: CacheFiles) -> PackedPages:
        """What is written, for searching."""
        return PackedPages(self.signs, self.blocks.mapped(files), self.starts)


class RowColumn(Column):
    """The rows of a multivector themselves, float16; given up once they are more than `MOST_BYTES`.

    Args:
        name: Named vector.
        generation: Of the file.
        dim: d.
    """

    suffix = ".rows"

    def __init__(self, name: str, generation: int, dim: int) -> None:
        super().__init__(name, generation)
        self.dim = dim
        self.is_kept = True

    def block(self, record: Record) -> AnyArray:
        """uint16 [tiles * d * 32]."""
        rows = as_stored(record, self.name, self.dim)
        return tiled(rows) if len(rows) else np.zeros(0, np.uint16)

    def add(self, record: Record) -> None:
        """The next page, unless its rows are not kept."""
        if self.is_kept:
            super().add(record)

    def write(self, files: CacheFiles) -> None:
        """Write what waits, unless that makes too many."""
        if not fit(self.blocks.size + sum(block.nbytes for block in self.waiting)):
            self.give_up()
        super().write(files)

    def keep(self, pages: Sequence[int], generation: int, files: CacheFiles) -> None:
        """Go on with these pages alone, if any are kept."""
        if self.is_kept:
            super().keep(pages, generation, files)

    def restore(self, arrays: Arrays, pages: int) -> None:
        """As it was committed; without pages when it was given up."""
        if not len(arrays["sums"]) and pages:
            self.give_up()
        else:
            super().restore(arrays, pages)

    def give_up(self) -> None:
        """Keep no rows from now on."""
        self.is_kept, self.waiting, self.blocks = False, [], Blocks(self.blocks.file)

    def mapped(self, files: CacheFiles) -> ExactPages | None:
        """What is written, for scoring; None when it was given up."""
        if not self.is_kept:
            return None
        return ExactPages(self.blocks.mapped(files).view(np.uint16), self.blocks.starts(2 * TILE * self.dim))


class TermColumn(Column):
    """The terms of a sparse vector with their weights."""

    suffix = ".terms"

    def block(self, record: Record) -> AnyArray:
        """uint32 [terms, 2]."""
        return paired(record.sparse.get(self.name))

    def mapped(self, files: CacheFiles) -> TermPages:
        """What is written, for searching."""
        return TermPages(self.blocks.mapped(files).reshape(-1, 2), self.blocks.starts(2 * _WORD_BYTES))


def as_stored(record: Record, name: str, dim: int) -> FloatArray:
    """A multivector float32 [n, d] as the store keeps it, so that what is made again from the store is the same."""
    rows = record.vectors.get(name)
    if rows is None:
        return np.zeros((0, dim), np.float32)
    return rows.astype(np.float16).astype(np.float32)
