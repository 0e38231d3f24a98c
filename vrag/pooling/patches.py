"""Poolings of patch grids, as arXiv 2602.12510 §3 has them, written once for every layout of tiles.

A page is one tile (ColPali, ColQwen) or several in rows and columns, with a global tile that shows the
whole page (ColSmol). Rows and columns run across the page through all its tiles; the patches of a
global tile are pooled to one vector of their own.
"""

from __future__ import annotations

import numpy as np

from vrag.grid import FloatArray, Grid
from vrag.pooling.pooled import (
    IntArray,
    Pooled,
    UnsuitableGridError,
    group_means,
    members,
    weighted_means,
)

_ALL = 1 << 16  # a cap that no page reaches
_STEPS = 1 << 16  # boxes closer than this share of the page are the same row


def tiles(full: FloatArray, grid: Grid) -> Pooled:
    """One mean a tile, the global tile's included: [tiles, d]."""
    return group_means(full, _tile_groups(grid))


def rows(full: FloatArray, grid: Grid) -> Pooled:
    """One mean a row of patches, top to bottom: [h, d] for one tile of h x w patches."""
    return group_means(full, [*_strips(grid, axis=1), *_global_groups(grid)])


def columns(full: FloatArray, grid: Grid) -> Pooled:
    """One mean a column of patches, left to right: [w, d] for one tile of h x w patches."""
    return group_means(full, [*_strips(grid, axis=0), *_global_groups(grid)])


def adaptive_rows(full: FloatArray, grid: Grid, *, cap: int = 32) -> Pooled:
    """Rows, averaged to at most `cap` bins as adaptive pooling does.

    Bin i of c spans the rows from floor(i h / c) to ceil((i + 1) h / c), the last one left out.
    """
    return group_means(full, [*_binned(_strips(grid, axis=1), cap), *_global_groups(grid)])


def sliding(full: FloatArray, grid: Grid, *, window: int = 3) -> Pooled:
    """Uniform window over N rows (conv1d): N + 2r vectors, r = window // 2; output i averages rows i - 2r .. i."""
    radius = _radius(window)
    strips = _strips(grid, axis=1)
    n, wide = len(strips), len(strips) + 2 * radius
    first = np.arange(wide)[:, None] - 2 * radius
    place = np.arange(n)[None, :]
    weights = ((place >= first) & (place <= np.arange(wide)[:, None])).astype(np.float32)
    return _with_global(full, grid, strips, weights)


def smooth(full: FloatArray, grid: Grid, *, window: int = 3, shape: str = "gaussian", cap: int = _ALL) -> Pooled:
    """Rows smoothed by a uniform, triangular or gaussian window: N vectors, weights renormalised at the borders.

    Better than `sliding` for models that already merge patches (arXiv 2602.12510 §3). sigma = max(0.5, r / 2).
    With `cap` the rows are adaptive ones.
    """
    radius = _radius(window)
    strips = _binned(_strips(grid, axis=1), cap)
    distance = np.abs(np.arange(len(strips))[:, None] - np.arange(len(strips))[None, :])
    weights = np.where(distance <= radius, _window(distance, radius, shape), np.float32(0))
    return _with_global(full, grid, strips, weights)


def neighbours(full: FloatArray, grid: Grid) -> Pooled:
    """Each tile's mean averaged with its up to four neighbours'; the global tile stays as it is."""
    place = _tile_places(grid)
    if not len(place):
        raise UnsuitableGridError("the page has only a global tile")
    distance = np.abs(place[:, None, :] - place[None, :, :]).sum(axis=2)
    local = [
        group for group, (tile, _) in zip(_tile_groups(grid), grid.tile_slices(), strict=True) if not tile.is_global
    ]
    return _with_global(full, grid, local, (distance <= 1).astype(np.float32))


def tiles_and_last(full: FloatArray, grid: Grid) -> Pooled:
    """One mean a tile, but the last tile's patches one by one: [tiles - 1 + patches of the last, d]."""
    groups = _tile_groups(grid)
    return group_means(full, [*groups[:-1], *np.split(groups[-1], len(groups[-1]))])


def _window(distance: IntArray, radius: int, shape: str) -> FloatArray:
    """Weight of a row by its distance in rows."""
    if shape == "uniform":
        return np.ones(distance.shape, np.float32)
    if shape == "triangular":
        return (radius + 1.0 - distance).astype(np.float32)
    sigma = max(0.5, radius / 2)
    return np.exp(-(distance**2) / (2 * sigma**2)).astype(np.float32)


def _binned(strips: list[IntArray], cap: int) -> list[IntArray]:
    """Strips joined to at most `cap` bins of equal height; neighbouring bins share a strip their edge runs through."""
    h, count = len(strips), min(cap, len(strips))
    return [np.concatenate(strips[i * h // count : -((i + 1) * -h // count)]) for i in range(count)]


def _with_global(full: FloatArray, grid: Grid, groups: list[IntArray], weights: FloatArray) -> Pooled:
    local, rest = weighted_means(full, groups, weights), _global_groups(grid)
    if not rest:
        return local
    whole = group_means(full, rest)
    return Pooled(np.concatenate([local.vectors, whole.vectors]), local.sources + whole.sources)


def _tile_groups(grid: Grid) -> list[IntArray]:
    _need_patches(grid)
    return [np.arange(part.start, part.stop) for _, part in grid.tile_slices()]


def _global_groups(grid: Grid) -> list[IntArray]:
    return [np.arange(part.start, part.stop) for tile, part in grid.tile_slices() if tile.is_global]


def _strips(grid: Grid, axis: int) -> list[IntArray]:
    """Rows (axis 1) or columns (axis 0) of patches across all tiles but the global one."""
    _need_patches(grid)
    slices = grid.tile_slices()
    local = np.concatenate([np.arange(p.start, p.stop) for tile, p in slices if not tile.is_global] or [np.arange(0)])
    if not len(local):
        raise UnsuitableGridError("the page has only a global tile")
    starts = np.rint(grid.boxes[local, axis] * _STEPS).astype(np.intp)
    return [local[group] for group in members(starts)]


def _tile_places(grid: Grid) -> IntArray:
    """Row and column of each tile but the global one: int [tiles, 2]."""
    _need_patches(grid)
    corners = np.array([tile.box[1::-1] for tile in grid.tiles if not tile.is_global]).reshape(-1, 2)
    ranks = [np.unique(np.rint(corners[:, i] * _STEPS), return_inverse=True)[1] for i in (0, 1)]
    return np.stack(ranks, axis=1)


def _need_patches(grid: Grid) -> None:
    if grid.is_free:
        raise UnsuitableGridError("it pools patches of an image, and this model's vectors are words")


def _radius(window: int) -> int:
    if window % 2 == 0:
        raise UnsuitableGridError(f"window must be odd, not {window}")
    return window // 2
