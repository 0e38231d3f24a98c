"""One named vector in the cache: what is in its files, and what waits to be written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vrag.bits.exact import ExactRows
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
        is_exact: Whether the rows themselves are kept too, while they are few.
    """

    def __init__(self, name: str, generation: int, dim: int, levels: int = 1, is_exact: bool = False) -> None:
        self.name = name
        self.file = f"{name}.{generation}.bits"
        self.rows: list[int] = [0]
        self.size = 0  # bytes in the file
        self.signs = Signs(np.zeros(dim, np.float32), 1.0, levels=levels)
        self.exact = ExactRows(name, generation, dim) if is_exact else None
        self.waiting: list[FloatArray] = []

    def files(self) -> list[tuple[str, int]]:
        """Its data files and how many bytes of each count."""
        exact = [(self.exact.file, self.exact.size)] if self.exact and self.exact.size else []
        return [(self.file, self.size), *exact]

    def state(self) -> dict[str, Any]:
        """What `restore` needs besides the arrays."""
        is_kept = self.exact is not None and self.exact.tiles is not None
        return {"size": self.size, "scale": self.signs.scale, "threshold": self.signs.threshold, "exact": is_kept}

    def restore(self, state: Mapping[str, Any], rows: IntArray, mean: FloatArray) -> None:
        """As it was committed: `state`, first row of each page and the end int64 [pages + 1], what was subtracted."""
        self.size, self.rows = int(state["size"]), rows.tolist()
        self.signs = Signs(mean, float(state["scale"]), float(state["threshold"]), self.signs.levels)
        if self.exact is not None:
            self.exact.restore(np.diff(rows), state["exact"])

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
        size = files.append(self.file, self.size, map(self.signs.block, self.waiting))
        if self.exact is not None:
            self.exact.write(files, self.waiting)
        self.size = size  # only now: on a full disk neither file is ahead of the other
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
        kept = PackedVector(self.name, generation, self.signs.dim)
        kept.signs = self.signs
        blocks = [bits[self.rows[page] * words : self.rows[page + 1] * words] for page in pages]
        kept.size = files.append(kept.file, 0, blocks)
        for block in blocks:
            kept.rows.append(kept.rows[-1] + len(block) // words)
        kept.exact = self.exact and self.exact.kept(pages, generation, files)
        return kept
