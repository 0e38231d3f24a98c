"""Every patch lies where the processor took its pixels from; what cannot be placed is refused."""

from dataclasses import replace

import numpy as np
import pytest

from tests.embedders.painting import PAINTED, any_size, check_count, check_painted_cells, noise, tile_means
from tests.embedders.tiny_onnx import FAMILIES
from vrag.errors import ModelError
from vrag.pages.page import Page


@pytest.mark.parametrize("family", FAMILIES)
@any_size
def test_patches_counted_are_the_grid(family, embedder, width, height):
    check_count(embedder(family), width, height)


@pytest.mark.parametrize("family", FAMILIES)
@PAINTED
def test_a_painted_cell_changes_its_own_token_and_no_other_part_of_the_page(family, size, embedder):
    check_painted_cells(embedder(family), size, seen, blur=2)


def seen(model, picture):
    """What each visual token is made of: mean pixel values [n], in the order of the tokens."""
    inputs = model.process([Page(1, *picture.size, image=picture)])
    (grid,) = model._patches.grids(inputs)
    pixels = inputs["pixel_values"]
    return tile_means(pixels, grid)


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
