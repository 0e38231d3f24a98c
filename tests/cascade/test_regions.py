"""The score of the best region, against a loop over its formula."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vrag.cascade.regions import RegionRule, Windows, best_region, window_starts
from vrag.errors import StoreError
from vrag.grid import Grid, Tile

sizes = st.tuples(st.integers(1, 5), st.integers(1, 40))
rules = st.integers(1, 12).flatmap(lambda w: st.builds(Windows, st.just(w), st.integers(1, w)))


def similarities(shape, seed):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def naive(sims, rule, head, context):
    m, n = sims.shape
    starts, s = [], 0
    while True:
        starts.append(s)
        if s + rule.size >= n:
            break
        s += rule.stride
    totals = []
    for start in starts:
        rows = [*range(start, min(start + rule.size, n)), *range(min(head, n))]
        totals.append(sum(max(context[j], *(sims[j, i] for i in rows), -np.inf) for j in range(m)))
    best = int(np.argmax(totals))
    return totals[best], starts[best]


@given(sizes, rules, st.integers(0, 6), st.integers(0, 99))
def test_it_is_the_formula(shape, rule, head, seed):
    sims = similarities(shape, seed)
    context = similarities(shape[:1], seed + 1)
    best = best_region(sims, rule, head, context)
    score, start = naive(sims, rule, head, context)
    assert best.score == pytest.approx(score, abs=1e-4)
    assert best.start == start


@given(sizes, st.integers(0, 99))
def test_the_whole_page_without_context_is_maxsim(shape, seed):
    sims = similarities(shape, seed)
    assert best_region(sims, None, 0, None).score == pytest.approx(float(sims.max(axis=1).sum()), abs=1e-4)


@given(sizes, rules, st.integers(0, 99))
def test_a_region_never_scores_more_than_the_page(shape, rule, seed):
    sims = similarities(shape, seed)
    assert best_region(sims, rule, 0, None).score <= best_region(sims, None, 0, None).score + 1e-5


@given(st.integers(1, 60), rules)
def test_every_row_is_in_a_window(n, rule):
    inside = {i for s in window_starts(n, rule.size, rule.stride) for i in range(s, min(s + rule.size, n))}
    assert inside == set(range(n))


def places(rule, grid):
    """Boxes of the regions of a page."""
    size, stride = rule.windows(grid.tiles)
    return [
        (*part[:, :2].min(axis=0), *part[:, 2:].max(axis=0))
        for start in window_starts(len(grid), size, stride)
        for part in [grid.boxes[start : start + size]]
    ]


def test_a_region_of_one_tile_is_a_band_across_the_page():
    bands = places(RegionRule(2, 1), Grid.patches([Tile(4, 3)]))
    assert bands == [pytest.approx((0, y, 1, y + 0.5)) for y in (0, 0.25, 0.5)]


def test_every_tile_of_several_is_a_region_and_so_is_the_whole_page():
    tiles = [Tile(2, 2, (x, 0, x + 0.5, 1)) for x in (0, 0.5)]
    regions = places(RegionRule(), Grid.patches([*tiles, Tile(2, 2, is_global=True)]))
    assert regions[:2] == [pytest.approx(tile.box) for tile in tiles]
    assert regions[2] == pytest.approx((0, 0, 1, 1))


def test_tiles_of_different_sizes_are_a_damaged_record():
    with pytest.raises(StoreError, match=r"different sizes.*2 x 2, 1 x 2.*verify --repair"):
        RegionRule().windows([Tile(2, 2), Tile(1, 2)])
