"""The text lane over the pages that are there: the engine's formula, without the engine's memory of what was there."""

import numpy as np
import pytest

from tests.bits.test_cache import FIELDS, KEYS, new_cache, page
from vrag.bits.beside import BitsStore, view_of
from vrag.bits.terms import TermPages, paired
from vrag.store.interface import Condition, Selection, SparseVector, StageRequest

QUERY = SparseVector(np.array([11, 3, 200], np.uint32), np.array([1, 1.5, 1], np.float32))
PAGES = Selection((Condition("kind", ("page",)),))


@pytest.fixture
def store(tmp_path):
    store = BitsStore.create(tmp_path / "shard", FIELDS, KEYS)
    store.bits = new_cache(tmp_path)
    store.upsert([page(n) for n in range(80)])
    yield store
    store.close()


def by_words(store, query=QUERY):
    view = view_of(store)
    pages, scores, _ = view.terms["text"].scores(query, view.table.alive)
    return {view.table.ids[at]: score for at, score in zip(pages, scores.tolist(), strict=True)}


def in_engine(store):
    return {p.id: p.score for p in store.query([StageRequest("text", QUERY, 1000)], PAGES)}


def test_scores_are_the_engines_while_nothing_was_ever_deleted(store):
    assert by_words(store) == pytest.approx(in_engine(store), rel=1e-5)
    assert 10 < len(by_words(store)) < 80


def test_what_was_deleted_does_not_count(store):
    before = by_words(store)
    store.upsert([page(n, doc="b") for n in range(100)])
    assert by_words(store) != before
    store.delete(Selection((Condition("doc_id", ("b",)),)))
    assert in_engine(store) != pytest.approx(before, rel=1e-5)  # which is why the engine's are not taken
    assert by_words(store) == before


def test_a_query_without_known_terms_finds_nothing(store):
    for terms in ([], [999]):
        assert by_words(store, SparseVector(np.array(terms, np.uint32), np.ones(len(terms), np.float32))) == {}


def test_terms_are_worth_what_their_rarity_says_and_weigh_what_the_page_says(store):
    view = view_of(store)
    terms, records = view.terms["text"], {n: page(n).sparse["text"] for n in range(80)}
    counts = [sum(term in text.indices for text in records.values()) for term in QUERY.indices]
    worth, pages = terms.scores(QUERY, view.table.alive).worth, sum(len(text.indices) > 0 for text in records.values())
    assert worth == pytest.approx([np.log1p((pages - n + 0.5) / (n + 0.5)) for n in counts])
    for n, text in records.items():
        known = dict(zip(text.indices.tolist(), text.values.tolist(), strict=True))
        weights = terms.weights(view.table.position[page(n).id], QUERY.indices)
        wanted = [known.get(term, 0.0) for term in QUERY.indices.tolist()] if known else None
        assert (weights.tolist() if known else weights) == wanted
    assert TermPages(paired(None), np.array([0, 0])).weights(0, QUERY.indices) is None


def test_scores_of_given_pages_are_those_among_all(store):
    found, view = by_words(store), view_of(store)
    scores = view.terms["text"].scores(QUERY, view.table.alive)
    known, places = view.table.places([*(page(n).id for n in range(79, -1, -1)), "of nobody"])
    assert known == [page(n).id for n in range(79, -1, -1)]
    given = dict(zip(known, scores.of(places).tolist(), strict=True))
    assert {name: score for name, score in given.items() if not np.isnan(score)} == found
    unknown = SparseVector(np.array([999], np.uint32), np.ones(1, np.float32))
    nothing = view.terms["text"].scores(unknown, view.table.alive)
    assert np.isnan(nothing.of(places)).all()


def test_terms_with_an_equal_half_are_told_apart():
    one = SparseVector(np.array([5, 5 + (7 << 16), 6 + (7 << 16)], np.uint32), np.array([1, 2, 3], np.float32))
    pages = TermPages(paired(one), np.array([0, 0, 3]))
    found, scores, _ = pages.scores(SparseVector(one.indices[1:2], np.ones(1, np.float32)), np.ones(2, bool))
    assert found.tolist() == [1]
    assert scores.tolist() == pytest.approx([2 * np.log(1 + 0.5 / 1.5)])
