"""Every patch lies where the processor took its pixels from; what cannot be placed is refused."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.onnx_vision.conftest import noise
from tests.tiny_onnx import FAMILIES
from vrag.errors import ModelError
from vrag.pages.page import Page

FEW = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
SIDE = st.integers(8, 900)


@pytest.mark.parametrize("family", FAMILIES)
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
    inputs = model.process([Page(1, width, height, image=Image.new("RGB", (width, height), "white"))])
    (grid,) = model._patches.grids(inputs)
    assert len(grid) == int(model._patches.masks(inputs).sum()) <= model.max_rows
    local = [tile for tile in grid.tiles if not tile.is_global]
    area = sum((t.box[2] - t.box[0]) * (t.box[3] - t.box[1]) for t in local or grid.tiles)
    assert area == pytest.approx(1)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("size", [(420, 594), (594, 420), (150, 900)])
def test_a_painted_cell_changes_its_own_token_and_no_other_part_of_the_page(family, size, embedder):
    model = embedder(family)
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
        reach = np.array([x1 - x0, y1 - y0]) * 0.6 + 2  # resampling blurs over the edge, never across a cell
        apart = (near[:, 0] > x1 + reach[0]) | (near[:, 2] < x0 - reach[0])
        apart |= (near[:, 1] > y1 + reach[1]) | (near[:, 3] < y0 - reach[1])
        assert change[local][apart].max(initial=0) == 0


def seen(model, picture):
    """What each visual token is made of: mean pixel values [n], in the order of the tokens."""
    inputs = model.process([Page(1, *picture.size, image=picture)])
    (grid,) = model._patches.grids(inputs)
    pixels = inputs["pixel_values"]
    tiles = pixels.reshape(-1, *pixels.shape[-3:])
    return np.concatenate([_blocks(picture, tile) for picture, tile in zip(tiles, grid.tiles, strict=True)])


def _blocks(picture, tile):
    """Means of the tile's equal squares: channels x height x width -> rows * cols."""
    _, height, width = picture.shape
    shape = (3, tile.rows, height // tile.rows, tile.cols, width // tile.cols)
    return picture.reshape(shape).mean(axis=(0, 2, 4)).reshape(-1)


def test_the_last_tile_shows_the_whole_page(embedder):
    grid = embedder("colmodernvbert").embed_pages([noise(420, 594)])[0].grid
    assert [tile.is_global for tile in grid.tiles] == [False] * (len(grid.tiles) - 1) + [True]
    assert grid.tiles[-1].box == (0, 0, 1, 1)


def test_prompt_tokens_are_no_patches(embedder):
    inputs = embedder("colpali").process([noise(100, 100)])
    assert inputs["input_ids"].shape == (1, 1030)
    assert len(embedder("colpali").embed_pages([noise(100, 100)])[0].full) == 1024


@pytest.mark.parametrize("tokens", [1023, 1, 0, 1000])
def test_tokens_that_fill_no_square_are_refused(tokens, embedder):
    model = embedder("colpali")
    inputs = dict(model.process([noise(100, 100)]))
    inputs["attention_mask"] = (np.arange(1030) < tokens).astype(np.int64)[None]
    if tokens == 1:  # one patch for the whole page is a grid too
        assert len(model._patches.grids(inputs)[0]) == 1
        return
    with pytest.raises(ModelError, match="their places are unknown"):
        model._patches.grids(inputs)


def test_a_page_cut_off_by_the_tokenizer_is_refused(embedder):
    model = embedder("colmodernvbert")
    inputs = dict(model.process([noise(420, 594)]))
    whole = model._patches.masks(inputs)[0]
    last = np.flatnonzero(whole)[-4]
    inputs["attention_mask"] = inputs["attention_mask"].copy()
    inputs["attention_mask"][0, last:] = 0  # the tile of the whole page is gone, and the rest adds up
    with pytest.raises(ModelError, match=r"13 tiles and tokens for 12 of them"):
        model._patches.grids(inputs)


def test_patches_of_a_cropped_picture_lie_in_the_part_of_the_page_that_it_shows(embedder):
    whole = noise(300, 300)
    cropped = replace(whole, crop=(0.25, 0.5, 0.75, 1.0))
    inner, outer = (embedder("colmodernvbert").embed_pages([page])[0] for page in (whole, cropped))
    np.testing.assert_array_equal(inner.full, outer.full)
    np.testing.assert_allclose(outer.grid.boxes[0, :2], [0.25, 0.5])
