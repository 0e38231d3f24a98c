"""Every patch lies where the processor took its pixels from."""

from dataclasses import replace

import numpy as np
import pytest

from tests.embedders.colpali.conftest import LATE
from tests.embedders.painting import PAINTED, any_size, check_count, check_painted_cells, noise, tile_means
from vrag.embedders.colpali.torch_families import PatchLayout
from vrag.errors import ModelError, PageError
from vrag.pages.page import Page


@pytest.mark.parametrize("family", LATE)
@any_size
def test_patches_counted_are_the_grid(family, embedder, width, height):
    check_count(embedder(family), width, height)


@pytest.mark.parametrize("family", LATE)
@PAINTED
def test_a_painted_cell_changes_its_own_token_and_no_other_part_of_the_page(family, size, embedder):
    check_painted_cells(embedder(family), size, inputs)


def inputs(model, picture):
    """What each visual token is made of: mean pixel values [n], in the order of the tokens."""
    batch = model.process([Page(1, *picture.size, image=picture)])
    pixels = batch["pixel_values"].numpy()
    (grid,) = model._patches.grids(batch)
    layout = model._family.layout
    if layout is PatchLayout.DYNAMIC:
        return pixels.reshape(len(grid), -1).mean(axis=1)
    return tile_means(pixels, grid)


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
