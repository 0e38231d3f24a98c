"""Every patch lies where the processor took its pixels from."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.colpali.conftest import LATE, noise
from vrag.embedders.colpali.families import Layout
from vrag.errors import ModelError, PageError
from vrag.pages.page import Page

FEW = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
SIDE = st.integers(8, 900)


@pytest.mark.parametrize("family", LATE)
@given(width=SIDE, height=SIDE)
@example(width=210, height=297)
@example(width=297, height=210)
@example(width=100, height=800)
@example(width=800, height=100)
@example(width=1, height=1)
@example(width=3000, height=2000)
@FEW
def test_patches_counted_are_the_grid(family, embedder, width, height):
    model = embedder(family)
    batch = model.process([Page(1, width, height, image=Image.new("RGB", (width, height), "white"))])
    (grid,) = model._patches.grids(batch)
    assert len(grid) == int(model._patches.masks(batch).sum()) <= model.max_rows
    local = [tile for tile in grid.tiles if not tile.is_global]
    area = sum((t.box[2] - t.box[0]) * (t.box[3] - t.box[1]) for t in local or grid.tiles)
    assert area == pytest.approx(1)


@pytest.mark.parametrize("family", LATE)
@pytest.mark.parametrize("size", [(420, 594), (594, 420), (150, 900)])
def test_a_painted_cell_changes_its_own_token_and_no_other_part_of_the_page(family, size, embedder):
    model = embedder(family)
    width, height = size
    blank = inputs(model, Image.new("RGB", size, "white"))
    (grid,) = model._patches.grids(model.process([noise(width, height)]))
    local = np.concatenate([np.arange(part.start, part.stop) for t, part in grid.tile_slices() if not t.is_global])
    for cell in local[:: max(1, len(local) // 7)]:
        x0, y0, x1, y1 = grid.boxes[cell] * [width, height, width, height]
        painted = Image.new("RGB", size, "white")
        painted.paste("black", tuple(int(n) for n in np.rint([x0, y0, x1, y1])))
        change = np.abs(inputs(model, painted) - blank)
        assert change[local].argmax() == np.flatnonzero(local == cell)[0]
        near = grid.boxes[local] * [width, height, width, height]
        reach = np.array([x1 - x0, y1 - y0]) * 0.6  # resampling blurs over the edge, never across a cell
        apart = (near[:, 0] > x1 + reach[0]) | (near[:, 2] < x0 - reach[0])
        apart |= (near[:, 1] > y1 + reach[1]) | (near[:, 3] < y0 - reach[1])
        assert change[local][apart].max(initial=0) == 0


def inputs(model, picture):
    """What each visual token is made of: mean pixel values [n], in the order of the tokens."""
    batch = model.process([Page(1, *picture.size, image=picture)])
    pixels = batch["pixel_values"].numpy()
    (grid,) = model._patches.grids(batch)
    layout = model._family.layout
    if layout is Layout.DYNAMIC:
        return pixels.reshape(len(grid), -1).mean(axis=1)
    tiles = pixels.reshape(-1, *pixels.shape[-3:])
    return np.concatenate([_blocks(picture, tile) for picture, tile in zip(tiles, grid.tiles, strict=True)])


def _blocks(picture, tile):
    """Means of the tile's equal squares: channels x height x width -> rows * cols."""
    _, height, width = picture.shape
    shape = (3, tile.rows, height // tile.rows, tile.cols, width // tile.cols)
    return picture.reshape(shape).mean(axis=(0, 2, 4)).reshape(-1)


@pytest.mark.parametrize("family", ["colidefics3", "colmodernvbert"])
def test_the_connector_keeps_squares_of_patches_in_rows(family, embedder):
    """Patches merge where they stand: token (r, c) of a tile is made of the patches of that square."""
    import torch

    connector = embedder(family)._loaded.model.model.connector
    side, factor = 4, 2
    merged = connector.pixel_shuffle(torch.arange(side * side)[None, :, None].float(), factor)[0]
    for token, patches in enumerate(merged.int().tolist()):
        rows, cols = zip(*(divmod(patch, side) for patch in patches), strict=True)
        assert {row // factor for row in rows} == {token // (side // factor)}
        assert {col // factor for col in cols} == {token % (side // factor)}


def test_the_last_tile_shows_the_whole_page(embedder):
    model = embedder("colidefics3")
    grid = model.embed_pages([noise(420, 594)])[0].grid
    assert [tile.is_global for tile in grid.tiles] == [False] * (len(grid.tiles) - 1) + [True]
    assert grid.tiles[-1].box == (0, 0, 1, 1)


def test_a_picture_that_the_processor_refuses_is_a_page_error(embedder):
    with pytest.raises(PageError, match="refuses the picture"):
        embedder("colqwen2").embed_pages([noise(1, 900)])


def test_pan_and_scan_is_refused(embedder):
    model = embedder("colgemma3")
    batch = model.process([noise(100, 100)])
    batch["pixel_values"] = batch["pixel_values"].repeat(2, 1, 1, 1)
    with pytest.raises(ModelError, match="pan and scan"):
        model._patches.grids(batch)


def test_patches_of_a_cropped_picture_lie_in_the_part_of_the_page_that_it_shows(embedder):
    whole = noise(300, 300)
    cropped = replace(whole, crop=(0.25, 0.5, 0.75, 1.0))
    model = embedder("colqwen2")
    inner, outer = model.embed_pages([whole])[0], model.embed_pages([cropped])[0]
    np.testing.assert_array_equal(inner.full, outer.full)
    np.testing.assert_allclose(outer.grid.boxes[0, :2], [0.25, 0.5])
    np.testing.assert_allclose(outer.grid.boxes[-1, 2:], [0.75, 1.0])
