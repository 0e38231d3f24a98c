"""Poolings against a naive loop, and the promises every pooling makes."""

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vrag.errors import UsageError
from vrag.grid import Grid, Tile
from vrag.pooling.free import bands, cells, lines, max_mean, mean, runs
from vrag.pooling.hierarchical import hierarchical
from vrag.pooling.patches import adaptive_rows, columns, neighbours, rows, sliding, smooth, tiles, tiles_and_last
from vrag.pooling.poolings import POOLINGS, group_means, make_pooling, normalise


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


everything = [runs, lines, bands, cells, mean, hierarchical]


@pytest.mark.parametrize("pooling", everything)
@given(page=pages())
def test_every_vector_is_the_unit_mean_of_its_sources(pooling, page):
    full, grid = page
    pooled = pooling(full, grid)
    assert pooled.vectors.dtype == np.float32
    assert len(pooled.vectors) == len(pooled.sources)
    for vector, group in zip(pooled.vectors, pooled.sources, strict=True):
        naive = np.zeros(8)
        for row in group:
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
    for group in bands(full, grid, count=count).sources:
        middles = (grid.boxes[group, 1] + grid.boxes[group, 3]) / 2
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


def test_max_mean_is_a_pair():
    full = normalise(np.array([[1.0, 0, 0], [0, 1, 0]]))
    pair = max_mean(full, Grid.free(np.zeros((2, 4)))).vectors
    np.testing.assert_allclose(pair, normalise(np.array([[1, 1, 0], [0.5, 0.5, 0]])))


@st.composite
def tiled(draw):
    """A page of rows x cols tiles of patches, with or without a global tile at the end."""
    down, across = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    h, w = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    parts = [
        Tile(h, w, (c / across, r / down, (c + 1) / across, (r + 1) / down)) for r in range(down) for c in range(across)
    ]
    if draw(st.booleans()):
        parts.append(Tile(h, w, is_global=True))
    grid = Grid.patches(parts)
    seed = draw(st.integers(0, 2**32 - 1))
    return normalise(np.random.default_rng(seed).normal(size=(len(grid), 6))), grid


of_patches = [tiles, rows, columns, adaptive_rows, sliding, smooth, neighbours, tiles_and_last]


@pytest.mark.parametrize("pooling", of_patches)
@given(page=tiled())
def test_patch_poolings_give_unit_vectors_with_their_sources(pooling, page):
    full, grid = page
    pooled = pooling(full, grid)
    assert pooled.vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(pooled.vectors, axis=1), 1, atol=1e-5)
    assert len(pooled.sources) == len(pooled.vectors)
    assert set(np.concatenate(pooled.sources)) == set(range(len(full)))


@given(page=tiled())
def test_rows_run_across_tiles(page):
    full, grid = page
    pooled = rows(full, grid)
    for group in pooled.sources[: len(pooled.sources) - any(t.is_global for t in grid.tiles)]:
        assert len({round(float(y), 5) for y in grid.boxes[group, 1]}) == 1
    naive = {}
    for row, (box, tile) in enumerate(zip(grid.boxes, _tile_of(grid), strict=True)):
        naive.setdefault("global" if tile.is_global else round(float(box[1]), 5), []).append(row)
    assert sorted(map(sorted, naive.values())) == sorted(sorted(group.tolist()) for group in pooled.sources)


def _tile_of(grid):
    return [tile for tile, part in grid.tile_slices() for _ in range(part.start, part.stop)]


def test_a_column_is_a_column():
    grid = Grid.patches([Tile(2, 3)])
    full = normalise(np.random.default_rng(0).normal(size=(6, 4)))
    assert [group.tolist() for group in columns(full, grid).sources] == [[0, 3], [1, 4], [2, 5]]


@given(page=tiled(), cap=st.integers(1, 30))
def test_adaptive_rows_are_capped_and_else_the_rows(page, cap):
    full, grid = page
    some = adaptive_rows(full, grid, cap=cap).vectors
    every = rows(full, grid).vectors
    assert len(some) <= cap + 1
    if cap >= len(every):
        np.testing.assert_allclose(some, every, atol=1e-6)


@given(st.integers(1, 40), st.integers(1, 40))
def test_adaptive_bins_are_those_of_adaptive_pooling(h, cap):
    full = normalise(np.random.default_rng(h).normal(size=(h, 3)))
    count = min(cap, h)
    naive = [[y for y in range(h) if y * count < (i + 1) * h and (y + 1) * count > i * h] for i in range(count)]
    assert [group.tolist() for group in adaptive_rows(full, Grid.patches([Tile(h, 1)]), cap=cap).sources] == naive


@given(st.integers(1, 20), st.sampled_from([1, 3, 5, 7]))
def test_sliding_is_the_naive_loop(n, window):
    grid = Grid.patches([Tile(n, 2)])
    full = normalise(np.random.default_rng(n).normal(size=(2 * n, 4)))
    means = np.stack([full[2 * i : 2 * i + 2].mean(axis=0) for i in range(n)])
    radius = window // 2
    naive = []
    for i in range(n + 2 * radius):
        naive.append(means[max(0, i - 2 * radius) : min(n - 1, i) + 1].mean(axis=0))
    np.testing.assert_allclose(sliding(full, grid, window=window).vectors, normalise(np.stack(naive)), atol=1e-5)


def test_a_colpali_page_becomes_34_vectors():
    full = normalise(np.random.default_rng(0).normal(size=(1024, 8)))
    assert sliding(full, Grid.patches([Tile(32, 32)])).vectors.shape == (34, 8)


@given(st.integers(1, 12), st.sampled_from([1, 3, 5]), st.sampled_from(["uniform", "triangular", "gaussian"]))
def test_smooth_is_the_naive_loop(n, window, shape):
    grid = Grid.patches([Tile(n, 1)])
    full = normalise(np.random.default_rng(n).normal(size=(n, 4)))
    radius = window // 2
    weight = {
        "uniform": lambda d: 1.0,
        "triangular": lambda d: radius + 1.0 - d,
        "gaussian": lambda d: np.exp(-d * d / (2 * max(0.5, radius / 2) ** 2)),
    }[shape]
    naive = np.zeros((n, 4))
    for i in range(n):
        near = range(max(0, i - radius), min(n, i + radius + 1))
        total = sum(weight(abs(i - j)) for j in near)
        naive[i] = sum(weight(abs(i - j)) / total * full[j] for j in near)
    np.testing.assert_allclose(smooth(full, grid, window=window, shape=shape).vectors, normalise(naive), atol=1e-5)


@given(page=tiled(), cap=st.integers(1, 8))
def test_smoothing_a_cap_of_rows_is_smoothing_adaptive_rows(page, cap):
    full, grid = page
    assert len(smooth(full, grid, cap=cap).vectors) == len(adaptive_rows(full, grid, cap=cap).vectors)
    alone = smooth(full, grid, cap=cap, window=1).vectors
    np.testing.assert_allclose(alone, adaptive_rows(full, grid, cap=cap).vectors, atol=1e-5)


def test_neighbours_of_a_tile_are_four_at_most():
    parts = [Tile(1, 1, (c / 3, r / 3, (c + 1) / 3, (r + 1) / 3)) for r in range(3) for c in range(3)]
    grid = Grid.patches([*parts, Tile(1, 1, is_global=True)])
    full = normalise(np.random.default_rng(0).normal(size=(10, 4)))
    sources = [sorted(group.tolist()) for group in neighbours(full, grid).sources]
    assert sources[4] == [1, 3, 4, 5, 7]
    assert sources[0] == [0, 1, 3]
    assert sources[9] == [9]


def test_colsmol_keeps_the_last_tiles_patches():
    parts = [Tile(8, 8, (c / 3, r / 4, (c + 1) / 3, (r + 1) / 4)) for r in range(4) for c in range(3)]
    grid = Grid.patches([*parts, Tile(8, 8, is_global=True)])
    full = normalise(np.random.default_rng(0).normal(size=(13 * 64, 4)))
    assert tiles(full, grid).vectors.shape == (13, 4)
    pooled = tiles_and_last(full, grid)
    assert pooled.vectors.shape == (12 + 64, 4)
    np.testing.assert_allclose(pooled.vectors[12:], full[-64:], atol=1e-6)


@pytest.mark.parametrize("name", ["tiles", "rows", "columns", "adaptive_rows", "sliding", "smooth", "neighbours"])
def test_words_have_no_patches_to_pool(name):
    with pytest.raises(UsageError, match="mine.toml: .* are words"):
        make_pooling(name, {}, "mine.toml")(np.ones((3, 4), np.float32), Grid.free(np.zeros((3, 4))))


def test_make_pooling_binds_options():
    full = normalise(np.ones((8, 4)))
    assert len(make_pooling("runs", {"size": 2}, "here")(full, Grid.free(np.zeros((8, 4)))).sources) == 4
    assert len(POOLINGS) == 16


@pytest.mark.parametrize("name", POOLINGS)
def test_every_pooling_takes_the_shortest_grids_or_says_why_not(name):
    row = normalise(np.ones((1, 4)))
    pool = make_pooling(name, {}, "here")
    assert len(pool(row, Grid.patches([Tile(1, 1)])).sources) >= 1
    for grid in (Grid.free([[0, 0, 1, 1]]), Grid.patches([Tile(1, 1, is_global=True)])):
        with contextlib.suppress(UsageError):
            assert np.isfinite(pool(row, grid).vectors).all()


@pytest.mark.parametrize("name", POOLINGS)
def test_a_grid_of_another_length_is_refused(name):
    with pytest.raises(ValueError, match="3 vectors do not lie on a grid of 4"):
        make_pooling(name, {}, "here")(np.ones((3, 4), np.float32), Grid.patches([Tile(2, 2)]))


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("nope", {}, "unknown pooling"),
        ("runs", {"width": 3}, "no option 'width'"),
        ("runs", {"size": 0}, "at least 1"),
        ("smooth", {"window": 2}, "must be odd"),
        ("smooth", {"shape": "round"}, "not allowed"),
    ],
)
def test_make_pooling_says_what_is_wrong(name, options, says):
    with pytest.raises(UsageError, match=says) as caught:
        make_pooling(name, options, "mine.toml: vectors.x")
    assert caught.value.message.startswith("mine.toml: vectors.x")
