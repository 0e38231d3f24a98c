"""What terms are worth: counted beside an index, asked of a server, and the same."""

import numpy as np
import pytest

from tests.search.test_shard_words import A_SHARD, QUERY, WITH, page_id, records, stores  # noqa: F401
from vrag import Index
from vrag.cascade.bm25 import TEXT, Bm25Lane
from vrag.search.glance import Glance
from vrag.search.term_worth import _asked, term_worth
from vrag.store.interface import Selection, SparseVector

ALL = 3 * A_SHARD


def idf(count, pages):
    return np.log1p((pages - count + 0.5) / (count + 0.5))


@pytest.mark.parametrize("is_one", [True, False])
def test_a_server_is_asked_for_the_best_page_of_each_term(stores, is_one):  # noqa: F811
    shards, whole = stores
    found = _asked(whole if is_one else shards, QUERY, [page_id(0, 0), page_id(1, 19)], lambda: ALL)
    one = [idf(sum(WITH.get(term, (0,))), ALL) for term in QUERY.indices.tolist()]
    if is_one:
        assert found.worth == pytest.approx(one, rel=1e-5)
    else:  # a term is taken to be in every shard as often as in that of its best page
        assert found.worth[1] == pytest.approx(one[1], abs=0.5)
        assert found.worth[3] == pytest.approx(one[3])
    of_record = next(record for record in records(0) if record.id == page_id(0, 0)).sparse[TEXT]
    assert found.weights[page_id(0, 0)].tolist() == [*of_record.values[:2].tolist(), 0, 0]
    assert found.weights[page_id(1, 19)].tolist() == [0, 0, 0, 0]  # it has words, and none of these


def test_pages_are_counted_only_for_what_is_on_none_or_in_several_shards(stores):  # noqa: F811
    shards, whole = stores
    known = SparseVector(QUERY.indices[:1], QUERY.values[:1])
    counted = []

    def count():
        counted.append(ALL)
        return ALL

    _asked(whole, known, [page_id(0, 0)], count)
    assert counted == []
    _asked(whole, QUERY, [page_id(0, 0)], count)  # one of its words is nowhere
    _asked(shards, known, [page_id(0, 0)], count)
    assert counted == [ALL, ALL]


def test_beside_an_index_the_same_is_counted(indexed):
    terms = Bm25Lane().query("Which engine of the Rotterdam plant has zeppelins?")
    with Index.open(indexed) as index:
        store, pages = index.stored.store, [hit.id for hit in index.search("engine", 5)]
        kept = term_worth(store, Glance(store), terms, pages, lambda: index.page_count)
        asked = _asked(store, terms, pages, lambda: index.page_count)
        assert len([*store.scroll(Selection(ids=frozenset(pages)))]) == 5
    assert kept.worth == pytest.approx(asked.worth, rel=1e-5)
    assert max(kept.worth) == pytest.approx(idf(0, 5))
    assert {page: weights.tolist() for page, weights in kept.weights.items()} == {
        page: weights.tolist() for page, weights in asked.weights.items()
    }
