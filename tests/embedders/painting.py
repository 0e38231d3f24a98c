"""Where patches lie: what tests of every engine for models of page pictures ask of an embedder."""

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from vrag.pages.page import Page

_SIDE = st.integers(8, 900)
_SIZES = [(210, 297), (297, 210), (100, 800), (800, 100), (1, 1), (3000, 2000)]
PAINTED = pytest.mark.parametrize("size", [(420, 594), (594, 420), (150, 900)])


def noise(width, height, seed=0):
    """A page of noise, in which every patch looks different."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Page(seed + 1, width, height, image=Image.fromarray(pixels))


def any_size(test):
    """Run a test with pages of ordinary and odd sizes, as `width` and `height`."""
    for width, height in reversed(_SIZES):
        test = example(width=width, height=height)(test)
    few = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
    return few(given(width=_SIDE, height=_SIDE)(test))


def check_count(model, width, height):
    """The visual tokens are the grid's cells, and the tiles cover the page once."""
    inputs = model.process([Page(1, width, height, image=Image.new("RGB", (width, height), "white"))])
    (grid,) = model._patches.grids(inputs)
    assert len(grid) == int(model._patches.masks(inputs).sum()) <= model.max_rows
    local = [tile for tile in grid.tiles if not tile.is_global]
    area = sum((t.box[2] - t.box[0]) * (t.box[3] - t.box[1]) for t in local or grid.tiles)
    assert area == pytest.approx(1)


def check_painted_cells(model, size, seen, blur=0):
    """A painted cell changes its own token most, and none in another part of the page.

    Args:
        model: The embedder.
        size: Width and height of the page.
        seen: Function of the model and a picture: what each visual token is made of, [n].
        blur: Pixels that resampling reaches beyond six tenths of a cell.
    """
    width, height = size
    blank = seen(model, Image.new("RGB", size, "white"))
    (grid,) = model._patches.grids(model.process([noise(width, height)]))
    local = np.concatenate([np.arange(part.start, part.stop) for t, part in grid.tile_slices() if not t.is_global])
    for cell in local[:: max(1, len(local) // 7)]:
        x0, y0, x1, y1 = grid.boxes[cell] * [width, height, width, height]
        painted = Image.new("RGB", size, "white")
        painted.paste("black", tuple(int(n) for n in np.rint([x0, y0, x1, y1])))
        change = np.abs(seen(model, painted) - blank)
        assert change[local].argmax() == np.flatnonzero(local == cell)[0]
        near = grid.boxes[local] * [width, height, width, height]
        reach = np.array([x1 - x0, y1 - y0]) * 0.6 + blur  # resampling blurs over the edge, never across a cell
        apart = (near[:, 0] > x1 + reach[0]) | (near[:, 2] < x0 - reach[0])
        apart |= (near[:, 1] > y1 + reach[1]) | (near[:, 3] < y0 - reach[1])
        assert change[local][apart].max(initial=0) == 0


def tile_means(pixels, grid):
    """Means of the equal squares that a tile's tokens stand for: tiles of channels x height x width -> [n]."""
    tiles = pixels.reshape(-1, *pixels.shape[-3:])
    return np.concatenate([_squares(picture, tile) for picture, tile in zip(tiles, grid.tiles, strict=True)])


def _squares(picture, tile):
    _, height, width = picture.shape
    shape = (3, tile.rows, height // tile.rows, tile.cols, width // tile.cols)
    return picture.reshape(shape).mean(axis=(0, 2, 4)).reshape(-1)
