"""The best region of a page: a long page wins by adding matches up from anywhere on it, a place does not.

    score(page) = max over regions r of  sum over query rows j of
                  max( max over rows i in r of <q_j, x_i>,  max over rows h of the head of <q_j, x_h>,  c_j )

A region is a window of neighbouring rows of the multivector, which the page's grid makes a place: for words a passage
in reading order, for patches of one tile a band across the page, for several tiles one of them. `c_j` is what the
document's own context answers (`vrag.search.context`). With one window over the whole page and no context this is
MaxSim.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from vrag.errors import StoreError
from vrag.grid import FloatArray, Grid, Tile


class Windows(NamedTuple):
    """Overlapping windows over a page's multivector.

    Args:
        size: Rows of a window, at least 1.
        stride: Rows from one window to the next, from 1 to `size`.
    """

    size: int
    stride: int


@dataclass(frozen=True, slots=True)
class RegionRule:
    """How a page is cut into overlapping regions.

    Args:
        window: Words of a region, or rows of patches, at least 1.
        stride: Words or rows of patches from one region to the next, from 1 to `window`.
    """

    window: int = 16
    stride: int = 8

    def windows(self, tiles: Sequence[Tile]) -> Windows:
        """The rule in rows of a page's multivector.

        Args:
            tiles: Of the page's grid; none for words. Each of several tiles is a region, the global one too.

        Raises:
            StoreError: They have different sizes, which no model gives them.
        """
        if not tiles:
            return Windows(self.window, self.stride)
        first = tiles[0]
        if len(tiles) == 1:
            return Windows(self.window * first.cols, self.stride * first.cols)
        if any(len(tile) != len(first) for tile in tiles):
            sizes = ", ".join(f"{tile.rows} x {tile.cols}" for tile in tiles[:9])
            raise StoreError(
                f"A page's tiles have different sizes, so that they are no regions: {sizes}.",
                "vrag verify --repair brings back a page whose record is damaged.",
            )
        return Windows(len(first), len(first))

    def rows(self, grid: Grid, start: int) -> tuple[int, int]:
        """First row and end of the region of a page that begins at row `start`."""
        return start, min(start + self.windows(grid.tiles).size, len(grid))


@dataclass(frozen=True, slots=True)
class Best:
    """A page's score and its best region.

    Args:
        score: As defined above.
        start: First row of the best window.
    """

    score: float
    start: int


def best_region(similarities: FloatArray, windows: Windows | None, head: int, context: FloatArray | None) -> Best:
    """The score of one page, and where its best region begins.

    Args:
        similarities: float32 [m, n], dot products of the query's rows with the page's.
        windows: None for the whole page.
        head: First rows of the page that count in every region.
        context: float32 [m], what every region has at least; None for nothing.
    """
    m, n = similarities.shape
    least = np.full(m, -np.inf, np.float32) if context is None else context
    if head:
        least = np.maximum(least, similarities[:, :head].max(axis=1))
    size, stride = windows or (n, n)
    scores = np.maximum(_window_maxima(similarities, size, stride), least[:, None]).sum(axis=0)
    best = int(scores.argmax())
    return Best(float(scores[best]), window_starts(n, size, stride)[best])


def window_starts(n: int, size: int, stride: int) -> range:
    """First rows of the windows over n rows: every `stride`, until one reaches the last row."""
    return range(0, max(0, n - size) + stride, stride)


def _window_maxima(similarities: FloatArray, size: int, stride: int) -> FloatArray:
    """Each query row's best similarity in each window: float32 [m, windows] from [m, n]."""
    starts = window_starts(similarities.shape[1], size, stride)
    if size % stride:
        return np.stack([similarities[:, s : s + size].max(axis=1) for s in starts], axis=1)
    # Windows are made of whole strides: one pass over the rows instead of one a window.
    steps = np.maximum.reduceat(similarities, np.arange(0, similarities.shape[1], stride), axis=1)
    best: FloatArray = steps[:, : len(starts)].copy()
    for later in range(1, size // stride):
        others = steps[:, later : later + len(starts)]
        np.maximum(best[:, : others.shape[1]], others, out=best[:, : others.shape[1]])
    return best
