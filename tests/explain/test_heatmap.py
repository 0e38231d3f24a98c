"""The hottest pixel lies on what matches: words, and the patches of every family's geometry."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from vrag.explain.heatmap import located, overlay, paint, row_heat
from vrag.grid import WHOLE_PAGE, Grid, Tile

SIZE = (210, 297)


def smol(rows, cols, side=8):
    """Tiles of side x side patches and, last, one that shows the whole page once more (ColSmol)."""
    xs, ys = np.linspace(0, 1, cols + 1), np.linspace(0, 1, rows + 1)
    local = [
        Tile(side, side, (float(xs[c]), float(ys[r]), float(xs[c + 1]), float(ys[r + 1])))
        for r in range(rows)
        for c in range(cols)
    ]
    return Grid.patches([*local, Tile(side, side, WHOLE_PAGE, is_global=True)])


FAMILIES = {
    "colpali": Grid.patches([Tile(32, 32)]),
    "colqwen": Grid.patches([Tile(29, 21)]),
    "colgemma": Grid.patches([Tile(16, 16)]),
    "colsmol": smol(4, 3),
    "colsmol, one tile": Grid.patches([Tile(8, 8, WHOLE_PAGE, is_global=True)]),
}


def one_hot(grid, row, m=1):
    """Similarities [m, n] as of a page whose patches are alike but for one."""
    similarities = np.full((m, len(grid)), 0.1, np.float32)
    similarities[:, row] = 0.9
    return similarities


def heat_of(similarities, grid, size=SIZE):
    heat = row_heat(similarities, np.ones(len(similarities), np.float32), grid)
    return paint(heat.sum(axis=0), grid, size)


def hottest(raster):
    """Middle of the pixel with the greatest value, as shares of the page."""
    y, x = np.unravel_index(raster.argmax(), raster.shape)
    return (x + 0.5) / raster.shape[1], (y + 0.5) / raster.shape[0]


def lies_in(point, box):
    slack = 0.5 / min(SIZE)
    return box[0] - slack <= point[0] <= box[2] + slack and box[1] - slack <= point[1] <= box[3] + slack


@pytest.mark.parametrize("family", FAMILIES)
def test_the_maximum_lies_in_the_patch_that_matches(family):
    grid = FAMILIES[family]
    for row in (*range(0, len(grid), 37), len(grid) - 1):
        if located(grid)[row]:
            assert lies_in(hottest(heat_of(one_hot(grid, row), grid)), grid.boxes[row]), row


@given(st.integers(1, 12), st.integers(1, 12), st.data())
def test_the_maximum_lies_in_the_patch_of_any_grid(rows, cols, data):
    grid = Grid.patches([Tile(max(rows, 2), cols)])
    row = data.draw(st.integers(0, len(grid) - 1))
    values = np.array(data.draw(st.lists(st.floats(0, 0.75, width=32), min_size=len(grid), max_size=len(grid))))
    values[row] = 1.0
    assert lies_in(hottest(paint(values.astype(np.float32), grid, SIZE)), grid.boxes[row])


def test_patches_of_the_global_tile_do_not_smear_the_page():
    grid = smol(4, 3)
    only_global = heat_of(one_hot(grid, len(grid) - 5), grid)
    assert only_global.max() == 0
    both = one_hot(grid, 100)
    both[:, -64:] = 1.0
    raster = heat_of(both, grid)
    assert lies_in(hottest(raster), grid.boxes[100])
    assert (raster > 0.01 * raster.max()).mean() < 0.01


def test_without_other_tiles_the_global_one_is_the_page():
    assert located(FAMILIES["colsmol, one tile"]).all()


def test_a_box_as_large_as_the_page_says_nothing():
    grid = Grid.free([WHOLE_PAGE, [0.1, 0.1, 0.2, 0.2]])
    assert located(grid).tolist() == [False, True]
    alone = Grid.free([WHOLE_PAGE])
    assert heat_of(np.ones((3, 1), np.float32), alone).max() == 0


def test_a_word_that_matches_everything_alike_lights_up_nothing():
    grid = Grid.patches([Tile(4, 4)])
    assert row_heat(np.full((2, 16), 0.7, np.float32), np.ones(2, np.float32), grid).max() == 0


def test_heat_grows_with_the_weight_and_faster_than_the_similarity():
    grid = Grid.patches([Tile(4, 4)])
    weak, strong = one_hot(grid, 3) * 0.5, one_hot(grid, 3)
    heat = row_heat(np.concatenate([weak, strong, strong]), np.array([1, 1, 2], np.float32), grid)[:, 3]
    assert heat[1] > 4 * heat[0]
    assert heat[2] == pytest.approx(2 * heat[1])


def test_where_boxes_overlap_the_greatest_value_counts():
    grid = Grid.free([[0.2, 0.2, 0.6, 0.6], [0.4, 0.4, 0.8, 0.8]])
    for values in ([1.0, 0.5], [0.5, 1.0]):
        raster = paint(np.array(values, np.float32), grid, (100, 100))
        assert raster[50, 50] == 1.0
        assert raster[30, 30] >= values[0]


def test_a_thin_box_still_gets_a_pixel():
    grid = Grid.free([[0.5, 0.5, 0.5, 0.5], [0.9999, 0.9999, 1.0, 1.0]])
    assert paint(np.array([1.0, 0.0], np.float32), grid, (20, 20)).max() == 1.0
    assert paint(np.array([0.0, 1.0], np.float32), grid, (20, 20))[19, 19] == 1.0


def test_the_overlay_is_red_where_it_is_hot_and_the_page_elsewhere():
    page = Image.new("RGB", (100, 100), "white")
    grid = Grid.free([[0.2, 0.2, 0.3, 0.3], [0.7, 0.7, 0.8, 0.8]])
    shown = np.asarray(overlay(page, paint(np.array([1.0, 0.3], np.float32), grid, page.size)), int)
    hot, warm, cold = shown[25, 25], shown[75, 75], shown[50, 90]
    assert hot[0] - hot[1] > 100
    assert 0 < warm[0] - warm[2] < 120
    assert cold.tolist() == [255, 255, 255]


def test_marks_frame_a_box_and_leave_its_inside():
    page = Image.new("RGB", (100, 100), "white")
    shown = np.asarray(overlay(page, np.zeros((100, 100), np.float32), [(0.4, 0.4, 0.6, 0.6)]), int)
    assert shown[50, 50].tolist() == [255, 255, 255]
    assert (shown.sum(axis=2) < 700).sum() > 60
