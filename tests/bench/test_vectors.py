"""Benchmark pages are real rows with noise, and the same at every size."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bits.naive import unit
from vrag.bench.vectors import NOISE, VectorCorpus, _middle_words, _projected, _projection, read_source
from vrag.errors import UsageError


def test_a_page_is_the_same_whatever_the_size(corpus):
    small = np.concatenate(list(corpus.blocks(7, size=3)))
    large = np.concatenate(list(corpus.blocks(20, size=8)))
    np.testing.assert_array_equal(small, large[:7])
    np.testing.assert_array_equal(small[4], corpus.page(4))
    assert large.shape == (20, 64, 16)
    assert large.dtype == np.float32


def test_kept_pages_are_the_same_and_further_ones_are_made(corpus, tmp_path):
    kept = corpus.keep(5, tmp_path / "pages")
    assert (tmp_path / "pages").stat().st_size == 5 * 64 * 16 * 2
    for number in (0, 4, 5, 9):
        np.testing.assert_array_equal(kept.page(number), corpus.page(number))


def test_pages_differ_and_rows_are_unit_and_fit_float16(corpus):
    first, second = corpus.page(0), corpus.page(1)
    assert not np.allclose(first, second)
    np.testing.assert_allclose(np.linalg.norm(first, axis=1), 1, atol=2e-3)
    np.testing.assert_array_equal(first, first.astype(np.float16).astype(np.float32))


def test_every_row_is_near_a_real_one(corpus):
    real = np.concatenate(corpus.source.pages)
    nearest = (corpus.page(5) @ real.T).max(axis=1)
    assert nearest.mean() > 1 / np.sqrt(1 + NOISE**2) - 0.02


def test_a_page_has_rows_of_two_pages_at_most(source):
    pages = [np.full((40, 16), i, np.float32) + np.eye(16)[i] * 100 for i in range(12)]
    mixed = VectorCorpus(type(source)([unit(p) for p in pages], source.queries, "test", 16), 64)
    for number in range(10):
        assert len(set(mixed.page(number).argmax(axis=1).tolist())) <= 2


@given(st.integers(1, 12), st.integers(1, 12))
def test_a_projection_keeps_the_most_it_can(d, dim):
    rows = np.random.default_rng(d).normal(size=(50, d)).astype(np.float32) * np.arange(1, d + 1, dtype=np.float32)
    columns = _projection(rows, dim)
    assert columns.shape == (d, min(d, dim))
    np.testing.assert_allclose(columns.T @ columns, np.eye(min(d, dim)), atol=1e-5)
    kept, any_other = np.linalg.norm(rows @ columns), np.linalg.norm(rows[:, : min(d, dim)])
    assert kept >= any_other - 1e-3


def test_projected_query_rows_keep_their_weight():
    query = np.random.default_rng(0).normal(size=(4, 8)).astype(np.float32)
    projected = _projected(query, _projection(query, 3))
    np.testing.assert_allclose(np.linalg.norm(projected, axis=1), np.linalg.norm(query, axis=1), rtol=1e-5)


def test_middle_words():
    words = [str(n) for n in range(100)]
    assert _middle_words(words).split() == [str(n) for n in range(44, 56)]
    assert _middle_words(words[:10]) == ""


def test_a_source_is_read_from_an_index(long_index):
    from vrag import Index

    with Index.open(long_index) as index:
        source = read_source(index, 2, 32)
        assert read_source(index, 2, 999).dim == index.embedder.dim
    assert (source.dim, source.real_dim, len(source.pages), len(source.queries)) == (32, 384, 3, 2)
    said = source.describe(64)
    assert "3 real pages by builtin, projected from 384 to 32 dimensions" in said
    assert "resamples 64 rows" in said


def test_pages_that_answer_are_taken_and_known(long_index, monkeypatch):
    """Also where there is room for none of the others."""
    from vrag import Index
    from vrag.bench import vectors

    with Index.open(long_index) as index:
        path = index.documents.all()[0].paths[0]
        asked = [
            vectors.AskedQuery("waves", frozenset([(path, 3)]), True),
            vectors.AskedQuery("sea", frozenset(), True),
        ]
        monkeypatch.setattr(vectors, "_SOURCE_PAGES", 1)
        source = read_source(index, 2, 32, asked)
    assert len(source.pages) == 1
    assert source.is_question == [False, True, True]
    assert source.answers == [frozenset([0]), frozenset([0]), frozenset()]
    corpus = VectorCorpus(source, 32)
    assert corpus.made_from(3) == [frozenset([0])] * 3


def test_an_index_with_too_little_text_is_one_sentence(indexed):
    from vrag import Index

    with Index.open(indexed) as index, pytest.raises(UsageError, match="enough text"):
        read_source(index, 2, 32)
