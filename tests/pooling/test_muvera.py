"""Fixed dimensional encodings: what the definition says, and what it is good for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vrag.grid import Grid
from vrag.pooling.muvera import _planes, muvera, muvera_query
from vrag.pooling.poolings import make_pooling, normalise, pooled_dim, query_encoding

SMALL = {"bits": 2, "repetitions": 3, "projection": 4, "seed": 7}


def rows(n, seed=0, d=8):
    return normalise(np.random.default_rng(seed).normal(size=(n, d)))


def grid(full):
    return Grid.free(np.zeros((len(full), 4)))


def naive(full, is_query, bits, repetitions, projection, seed):
    """By the book: repetition after repetition, cell after cell, row after row."""
    random = _planes(full.shape[1], bits, repetitions, projection, seed)
    blocks = []
    for r in range(repetitions):
        planes = random.planes[:, r * bits : (r + 1) * bits]
        codes = [sum(1 << b for b in range(bits) if row @ planes[:, b] > 0) for row in full]
        for cell in range(2**bits):
            inside = [row for row, code in zip(full, codes, strict=True) if code == cell]
            if inside:
                block = np.sum(inside, axis=0) if is_query else np.mean(inside, axis=0)
            elif is_query:
                block = np.zeros(full.shape[1])
            else:
                block = full[min(range(len(full)), key=lambda i: (bin(codes[i] ^ cell).count("1"), i))]
            blocks.append(block @ random.signs[r] / (repetitions if is_query else 1))
    return np.concatenate(blocks)[None]


@given(st.integers(1, 30), st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_encodings_are_the_naive_loop(n, seed, bits):
    full, options = rows(n, seed), {**SMALL, "bits": bits}
    np.testing.assert_allclose(muvera(full, grid(full), **options).vectors, naive(full, False, **options), atol=1e-5)
    np.testing.assert_allclose(muvera_query(full, **options), naive(full, True, **options), atol=1e-5)


def test_a_dot_product_is_about_maxsim():
    query = rows(8, 1, 32)
    pages = [rows(60, seed, 32) for seed in range(2, 42)]
    for i, page in enumerate(pages):  # each has the whole query in it, more and more distinctly
        page[:8] = normalise(page[:8] + i / 10 * query)
    exact = [float((query @ page.T).max(axis=1).sum()) for page in pages]
    options = {"bits": 4, "repetitions": 40, "projection": 32}
    encoded = muvera_query(query, **options)
    approximate = [float((encoded @ muvera(page, grid(page), **options).vectors.T)[0, 0]) for page in pages]
    assert np.corrcoef(exact, approximate)[0, 1] > 0.9


def test_the_seed_decides_and_the_numbers_never_change():
    full = rows(5)
    same, other = (muvera(full, grid(full), **{**SMALL, "seed": seed}).vectors for seed in (7, 8))
    assert np.array_equal(same, muvera(full, grid(full), **SMALL).vectors)
    assert not np.allclose(same, other)
    # Indexes keep encodings for years: these numbers must come out with every numpy.
    np.testing.assert_allclose(_planes(2, 1, 1, 2, 7).planes.ravel(), PLANES, atol=1e-6)
    assert np.sign(_planes(2, 1, 1, 2, 7).signs).ravel().tolist() == SIGNS


PLANES = [0.1557683, 0.0722603]
SIGNS = [-1, 1, -1, 1]


def test_the_dimension_is_told_before_there_is_a_page():
    full = rows(5)
    assert pooled_dim("muvera", SMALL, 8) == muvera(full, grid(full), **SMALL).vectors.shape[1] == 48
    assert pooled_dim("rows", {}, 8) == 8
    assert query_encoding("rows", full, {}) is None
    assert query_encoding("muvera", full, SMALL).shape == (1, 48)


@pytest.mark.parametrize("n", [1, 2])
def test_an_empty_page_is_encoded_as_zeros(n):
    zeros = np.zeros((n, 8), np.float32)
    assert not make_pooling("muvera", SMALL, "here")(zeros, grid(zeros)).vectors.any()
