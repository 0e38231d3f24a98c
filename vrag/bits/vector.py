"""The bits of one named vector: what is in its file, and what waits to be written."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vrag.bits.files import CacheFiles
from vrag.bits.portable import IntArray
from vrag.bits.quantise import Signs
from vrag.bits.scoring import PackedPages
from vrag.grid import FloatArray

_SAMPLE_ROWS = 16_384
_WORD_BYTES = 4


class PackedVector:
    """Rows of all pages of one named vector, in the order of the pages.

    Args:
        name: Named vector, part of the file's name.
        generation: Tells this file from those it replaces.
        dim: d.
        levels: Bits a value.
    """

    def __init__(self, name: str, generation: int, dim: int, levels: int = 1) -> None:
        self.file = f"{name}.{generation}.bits"
        self.rows: list[int] = [0]
        self.size = 0  # bytes in the file
        self.signs = Signs(np.zeros(dim, np.float32), 1.0, levels=levels)
        self.waiting: list[FloatArray] = []

    @classmethod
    def stored(cls, file: str, size: int, rows: IntArray, signs: Signs) -> PackedVector:
        """As it was committed."""
        vector = cls("", 0, signs.dim)
        vector.file, vector.size, vector.rows = file, size, rows.tolist()
        vector.signs = signs
        return vector

    def add(self, rows: FloatArray | None) -> None:
        """The next page's rows float32 [n, d]; None for a page without this vector."""
        given = np.zeros((0, self.signs.dim), np.float32) if rows is None else rows
        # As the store keeps them, so that bits made again from the store are the same.
        self.waiting.append(given.astype(np.float16).astype(np.float32))

    def write(self, files: CacheFiles, mean: FloatArray | None) -> None:
        """Write what waits; the first call fixes what is subtracted: the model's `mean` or that of these rows."""
        if not self.waiting:
            return
        if self.size == 0:
            rows = np.concatenate(self.waiting)
            self.signs = Signs.fit(rows[:: max(1, len(rows) // _SAMPLE_ROWS)], mean, self.signs.levels)
        self.size = files.append(self.file, self.size, map(self.signs.block, self.waiting))
        for page in self.waiting:
            self.rows.append(self.rows[-1] + len(page))
        self.waiting = []

    def mapped(self, files: CacheFiles) -> PackedPages:
        """What is written, for searching."""
        return PackedPages(self.signs, files.map(self.file, self.size), np.array(self.rows, np.int64))

    def kept(self, pages: Sequence[int], generation: int, files: CacheFiles) -> PackedVector:
        """A vector with only these pages, in a new file."""
        words = self.signs.words
        bits = files.map(self.file, self.size)
        kept = PackedVector(self.file.split(".")[0], generation, self.signs.dim)
        kept.signs = self.signs
        blocks = [bits[self.rows[page] * words : self.rows[page + 1] * words] for page in pages]
        kept.size = files.append(kept.file, 0, blocks)
        for block in blocks:
            kept.rows.append(kept.rows[-1] + len(block) // words)
        return kept
