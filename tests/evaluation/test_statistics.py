"""Intervals and p-values against what can be worked out exactly."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vrag.errors import UsageError
from vrag.evaluation.numbers.statistics import bootstrap_interval, randomisation_test, ratio_interval

VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=30)


@given(VALUES)
def test_the_interval_lies_within_the_values(values):
    low, high = bootstrap_interval(values, samples=200)
    assert min(values) - 1e-9 <= low <= high <= max(values) + 1e-9


def test_equal_values_leave_no_doubt():
    assert bootstrap_interval([0.5] * 10) == pytest.approx((0.5, 0.5))


def test_the_interval_agrees_with_the_normal_one_on_many_queries():
    values = np.random.default_rng(1).normal(0.4, 0.2, 2000)
    low, high = bootstrap_interval(values)
    half = 1.96 * values.std() / np.sqrt(2000)
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.001)


def test_more_confidence_is_a_wider_interval():
    values = np.linspace(0, 1, 20)
    wide, narrow = bootstrap_interval(values, 0.99), bootstrap_interval(values, 0.8)
    assert wide.low < narrow.low < narrow.high < wide.high


def test_a_seed_decides_everything():
    values, others = np.random.default_rng(5).random((2, 20))
    assert bootstrap_interval(values, seed=3) == bootstrap_interval(values, seed=3)
    assert bootstrap_interval(values, seed=3) != bootstrap_interval(values, seed=4)
    assert randomisation_test(values, others, seed=3) == randomisation_test(values, others, seed=3)


def test_the_p_value_agrees_with_all_sign_flips():
    first, second = np.array([0.9, 0.5, 0.7, 0.4, 0.8, 0.3]), np.array([0.6, 0.6, 0.5, 0.1, 0.8, 0.1])
    differences = first - second
    flips = np.array(list(product([-1, 1], repeat=6))) @ differences
    exact = (abs(flips) >= abs(differences.sum()) - 1e-12).mean()
    assert randomisation_test(first, second, samples=50_000) == pytest.approx(exact, abs=0.01)


def test_equal_methods_have_p_one():
    assert randomisation_test([0.1, 0.7], [0.1, 0.7]) == 1.0


def test_it_does_not_matter_which_method_comes_first():
    first, second = np.linspace(0, 1, 15), np.linspace(0.2, 0.9, 15) ** 2
    assert randomisation_test(first, second) == randomisation_test(second, first)


def test_a_clear_difference_is_significant_and_p_is_never_zero():
    p = randomisation_test(np.full(40, 0.6), np.full(40, 0.4), samples=1000)
    assert p == pytest.approx(1 / 1001)


@pytest.mark.parametrize("values", [[], [[0.1, 0.2]], 0.5])
def test_no_queries_no_interval(values):
    with pytest.raises(UsageError, match="at least one query"):
        bootstrap_interval(values)


def test_values_that_cannot_be_paired():
    with pytest.raises(UsageError, match="3 values with 2"):
        randomisation_test([1, 2, 3], [1, 2])


def test_one_group_of_all_is_no_group_at_all():
    values = np.random.default_rng(3).random(40)
    assert bootstrap_interval(values, groups=[np.arange(40)]) == bootstrap_interval(values)


def test_groups_count_alike_whatever_their_size():
    values = np.array([1.0] * 1 + [0.0] * 99)
    groups = [np.array([0]), np.arange(1, 100)]
    assert bootstrap_interval(values, groups=groups) == (0.5, 0.5)
    mixed = np.random.default_rng(4).random(50)
    low, high = bootstrap_interval(mixed, groups=[np.arange(10), np.arange(10, 50)])
    assert low < (mixed[:10].mean() + mixed[10:].mean()) / 2 < high


def test_a_ratio_over_ones_is_a_mean():
    values = np.random.default_rng(2).random(40)
    assert ratio_interval(values, np.ones(40)) == pytest.approx(bootstrap_interval(values), abs=0.01)


def test_a_ratio_over_nothing_is_0():
    assert ratio_interval([0.0, 0.0], [0.0, 0.0]) == (0.0, 0.0)
    with pytest.raises(UsageError, match="Cannot pair 1 values with 2"):
        ratio_interval([1.0], [1.0, 1.0])


def test_the_interval_of_a_ratio_agrees_with_the_delta_method():
    rng = np.random.default_rng(3)
    parts, wholes = rng.integers(0, 2, 3000) * 2.0, rng.integers(1, 3, 3000).astype(float)
    ratio = parts.sum() / wholes.sum()
    half = 1.96 * (parts - ratio * wholes).std() / np.sqrt(3000) / wholes.mean()
    assert ratio_interval(parts, wholes) == pytest.approx((ratio - half, ratio + half), abs=0.003)
