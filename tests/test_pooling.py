"""Poolings against a naive loop, and the promises every pooling makes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vrag.errors import UsageError
from vrag.grid import Grid, Tile
from vrag.pooling import POOLINGS, bands, cells, group_means, lines, make_pooling, mean, normalise, runs


@st.composite
def pages(draw):
    """A multivector with its grid: words in lines, or a patch grid."""
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    if draw(st.booleans()):
        grid = Grid.patches([Tile(draw(st.integers(1, 12)), draw(st.integers(1, 12)))])
    else:
        n = draw(st.integers(1, 150))
        corner = rng.uniform(0, 0.9, (n, 2))
        grid = Grid.free(np.concatenate([corner, corner + rng.uniform(0, 0.1, (n, 2))], axis=1))
    return normalise(rng.normal(size=(len(grid), 8))), grid


everything = [runs, lines, bands, cells, mean]


@pytest.mark.parametrize("pooling", everything)
@given(page=pages())
def test_every_vector_is_the_unit_mean_of_its_sources(pooling, page):
    full, grid = page
    pooled = pooling(full, grid)
    assert pooled.vectors.dtype == np.float32
    assert len(pooled.vectors) == len(pooled.sources)
    for vector, rows in zip(pooled.vectors, pooled.sources, strict=True):
        naive = np.zeros(8)
        for row in rows:
            naive += full[row]
        naive /= max(np.linalg.norm(naive), 1e-12)
        np.testing.assert_allclose(vector, naive, atol=1e-5)


@pytest.mark.parametrize("pooling", everything)
@given(page=pages())
def test_every_row_is_pooled_exactly_once(pooling, page):
    full, grid = page
    rows = np.concatenate(pooling(full, grid).sources)
    assert sorted(rows) == list(range(len(full)))


@given(page=pages(), size=st.integers(1, 40), cap=st.integers(1, 40))
def test_runs_are_even_and_capped(page, size, cap):
    full, grid = page
    lengths = [len(rows) for rows in runs(full, grid, size=size, cap=cap).sources]
    assert len(lengths) <= cap
    assert max(lengths) - min(lengths) <= 1


@given(page=pages())
def test_runs_of_one_are_the_identity(page):
    full, grid = page
    np.testing.assert_allclose(runs(full, grid, size=1, cap=10**6).vectors, full, atol=1e-6)


def test_lines_of_a_patch_grid_are_its_rows():
    grid = Grid.patches([Tile(3, 4)])
    full = normalise(np.random.default_rng(0).normal(size=(12, 8)))
    pooled = lines(full, grid)
    assert [rows.tolist() for rows in pooled.sources] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]


def test_lines_of_words_follow_their_boxes():
    boxes = [[0.1, 0.1, 0.2, 0.12], [0.3, 0.1, 0.4, 0.12], [0.1, 0.2, 0.2, 0.22]]
    full = normalise(np.random.default_rng(0).normal(size=(3, 8)))
    assert [rows.tolist() for rows in lines(full, Grid.free(boxes)).sources] == [[0, 1], [2]]


@given(page=pages(), cap=st.integers(1, 20))
def test_lines_are_capped(page, cap):
    full, grid = page
    assert len(lines(full, grid, cap=cap).sources) <= cap


@given(page=pages(), count=st.integers(1, 40))
def test_a_band_holds_only_its_share_of_the_page(page, count):
    full, grid = page
    for rows in bands(full, grid, count=count).sources:
        middles = (grid.boxes[rows, 1] + grid.boxes[rows, 3]) / 2
        assert np.ptp(middles) <= 1 / count + 1e-6


def test_a_cell_is_a_column_and_a_row():
    grid = Grid.patches([Tile(4, 4)])
    full = normalise(np.random.default_rng(0).normal(size=(16, 8)))
    pooled = cells(full, grid, rows=2, cols=2)
    assert [rows.tolist() for rows in pooled.sources] == [[0, 1, 4, 5], [2, 3, 6, 7], [8, 9, 12, 13], [10, 11, 14, 15]]


def test_an_empty_page_pools_to_zeros_and_not_to_nan():
    zeros = np.zeros((1, 8), np.float32)
    for pooling in everything:
        assert not pooling(zeros, Grid.free([[0, 0, 1, 1]])).vectors.any()


def test_group_of_one_is_the_row_itself():
    row = normalise(np.ones((1, 8)))
    np.testing.assert_allclose(group_means(row, [np.array([0])]).vectors, row)


def test_make_pooling_binds_options():
    full = normalise(np.ones((8, 4)))
    assert len(make_pooling("runs", {"size": 2}, "here")(full, Grid.free(np.zeros((8, 4)))).sources) == 4
    assert set(POOLINGS) == {"runs", "lines", "bands", "cells", "mean"}


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [("nope", {}, "unknown pooling"), ("runs", {"width": 3}, "no option 'width'"), ("runs", {"size": 0}, "at least 1")],
)
def test_make_pooling_says_what_is_wrong(name, options, says):
    with pytest.raises(UsageError, match=says) as caught:
        make_pooling(name, options, "mine.toml: vectors.x")
    assert caught.value.message.startswith("mine.toml: vectors.x")
