"""A multivector of which nothing but its bits is kept: rows become bytes, and bytes the rows that the bits stand for.

A value is then the mean's plus or minus one scale, or plus or minus three (`vrag.bits.kernels.quantise`). Such rows
have the bits that they were made of, so packing them again loses nothing, and whatever is made of them is the same
wherever it is made. A row of zeros, which an empty page has, stays one: no other has its bits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from vrag.bits.kernels.quantise import Signs
from vrag.grid import FloatArray

_WORD_BYTES = 4
_DIGITS = 4  # of the scale: the last ones depend on how a machine sums


@dataclass(frozen=True, slots=True, eq=False)
class Codes:
    """Rows as their bits (implements `vrag.store.interface.Packing`).

    Args:
        signs: How rows become bits.
    """

    signs: Signs

    @classmethod
    def around(cls, mean: FloatArray | None, dim: int, levels: int) -> Codes:
        """As `Signs.around`, with a scale that is the same on every machine."""
        signs = Signs.around(mean, dim, levels)
        return cls(replace(signs, scale=float(f"{signs.scale:.{_DIGITS}g}")))

    @property
    def size(self) -> int:
        """Bytes of a row."""
        return _WORD_BYTES * self.signs.words

    def pack(self, rows: FloatArray) -> FloatArray:
        """Rows float32 [n, d] as bytes, float32 [n, size]."""
        words = np.ascontiguousarray(self.signs.block(rows).T, "<u4")
        return words.view(np.uint8).astype(np.float32)

    def unpack(self, kept: FloatArray) -> FloatArray:
        """What bytes [n, size] stand for: float32 [n, d]."""
        rows = self._rows(kept)
        rows[(kept == self.pack(np.zeros((1, self.signs.dim), np.float32))).all(axis=1)] = 0
        return rows

    def rounded(self, rows: FloatArray) -> FloatArray:
        """Rows float32 [n, d] as they will be read again."""
        return self.unpack(self.pack(rows))

    def _rows(self, kept: FloatArray) -> FloatArray:
        bits = np.unpackbits(kept.astype(np.uint8), axis=1, bitorder="little")
        planes = bits.reshape(len(kept), self.signs.levels, -1)[:, :, : self.signs.dim].astype(np.float32) * 2 - 1
        codes = planes[:, 0] if self.signs.levels == 1 else 2 * planes[:, 0] + planes[:, 1]
        rows: FloatArray = self.signs.mean + np.float32(self.signs.scale) * codes
        return rows
