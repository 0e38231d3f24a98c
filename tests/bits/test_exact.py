"""Scores over kept rows are those of the formula, whatever the shapes."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.bits.conftest import SETS
from vrag.bits.exact import ExactPages, tiled, tiles_of
from vrag.bits.kernels import threads
from vrag.bits.kernels.compiled import TILE

pytestmark = pytest.mark.parametrize("instructions", SETS, indirect=True)  # numpy has none: the engine scores
LENGTHS = st.sampled_from([0, 1, 31, 32, 33, 64, 100])


def kept(pages):
    tiles = np.cumsum([0, *tiles_of(np.array([len(page) for page in pages]))])
    return ExactPages(np.concatenate([tiled(page) for page in pages]), tiles)


def pages_of(seed, lengths, dim):
    rng = np.random.default_rng(seed)
    return rng, [rng.normal(size=(n, dim)).astype(np.float16).astype(np.float32) for n in lengths]


def naive(query, page):
    rounded = query.astype(np.float16).astype(np.float32)
    return (rounded @ page.T).max(axis=1).sum() if len(page) else -np.inf


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(
    st.integers(0, 999), st.lists(LENGTHS, min_size=1, max_size=4), st.sampled_from([1, 7, 64, 128]), st.integers(1, 9)
)
def test_maxsim_is_the_sum_of_the_best_similarities(instructions, seed, lengths, dim, m):
    rng, pages = pages_of(seed, lengths, dim)
    query = rng.normal(size=(m, dim)).astype(np.float32)
    found = kept(pages).maxsim(query, np.arange(len(pages)))
    np.testing.assert_allclose(found, [naive(query, page) for page in pages], rtol=1e-5, atol=1e-4)


def test_what_fills_a_tile_never_wins(instructions):
    """Rows that all point away from the query: a row of zeros would be the best."""
    query = np.ones((1, 8), np.float32)
    assert kept([-np.ones((5, 8), np.float32)]).maxsim(query, [0]) == pytest.approx([-8])


def test_small_and_great_values_of_float16_are_kept(instructions):
    values = np.array([[6e-8, 6e-5, 0.1, 1, 1000, 65504, -0.0, -3.14]], np.float16).astype(np.float32)
    for i, value in enumerate(values[0]):
        query = np.eye(8, dtype=np.float32)[i : i + 1]
        assert kept([values]).maxsim(query, [0])[0] == value


def test_pages_may_be_named_in_any_order_and_by_several_threads(instructions, monkeypatch):
    rng, pages = pages_of(1, range(1, 60), 16)
    query = rng.normal(size=(5, 16)).astype(np.float32)
    chosen = rng.permutation(59)[:40]
    alone = kept(pages).maxsim(query, chosen)
    monkeypatch.setattr(threads, "_WORTH_A_THREAD", 1)
    monkeypatch.setattr(threads, "usable_cpus", lambda: 3)
    np.testing.assert_array_equal(kept(pages).maxsim(query, chosen), alone)
    np.testing.assert_allclose(alone, [naive(query, pages[i]) for i in chosen], rtol=1e-5)
    with pytest.raises(IndexError, match=r"0\.\.58"):
        kept(pages).maxsim(query, [59])


def test_tiles_hold_value_by_value(instructions):
    rows = np.arange(33 * 2, dtype=np.float32).reshape(33, 2)
    first, second = tiled(rows).view(np.float16).reshape(2, 2, TILE)
    np.testing.assert_array_equal(first, rows[:32].T)
    np.testing.assert_array_equal(second, np.repeat(rows[32:].T, 32, axis=1))
