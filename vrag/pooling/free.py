"""Poolings that read only boxes: made for words, and good for patches too.

Runs in reading order and bands of free boxes are our own; text that stands together belongs together.
"""

from __future__ import annotations

import numpy as np

from vrag.grid import FloatArray, Grid
from vrag.pooling.pooled import IntArray, Pooled, group_means, members, merged, normalise


def runs(full: FloatArray, grid: Grid, *, size: int = 16, cap: int = 64) -> Pooled:
    """Means of runs of about `size` neighbours in reading order, at most `cap` of them.

    Runs are of equal length (give or take one row), so that no page ends in a sliver.
    """
    count = min(max(1, round(len(full) / size)), cap, len(full))
    return group_means(full, np.array_split(np.arange(len(full)), count))


def lines(full: FloatArray, grid: Grid, *, cap: int = 64) -> Pooled:
    """Means of the lines of text that free boxes form; neighbours merged down to `cap`."""
    return group_means(full, merged(np.split(np.arange(len(grid)), _line_breaks(grid)), cap))


def bands(full: FloatArray, grid: Grid, *, count: int = 32) -> Pooled:
    """Means of at most `count` horizontal bands of the page, by the middle of each box; empty bands fall away."""
    return group_means(full, members(_share(grid, axis=1, count=count)))


def cells(full: FloatArray, grid: Grid, *, rows: int = 8, cols: int = 4) -> Pooled:
    """Means of at most rows x cols cells of the page, by the middle of each box; empty cells fall away."""
    return group_means(full, members(_share(grid, 1, rows) * cols + _share(grid, 0, cols)))


def mean(full: FloatArray, grid: Grid) -> Pooled:
    """The mean of all rows, one vector [1, d]."""
    return group_means(full, [np.arange(len(full))])


def max_mean(full: FloatArray, grid: Grid) -> Pooled:
    """The greatest value of every dimension, and the mean: two vectors [2, d]."""
    everything = np.arange(len(full))
    pair = np.stack([full.max(axis=0), full.mean(axis=0)])
    return Pooled(normalise(pair), (everything, everything))


def _share(grid: Grid, axis: int, count: int) -> IntArray:
    """Which of `count` equal parts of the page along `axis` (0: x, 1: y) the middle of each box lies in."""
    middles = (grid.boxes[:, axis] + grid.boxes[:, axis + 2]) / 2
    return np.minimum((middles * count).astype(np.intp), count - 1)


def _line_breaks(grid: Grid) -> IntArray:
    """Rows that start a new line: their middle lies above or below the box before."""
    top, bottom = grid.boxes[:, 1], grid.boxes[:, 3]
    middles = (top + bottom) / 2
    return np.flatnonzero((middles[1:] < top[:-1]) | (middles[1:] > bottom[:-1])) + 1
