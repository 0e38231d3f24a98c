"""Few exact scores, and yet the best pages."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vrag.bits.rerank import exact_best
from vrag.store.interface import Scored


def scored_by(true, asked=None):
    def score(ids):
        if asked is not None:
            asked.extend(ids)
        return [Scored(page, true[page], {}) for page in ids]

    return score


def case(seed, n, error):
    rng = np.random.default_rng(seed)
    true = {f"p{i:03d}": float(value) for i, value in enumerate(rng.gumbel(size=n))}
    return true, {page: value + error * float(rng.normal()) for page, value in true.items()}


@given(st.integers(0, 999), st.integers(0, 60), st.integers(1, 12))
def test_perfect_estimates_give_the_best(seed, n, k):
    true, _ = case(seed, n, 0)
    found = exact_best(scored_by(true), true, k)
    best = sorted(true, key=lambda page: -true[page])[:k]
    assert [point.id for point in found[:k]] == best


@given(st.integers(0, 999), st.integers(1, 40))
def test_as_many_wanted_as_there_are_scores_them_all(seed, n):
    true, estimates = case(seed, n, 5)
    found = exact_best(scored_by(true), estimates, n)
    assert {point.id: point.score for point in found} == true
    assert [p.score for p in found] == sorted(true.values(), reverse=True)


def test_noisy_estimates_cost_more_but_find_the_best():
    kept, costs = [], []
    for error in (0.02, 0.3):
        for seed in range(20):
            true, estimates = case(seed, 200, error)
            asked = []
            found = exact_best(scored_by(true, asked), estimates, 10)
            best = set(sorted(true, key=lambda page: -true[page])[:10])
            kept.append(len(best & {point.id for point in found[:10]}) / 10)
            assert len(asked) == len(set(asked)) == len(found)
            costs.append(len(asked))
    assert np.mean(kept) > 0.99
    assert 18 <= np.mean(costs[:20]) < np.mean(costs[20:]) < 60  # of 200


def test_no_candidates_are_no_answer():
    assert exact_best(scored_by({}), {}, 10) == []
