"""Bits and planes: exact where they are exact, close to the dot product where they estimate it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bits import naive
from vrag.bits.quantise import WORD, Signs, pack, words_for


@given(st.integers(1, 5000))
def test_words_hold_the_bits_and_come_in_fours(dim):
    words = words_for(dim)
    assert words % 4 == 0
    assert dim <= words * WORD < dim + 4 * WORD


@given(st.integers(0, 99), st.integers(1, 5), st.integers(1, 200))
def test_packing_keeps_every_bit(seed, n, dim):
    bits = np.random.default_rng(seed).random((n, dim)) < 0.5
    words = pack(bits)
    for row in range(n):
        for k in range(dim):
            assert bool(words[row, k // WORD] >> np.uint32(k % WORD) & 1) == bits[row, k]
    ones = [sum(int(word).bit_count() for word in row) for row in words]
    assert ones == bits.sum(axis=1).tolist()  # nothing behind the last bit


def related(seed, dim=128, n=2000, m=20):
    """Query and page rows about the same 50 topics, on top of a common mean."""
    rng = np.random.default_rng(seed)
    topics = rng.normal(size=dim) + 1.5 * rng.normal(size=(50, dim))
    pages = naive.unit(topics[rng.integers(0, 50, n)] + rng.normal(size=(n, dim)))
    query = naive.unit(topics[rng.integers(0, 50, m)] + rng.normal(size=(m, dim)))
    return query, pages


@pytest.mark.parametrize("planes", [3, 4])
def test_estimates_follow_the_dot_products(planes):
    query, pages = related(1)
    signs = Signs.fit(pages)
    estimate, exact = naive.similarities(signs, query, pages, planes), query @ pages.T
    assert np.corrcoef(estimate.ravel(), exact.ravel())[0, 1] > 0.85
    # On the scale of the dot products where MaxSim looks: at the row that the estimate finds best.
    at = estimate.argmax(axis=1)[:, None]
    best, true = np.take_along_axis(estimate, at, 1), np.take_along_axis(exact, at, 1)
    assert abs(best.mean() - true.mean()) < 0.05


def test_more_planes_estimate_better():
    query, pages = related(2)
    signs, exact = Signs.fit(pages), query @ pages.T
    fits = [np.corrcoef(naive.similarities(signs, query, pages, p).ravel(), exact.ravel())[0, 1] for p in (1, 4)]
    assert fits[1] > fits[0]


def test_the_mean_of_the_model_is_used_when_it_has_one():
    _, pages = related(3)
    mean = np.full(128, 0.01, np.float32)
    np.testing.assert_array_equal(Signs.fit(pages, mean).mean, mean)
    np.testing.assert_allclose(Signs.fit(pages).mean, pages.mean(axis=0), atol=1e-6)


@pytest.mark.parametrize(
    "rows", [np.zeros((0, 8)), np.zeros((1, 8)), np.zeros((9, 8)), np.ones((1, 8)), np.ones((9, 8))]
)
def test_any_sample_gives_a_usable_scale(rows):
    signs = Signs.fit(rows.astype(np.float32), np.zeros(8, np.float32))
    assert np.isfinite(signs.scale)
    assert signs.scale > 0


def test_a_row_of_zeros_scores_nothing():
    signs = Signs(np.zeros(8, np.float32), 0.1)
    for planes in (1, 4):
        coded = signs.query(np.zeros((1, 8), np.float32), planes)
        assert coded.offset.tolist() == [0.0]
        assert coded.slope.tolist() == [0.0]


def test_two_bits_a_value_estimate_better_than_one():
    rng = np.random.default_rng(3)
    rows, query = naive.unit(rng.normal(size=(400, 128))), naive.unit(rng.normal(size=(9, 128)))
    errors = []
    for levels in (1, 2):
        signs = Signs.fit(rows, levels=levels)
        errors.append(float(np.abs(naive.similarities(signs, query, rows, 4) - query @ rows.T).mean()))
    assert errors[1] < 0.7 * errors[0]
    assert Signs.fit(rows, levels=2).words == 2 * Signs.fit(rows).words
