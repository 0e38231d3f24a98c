"""Geometry: every patch has its box, free boxes stay on the page."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vrag.grid import Grid, Tile

tiles = st.builds(Tile, rows=st.integers(1, 9), cols=st.integers(1, 9))


@given(tiles)
def test_patches_cover_their_tile_without_overlap(tile):
    boxes = tile.boxes()
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    assert len(boxes) == len(tile) == tile.rows * tile.cols
    assert areas.sum() == pytest.approx(1.0, abs=1e-5)
    assert len({tuple(np.round(box, 5)) for box in boxes}) == len(tile)


def test_patches_are_stored_row_by_row():
    boxes = Tile(2, 3).boxes()
    assert boxes[0].tolist() == pytest.approx([0, 0, 1 / 3, 0.5])
    assert boxes[1].tolist() == pytest.approx([1 / 3, 0, 2 / 3, 0.5])
    assert boxes[3].tolist() == pytest.approx([0, 0.5, 1 / 3, 1])


@given(st.lists(tiles, min_size=1, max_size=4))
def test_tile_slices_partition_the_rows(several):
    grid = Grid.patches(several)
    rows = [row for _, part in grid.tile_slices() for row in range(part.start, part.stop)]
    assert rows == list(range(len(grid)))
    assert not grid.is_free


def test_a_tile_inside_the_page_keeps_its_place():
    boxes = Grid.patches([Tile(1, 2, (0.5, 0.0, 1.0, 0.5))]).boxes
    assert boxes.tolist() == [[0.5, 0.0, 0.75, 0.5], [0.75, 0.0, 1.0, 0.5]]


def test_free_boxes_are_clipped_to_the_page():
    grid = Grid.free([[-0.5, 0.1, 0.5, 1.5]])
    assert grid.is_free
    assert grid.boxes.tolist() == [[0.0, pytest.approx(0.1), 0.5, 1.0]]


def test_an_empty_grid_is_possible():
    assert len(Grid.free([])) == 0
    assert len(Grid.patches([])) == 0


def test_boxes_that_do_not_fill_the_tiles_are_refused():
    with pytest.raises(ValueError, match="do not fill"):
        Grid(np.zeros((3, 4), np.float32), (Tile(2, 2),))
    with pytest.raises(ValueError, match=r"\[n, 4\]"):
        Grid(np.zeros((3, 2), np.float32))


shares = st.tuples(st.floats(0, 0.4), st.floats(0, 0.4), st.floats(0.6, 1), st.floats(0.6, 1))


@given(tiles, shares)
def test_a_grid_within_a_crop_lies_on_the_page(tile, box):
    grid = Grid.patches([tile, Tile(2, 2, is_global=True)])
    width, height = box[2] - box[0], box[3] - box[1]
    naive = [(box[0] + x0 * width, box[1] + y0 * height, box[0] + x1 * width, box[1] + y1 * height)
             for x0, y0, x1, y1 in grid.boxes.tolist()]  # fmt: skip
    moved = grid.within(box)
    np.testing.assert_allclose(moved.boxes, naive, atol=1e-5)
    assert [(t.rows, t.cols, t.is_global) for t in moved.tiles] == [(t.rows, t.cols, t.is_global) for t in grid.tiles]
    np.testing.assert_allclose(Grid.free(grid.boxes).within(box).boxes, naive, atol=1e-5)


def test_within_the_whole_page_nothing_moves():
    grid = Grid.patches([Tile(2, 2)])
    assert grid.within((0.0, 0.0, 1.0, 1.0)) is grid
