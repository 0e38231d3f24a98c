"""The float16 rows of every page once more, laid out for our own kernel, while an index is small.

At a thousand pages the exact scores of the last few take most of a query: the engine needs four times as long for a
page as the kernel here, and does it with one thread. So a small index keeps its rows beside the bits too. MaxSim over
them is exact: the values that the store holds, summed in another order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vrag.bits.kernels import compiled
from vrag.bits.kernels.compiled import TILE, TILE_ROWS, HalfArray
from vrag.bits.kernels.portable import IntArray
from vrag.bits.kernels.threads import in_blocks, positions
from vrag.grid import FloatArray

MOST_BYTES = 512 << 20  # of one index's rows, on the disk and mapped; 2,000 pages of 1,024 x 128


@dataclass(frozen=True, slots=True)
class ExactPages:
    """The rows of one named vector of all pages.

    Args:
        values: uint16 [tiles * d * 32], page after page as `tiled` makes it.
        tiles: int64 [pages + 1], first tile of each page and the end.
    """

    values: HalfArray
    tiles: IntArray

    def __len__(self) -> int:
        return len(self.tiles) - 1

    def maxsim(self, query: FloatArray, pages: IntArray | Sequence[int]) -> FloatArray:
        """Exact MaxSim, float32 [pages]; minus infinity for a page without rows. Needs compiled kernels.

        Args:
            query: float32 [m, d], weighted rows.
            pages: Positions of the pages wanted.
        """
        kernels = compiled.kernels()
        assert kernels is not None  # else the engine scores
        chosen = positions(pages, len(self))
        m, d = query.shape
        rows = np.zeros((-(-m // TILE_ROWS) * TILE_ROWS, d), np.float32)
        rows[:m] = query.astype(np.float16)  # as the engine rounds it, so that its scores are these
        out = np.empty(len(chosen), np.float32)

        def score(part: slice) -> None:
            kernels.exact(self.values, self.tiles, chosen[part], rows, out[part])

        in_blocks(score, self.tiles[chosen + 1] - self.tiles[chosen], rows.size * TILE)
        return out


def tiled(rows: FloatArray) -> HalfArray:
    """A page's rows float32 [n, d] as float16 in tiles [d, 32] one behind the other, uint16 [ceil(n / 32) * d * 32].

    The last row fills the last tile: a maximum does not mind.
    """
    n, d = rows.shape
    filled = rows[np.minimum(np.arange(-(-n // TILE) * TILE), n - 1)].astype(np.float16)
    return np.ascontiguousarray(filled.reshape(-1, TILE, d).transpose(0, 2, 1)).view(np.uint16).ravel()


def tiles_of(rows: IntArray) -> IntArray:
    """Tiles of pages of so many rows, int64 [pages]."""
    return -(-rows // TILE)


def bytes_of(rows: IntArray, dim: int) -> int:
    """Bytes of pages of so many rows of `dim` values, int64 [pages]."""
    return int(tiles_of(rows).sum()) * TILE * dim * np.dtype(np.float16).itemsize


def fit(size: int) -> bool:
    """Whether rows of so many bytes are few enough to be kept."""
    return size <= MOST_BYTES
