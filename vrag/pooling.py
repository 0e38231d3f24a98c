"""Training-free poolings: n vectors of a page become few, and each remembers its sources.

Every pooling takes `full` float32 [n, d] with its `Grid` and returns `Pooled`. Means are taken in
float32 and normalised to unit length, so that a dot product is a cosine. A group of one row is that
row: pooling with groups of one is the identity. Source of the method: arXiv 2602.12510 §3; runs in
reading order for text and bands for free boxes are our own.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from vrag.errors import UsageError
from vrag.grid import FloatArray, Grid

IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Pooled:
    """Pooled vectors and where they come from.

    Args:
        vectors: float32 [k, d], unit rows.
        sources: k index arrays into the n rows pooled: the map back to patches and boxes.
    """

    vectors: FloatArray
    sources: tuple[IntArray, ...]


Pooling = Callable[[FloatArray, Grid], Pooled]


def normalise(rows: npt.NDArray[np.floating]) -> FloatArray:
    """Rows [..., d] scaled to unit length, float32; zero rows stay zero."""
    norms = np.linalg.norm(rows, axis=-1, keepdims=True)
    unit: FloatArray = (rows / np.maximum(norms, 1e-12)).astype(np.float32)
    return unit


def group_means(full: FloatArray, groups: Sequence[IntArray]) -> Pooled:
    """Unit mean [k, d] of each of k non-empty groups of rows of `full` [n, d]."""
    means = [full[group].mean(axis=0) if len(group) > 1 else full[group[0]] for group in groups]
    return Pooled(normalise(np.stack(means)), tuple(groups))


def runs(full: FloatArray, grid: Grid, *, size: int = 16, cap: int = 64) -> Pooled:
    """Means of runs of about `size` neighbours in reading order, at most `cap` of them.

    Runs are of equal length (give or take one row), so that no page ends in a sliver.
    """
    count = min(max(1, round(len(full) / size)), cap, len(full))
    return group_means(full, np.array_split(np.arange(len(full)), count))


def lines(full: FloatArray, grid: Grid, *, cap: int = 64) -> Pooled:
    """Means of the text lines of free boxes, or of the patch rows of a grid; neighbours merged down to `cap`."""
    groups = _patch_rows(grid) if not grid.is_free else _split_after(_line_breaks(grid), len(grid))
    merged = [np.concatenate(part) for part in _merge(groups, cap)]
    return group_means(full, merged)


def bands(full: FloatArray, grid: Grid, *, count: int = 32) -> Pooled:
    """Means of at most `count` horizontal bands of the page, by the middle of each box; empty bands fall away."""
    middles = (grid.boxes[:, 1] + grid.boxes[:, 3]) / 2
    return group_means(full, _members(np.minimum((middles * count).astype(np.intp), count - 1)))


def cells(full: FloatArray, grid: Grid, *, rows: int = 8, cols: int = 4) -> Pooled:
    """Means of at most rows x cols cells of the page, by the middle of each box; empty cells fall away."""
    x = (grid.boxes[:, 0] + grid.boxes[:, 2]) / 2
    y = (grid.boxes[:, 1] + grid.boxes[:, 3]) / 2
    col = np.minimum((x * cols).astype(np.intp), cols - 1)
    row = np.minimum((y * rows).astype(np.intp), rows - 1)
    return group_means(full, _members(row * cols + col))


def mean(full: FloatArray, grid: Grid) -> Pooled:
    """The mean of all rows, one vector [1, d]."""
    return group_means(full, [np.arange(len(full))])


POOLINGS: Mapping[str, Callable[..., Pooled]] = {f.__name__: f for f in (runs, lines, bands, cells, mean)}


def make_pooling(name: str, options: Mapping[str, int], where: str) -> Pooling:
    """The pooling `name` with its options bound.

    Args:
        name: A key of `POOLINGS`.
        options: Its keyword arguments, whole numbers of at least 1.
        where: File and key of the recipe, for error messages.

    Raises:
        UsageError: Unknown pooling, unknown option, or a value out of range.
    """
    if name not in POOLINGS:
        raise UsageError(f"{where}: unknown pooling {name!r}.", f"Choose one of: {', '.join(POOLINGS)}.")
    allowed = [p.name for p in inspect.signature(POOLINGS[name]).parameters.values() if p.kind is p.KEYWORD_ONLY]
    for key, value in options.items():
        if key not in allowed:
            raise UsageError(
                f"{where}: pooling {name!r} has no option {key!r}.", f"Allowed: {', '.join(allowed) or 'none'}."
            )
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise UsageError(f"{where}: {key} = {value!r} must be a whole number of at least 1.")
    return partial(POOLINGS[name], **options)


def _members(keys: IntArray) -> list[IntArray]:
    order = np.argsort(keys, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(keys[order])) + 1)


def _split_after(breaks: IntArray, n: int) -> list[IntArray]:
    return np.split(np.arange(n), breaks)


def _line_breaks(grid: Grid) -> IntArray:
    """Rows that start a new line: their middle lies outside the box before, or they jump back to the left."""
    y0, y1 = grid.boxes[:, 1], grid.boxes[:, 3]
    middles = (y0 + y1) / 2
    leaves = (middles[1:] < y0[:-1]) | (middles[1:] > y1[:-1])
    return np.flatnonzero(leaves) + 1


def _patch_rows(grid: Grid) -> list[IntArray]:
    groups: list[IntArray] = []
    for tile, rows in grid.tile_slices():
        groups.extend(np.arange(rows.start, rows.stop).reshape(tile.rows, tile.cols))
    return groups


def _merge(groups: list[IntArray], cap: int) -> list[list[IntArray]]:
    edges = np.linspace(0, len(groups), min(cap, len(groups)) + 1).astype(np.intp)
    return [groups[a:b] for a, b in zip(edges[:-1], edges[1:], strict=True)]
