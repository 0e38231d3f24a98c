"""The score of the best region, against a loop over its formula."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vrag.bits.portable import window_starts
from vrag.regions import RegionRule, best_region

sizes = st.tuples(st.integers(1, 5), st.integers(1, 40))
rules = st.integers(1, 12).flatmap(lambda w: st.builds(RegionRule, st.just(w), st.integers(1, w)))


def similarities(shape, seed):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def naive(sims, rule, head, context):
    m, n = sims.shape
    starts, s = [], 0
    while True:
        starts.append(s)
        if s + rule.window >= n:
            break
        s += rule.stride
    totals = []
    for start in starts:
        rows = [*range(start, min(start + rule.window, n)), *range(min(head, n))]
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
    inside = {i for s in window_starts(n, rule.window, rule.stride) for i in range(s, min(s + rule.window, n))}
    assert inside == set(range(n))
