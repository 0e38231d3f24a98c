"""Bits and planes: exact where they are exact, close to the dot product where they estimate it."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bits import naive
from tests.conftest import ANIMALS, MACHINES
from vrag.bits.kernels import quantise
from vrag.bits.kernels.quantise import WORD, Signs, pack, words_for
from vrag.embedders.families import load_embedder
from vrag.pages.page import Page, Words


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


NO_MEAN = np.zeros(128, np.float32)


def related(seed, dim=128, n=2000, m=20):
    """Query and page rows about the same 50 topics."""
    rng = np.random.default_rng(seed)
    topics = 1.5 * rng.normal(size=(50, dim))
    pages = naive.unit(topics[rng.integers(0, 50, n)] + rng.normal(size=(n, dim)))
    query = naive.unit(topics[rng.integers(0, 50, m)] + rng.normal(size=(m, dim)))
    return query, pages


@pytest.mark.parametrize("planes", [3, 4])
def test_estimates_follow_the_dot_products(planes):
    query, pages = related(1)
    signs = Signs.of(NO_MEAN)
    estimate, exact = naive.similarities(signs, query, pages, planes), query @ pages.T
    assert np.corrcoef(estimate.ravel(), exact.ravel())[0, 1] > 0.85
    # On the scale of the dot products where MaxSim looks: at the row that the estimate finds best, of 2,000.
    at = estimate.argmax(axis=1)[:, None]
    best, true = np.take_along_axis(estimate, at, 1), np.take_along_axis(exact, at, 1)
    assert abs(best.mean() - true.mean()) < 0.1


def test_more_planes_estimate_better():
    query, pages = related(2)
    signs, exact = Signs.of(NO_MEAN), query @ pages.T
    fits = [np.corrcoef(naive.similarities(signs, query, pages, p).ravel(), exact.ravel())[0, 1] for p in (1, 4)]
    assert fits[1] > fits[0]


@pytest.mark.parametrize("levels", [1, 2])
@pytest.mark.parametrize("dim", [8, 128, 384])
def test_a_row_is_as_similar_to_itself_as_its_length_says(dim, levels):
    rows = naive.unit(np.random.default_rng(dim).normal(size=(500, dim)))
    signs = Signs.of(np.zeros(dim, np.float32), levels)
    own = signs.scale * np.einsum("nd,nd->n", rows, signs.codes(rows))
    assert own.mean() == pytest.approx(1, abs=0.02 if dim > 8 else 0.1)


def test_the_built_in_models_words_spread_as_the_bits_take_them_to():
    embedder = load_embedder("builtin")
    texts = [*ANIMALS, *MACHINES, Path(__file__).read_text(encoding="utf-8"), quantise.__doc__]
    rows = np.concatenate([embedder.embed_pages([page_of(text.split())])[0].full for text in texts])
    centred = rows - embedder.mean
    signs = Signs.of(embedder.mean, 2)
    assert float(centred.std()) == pytest.approx(signs.threshold / 0.996, rel=0.04)
    assert float((rows @ rows.T).diagonal().mean()) == pytest.approx(1, abs=1e-3)
    best = np.einsum("nd,nd->n", rows, centred).mean() / np.einsum("nd,nd->n", rows, signs.codes(rows)).mean()
    assert signs.scale == pytest.approx(best, rel=0.04)


def page_of(words):
    boxes, lines = np.zeros((len(words), 4), np.float32), np.zeros(len(words), np.int32)
    return Page(1, 1, 1, Words(tuple(words), boxes, lines), "layer")


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
        signs = Signs.of(np.zeros(128, np.float32), levels)
        errors.append(float(np.abs(naive.similarities(signs, query, rows, 4) - query @ rows.T).mean()))
    assert errors[1] < 0.7 * errors[0]
    assert signs.words == 2 * Signs.of(signs.mean).words
