"""Grids of patches from numbers of tokens: what adds up is mapped, what does not is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vrag.embedders.colpali.geometry import dynamic_grid, square_grid, tile_places, tiled_grid, whole_page
from vrag.errors import ModelError

SIDE = st.integers(1, 12)


@given(rows=SIDE, cols=SIDE, merge=st.integers(1, 4))
def test_patches_merged_in_squares_fill_the_page(rows, cols, merge):
    dynamic = dynamic_grid(1, rows * merge, cols * merge, merge, rows * cols)
    square = square_grid((rows * merge * 14, cols * merge * 14), 14, rows * cols)
    for grid in (dynamic, square):
        assert [(tile.rows, tile.cols) for tile in grid.tiles] == [(rows, cols)]
        np.testing.assert_allclose(grid.boxes[-1, 2:], 1)
        assert len(grid) == rows * cols


def test_paligemma_and_gemma_grids():
    assert square_grid((448, 448), 14, 1024).tiles[0].rows == 32
    assert square_grid((896, 896), 14, 256).tiles[0].cols == 16


@pytest.mark.parametrize(
    ("frames", "rows", "cols", "merge", "tokens"),
    [(2, 4, 4, 2, 8), (1, 5, 4, 2, 4), (1, 4, 4, 2, 5), (1, 4, 4, 2, 0)],
)
def test_a_dynamic_grid_that_does_not_add_up_is_refused(frames, rows, cols, merge, tokens):
    with pytest.raises(ModelError, match="their places are unknown"):
        dynamic_grid(frames, rows, cols, merge, tokens)


@pytest.mark.parametrize("tokens", [0, 3, 17, 15, 32])
def test_a_square_that_does_not_add_up_is_refused(tokens):
    with pytest.raises(ModelError, match=f"{tokens} visual tokens"):
        square_grid((56, 56), 14, tokens)


@given(rows=SIDE, cols=SIDE, side=st.integers(1, 4), last=st.booleans())
def test_tiles_lie_where_their_marks_say(rows, cols, side, last):
    marks = [f"x\n<row_{row + 1}_col_{col + 1}>" for row in range(rows) for col in range(cols)]
    marks += ["\n<global-img>"] * last
    grid = tiled_grid(tile_places(marks), [side * side] * len(marks))
    assert len(grid) == side * side * len(marks)
    for index, tile in enumerate(grid.tiles[: rows * cols]):
        row, col = divmod(index, cols)
        np.testing.assert_allclose(tile.box, (col / cols, row / rows, (col + 1) / cols, (row + 1) / rows))
        assert not tile.is_global
    assert sum(tile.is_global for tile in grid.tiles) == last


def test_a_small_page_has_only_a_global_tile():
    assert [tile.is_global for tile in tiled_grid([None], [64]).tiles] == [True]


@pytest.mark.parametrize(
    ("places", "tokens"),
    [
        ([(1, 1), (1, 1)], [4, 4]),
        ([(1, 1), (2, 2)], [4, 4]),
        ([(1, 1), None, None], [4, 4, 4]),
        ([], []),
        ([(1, 1), None], [4, 5]),
        ([(1, 1), None], [4, 0]),
    ],
)
def test_tiles_that_do_not_add_up_are_refused(places, tokens):
    with pytest.raises(ModelError):
        tiled_grid(places, tokens)


def test_a_tile_without_a_mark_is_refused():
    with pytest.raises(ModelError, match=r"no place: .*'Describe'"):
        tile_places(["<row_1_col_1>", "Describe"])


def test_the_last_mark_before_a_tile_counts():
    assert tile_places(["<row_1_col_1> <row_2_col_3>", "<row_1_col_1><global-img>"]) == [(2, 3), None]


def test_one_vector_is_the_whole_page():
    assert whole_page().boxes.tolist() == [[0, 0, 1, 1]]
