"""A stage over bits keeps the filter and the limit, and agrees with the scores of single pages."""

import numpy as np
import pytest

from tests.bits.test_cache import FIELDS, KEYS, QUERY, new_cache, page
from vrag.bits.beside import BitsStore, view_of
from vrag.bits.packed import PackedPages
from vrag.bits.stage import BitStage, best_pages, scores_of, selected
from vrag.store.interface import Condition, Record, Selection

ALL = Selection((Condition("kind", ("page",)),))


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stage")
    store = BitsStore.create(folder / "shard", FIELDS, KEYS)
    store.bits = new_cache(folder)
    bare = Record(page(99).id, page(99).payload, {"full": page(99).vectors["full"]})
    store.upsert([*(page(n, doc="ab"[n % 2]) for n in range(1, 40)), bare])
    yield store
    store.close()


def best(store, vector, selection, limit, *before):
    view = view_of(store)
    return best_pages(view, [*before, BitStage(vector, QUERY, limit)], selected(view.table, store, selection))


def ids_of(store, selection):
    return {record.id for record in store.scroll(selection, keys=())}


@pytest.mark.parametrize(
    "selection",
    [
        ALL,
        Selection((Condition("doc_id", ("a",)),)),
        Selection((Condition("doc_id", ("b",)), Condition("kind", ("page",)))),
        Selection(ids=frozenset([page(3, "b").id, page(4, "a").id, "00000000-0000-0000-0000-000000000000"])),
        Selection((Condition("doc_id", ("none",)),)),
    ],
)
def test_only_selected_pages_are_found(store, selection):
    found = best(store, "full", selection, 1000)
    expected = ids_of(store, selection)
    assert {key for key, _ in found} == expected
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)


def test_the_limit_keeps_the_best(store):
    every = best(store, "full", ALL, 1000)
    for limit in (1, 7, 40, 41):
        assert best(store, "full", ALL, limit) == every[:limit]


def test_single_pages_have_the_scores_of_the_scan(store):
    every = dict(best(store, "full", ALL, 1000))
    some = [*list(every)[:5], "not a page"]
    bits = view_of(store)
    found = scores_of(bits.packed["full"], bits.table, QUERY, some)
    assert found == pytest.approx({key: every[key] for key in some[:5]})


def test_a_page_without_the_vector_is_not_found(store):
    found = dict(best(store, "rows", ALL, 1000))
    assert len(found) == 39
    assert np.isfinite(list(found.values())).all()


def test_stages_score_what_the_one_before_let_through(store):
    rows = best(store, "rows", ALL, 12)
    both = best(store, "full", ALL, 5, BitStage("rows", QUERY, 12))
    inside = best(store, "full", Selection(ids=frozenset(key for key, _ in rows)), 5)
    assert both == inside
    assert both != best(store, "full", ALL, 5)


def test_signs_first_lose_little_and_save_work(store, monkeypatch):
    every = best(store, "full", ALL, 40)
    monkeypatch.setattr("vrag.bits.stage._LONG", 0)
    asked, whole = [], PackedPages.maxsim

    def noted(self, query, pages, **named):
        asked.append((len(pages), named))
        return whole(self, query, pages, **named)

    monkeypatch.setattr(PackedPages, "maxsim", noted)
    found = best(store, "full", ALL, 5)
    assert asked == [(40, {"planes": 1}), (15, {})]
    assert dict(found).items() <= dict(every).items()
    assert len(set(dict(found)) & set(dict(every[:5]))) >= 3
