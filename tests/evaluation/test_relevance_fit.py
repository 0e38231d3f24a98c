"""Fitting and measuring relevance, on searches that are made up."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "eval"))
from relevance_fit import Judged, auc, auc_interval, calibration_error, cross_validated, fit, relevance, rows  # noqa: E402


def made(count=400, hits=5):
    """Searches of whose hits one says by its evidence what there is; the coefficients are -1, 2 and 0."""
    chance = np.random.default_rng(1)
    for number in range(count):
        evidence = chance.normal(-2, 0.1, (hits, 2))
        evidence[number % hits] = chance.normal(0.5, 1, 2)
        likely = 1 / (1 + np.exp(1 - 2 * evidence[number % hits, 0]))
        yield Judged("ab"[number % 2], f"{number // 2 % 20}", evidence, bool(chance.random() < likely))


def test_the_best_hit_is_what_is_fitted():
    first, second, nothing = fit([*made(4000)])
    assert (first, second, nothing) == pytest.approx((-1, 2, 0), abs=0.25)


def test_what_is_cross_validated_is_calibrated_and_has_not_seen_its_document():
    searches = [*made()]
    found, are_there = cross_validated(searches), np.array([search.is_there for search in searches])
    assert calibration_error(found, are_there) < 0.1
    without = fit([search for search in searches if (search.benchmark, search.document) != ("a", "3")])
    own = [i for i, search in enumerate(searches) if (search.benchmark, search.document) == ("a", "3")]
    assert found[own] == pytest.approx([relevance(searches[i], without) for i in own])


def test_every_benchmark_weighs_the_same():
    """One of them has three times as many searches, and says the opposite."""
    chance = np.random.default_rng(0)
    one = [Judged("a", "d", chance.normal(side, 1, (1, 1)), side > 0) for side in (-1, 1) for _ in range(50)]
    other = [Judged("b", "d", chance.normal(-side, 1, (1, 1)), side > 0) for side in (-1, 1) for _ in range(150)]
    assert abs(fit([*one, *other])[1]) < 0.3 < fit(one)[1]


def test_figures_by_hand():
    there, absent = np.array([0.9, 0.4]), np.array([0.4, 0.1])
    assert auc(there, absent) == pytest.approx(3.5 / 4)
    low, high = auc_interval(there, absent)
    assert low <= 3.5 / 4 <= high
    found = np.array([0.9, 0.95, 0.2])
    assert calibration_error(found, np.array([True, False, False])) == pytest.approx((2 * 0.425 + 0.2) / 3)
    searches = [
        Judged("a", str(i), np.zeros((1, 1)), is_there) for i, is_there in enumerate([True, True, False, False])
    ]
    assert [*rows("a", np.array([0.9, 0.1, 0.1, 0.9]), searches, 0.15)][2:] == ["50.0%", "50.0%"]
