"""The float16 rows of every page once more, laid out for our own kernel, while an index is small.

At a thousand pages the exact scores of the last few take most of a query: the engine needs four times as long for a
page as the kernel here, and does it with one thread. So a small index keeps its rows beside the bits too. MaxSim over
them is exact: the values that the store holds, summed in another order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vrag.bits import compiled
from vrag.bits.files import CacheFiles
from vrag.bits.portable import IntArray
from vrag.bits.threads import in_blocks, positions
from vrag.grid import FloatArray

MOST_BYTES = 512 << 20  # of one index's rows, on the disk and mapped; 2,000 pages of 1,024 x 128
TILE = 32  # rows side by side, as the kernel takes them
_TOGETHER = 4  # query rows, likewise
HalfArray = npt.NDArray[np.uint16]


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
        kernel = compiled.exact_kernel()
        chosen = positions(pages, len(self))
        m, d = query.shape
        rows = np.zeros((-(-m // _TOGETHER) * _TOGETHER, d), np.float32)
        rows[:m] = query.astype(np.float16)  # as the engine rounds it, so that its scores are these
        out = np.empty(len(chosen), np.float32)

        def score(part: slice) -> None:
            kernel.maxsim(self.values, self.tiles, chosen[part], rows, m, out[part])

        in_blocks(score, self.tiles[chosen + 1] - self.tiles[chosen], rows.size * TILE)
        return out


class ExactRows:
    """The file that a vector's rows are kept in; given up once they are more than `MOST_BYTES`.

    Args:
        name: Named vector, part of the file's name.
        generation: Tells this file from those it replaces.
        dim: d.
    """

    def __init__(self, name: str, generation: int, dim: int) -> None:
        self.name, self.dim = name, dim
        self.file = f"{name}.{generation}.rows"
        self.tiles: list[int] | None = [0]  # first tile of each page in the file and the end; None: given up
        self.is_missing = False  # whether all would find room that are not kept

    def restore(self, rows: IntArray, is_kept: bool) -> None:
        """As it was committed, with so many rows of each page, int64 [pages]."""
        tiles = [0, *np.cumsum(tiles_of(rows)).tolist()]
        self.tiles = tiles if is_kept else None
        self.is_missing = not is_kept and self._bytes(tiles[-1]) <= MOST_BYTES

    @property
    def size(self) -> int:
        """Bytes of the file that count."""
        return self._bytes(self.tiles[-1]) if self.tiles else 0

    def write(self, files: CacheFiles, pages: Sequence[FloatArray]) -> None:
        """Write the next pages' rows float32 [n, d], unless there are too many by now."""
        if self.tiles is None:
            return
        more = np.cumsum(tiles_of(np.array([len(page) for page in pages], np.int64)))
        tiles = [*self.tiles, *(self.tiles[-1] + more).tolist()]
        if self._bytes(tiles[-1]) > MOST_BYTES:
            self.tiles = None
            return
        files.append(self.file, self.size, map(tiled, pages))
        self.tiles = tiles

    def mapped(self, files: CacheFiles) -> ExactPages | None:
        """What is written, for scoring; None when it was given up."""
        if self.tiles is None:
            return None
        return ExactPages(files.map(self.file, self.size).view(np.uint16), np.array(self.tiles, np.int64))

    def kept(self, pages: Sequence[int], generation: int, files: CacheFiles) -> ExactRows:
        """With only these pages, in a new file."""
        kept = ExactRows(self.name, generation, self.dim)
        whole = self.mapped(files)
        if whole is None:
            kept.tiles = None
            return kept
        chosen, unit = np.array(pages, np.int64), TILE * self.dim
        first, end = whole.tiles[chosen], whole.tiles[chosen + 1]
        spans = zip((first * unit).tolist(), (end * unit).tolist(), strict=True)
        files.append(kept.file, 0, (whole.values[a:b] for a, b in spans))
        kept.tiles = [0, *np.cumsum(end - first).tolist()]
        return kept

    def _bytes(self, tiles: int) -> int:
        return tiles * TILE * self.dim * np.dtype(np.float16).itemsize


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
