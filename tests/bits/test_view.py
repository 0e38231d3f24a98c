"""A query sees one state of the bits, from its first stage to its last."""

import numpy as np
import pytest

from tests.bits import naive
from tests.bits.test_cache import FIELDS, KEYS, new_cache, page
from vrag.bits.beside import BitsStore, view_of
from vrag.bits.cache import cache as cache_module
from vrag.cascade.regions import RegionRule
from vrag.cascade.text import parse_cascade
from vrag.search import glance, running
from vrag.search.plan import Limits
from vrag.search.ranking import rank_pages
from vrag.search.rescoring import Rescorer
from vrag.search.running import Runner
from vrag.search.watching import watch
from vrag.store.interface import Condition, Scored, Selection, SparseVector

ALL = Selection((Condition("kind", ("page",)),))
ROWS = naive.unit(np.random.default_rng(3).normal(size=(3, 8)))
WORDS = SparseVector(np.array([1, 4, 7, 13], np.uint32), np.ones(4, np.float32))
NAMES = ("full", "rows", "text")
BEST = "union(rows@bits:12, text:6) > full@bits@regions+0.6*text"
pytestmark = pytest.mark.usefixtures("engine")


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setattr(cache_module, "_MANY_DEAD", 1)
    store = BitsStore.create(tmp_path / "shard", FIELDS, {**KEYS, "page": "integer"})
    store.bits = new_cache(tmp_path)
    store.upsert([page(n, doc="ab"[n % 3 == 0]) for n in range(40)])
    yield store
    store.close()


def form(stage):
    return WORDS if stage.vector == "text" else ROWS


def search(store, text=BEST):
    rescorer = Rescorer(store, None, RegionRule(4, 2), 0)
    runner, cascade = Runner(store, form, ALL, lambda: 40, rescorer), parse_cascade(text, {}, NAMES)
    ranking = rank_pages(runner, cascade, 5)
    return [(point.id, point.score) for point in ranking.points[:5]], ranking.trail.starts(1)


def rewrite(store):
    """Everything that changes positions, files and counts: other pages come first, dead ones are left behind."""
    generation = store.bits._contents.generation
    keep = frozenset(page(n, doc="ab"[n % 3 == 0]).id for n in range(40))
    store.delete(Selection(ids=keep))
    store.upsert([page(n, doc="c", version=1) for n in range(90, 100)])
    view_of(store)
    store.upsert([page(n, doc="ab"[n % 3 == 0]) for n in reversed(range(40))])
    view_of(store)
    assert store.bits._contents.generation > generation


@pytest.mark.parametrize("stage", ["first", "second"])
def test_a_compaction_between_two_stages_changes_nothing(store, monkeypatch, stage):
    before = search(store)
    done = []

    def between(whole):
        def called(*arguments, **named):
            if stage == "first" and not done:
                done.append(rewrite(store))
            found = whole(*arguments, **named)
            if stage == "second" and not done:
                done.append(rewrite(store))
            return found

        return called

    monkeypatch.setattr(running, "fused", between(running.fused))
    assert search(store) == before
    assert done
    assert search(store) != before  # what came in between counts from the next query on


def test_a_page_that_comes_meanwhile_is_no_candidate(store, monkeypatch):
    before, fused = search(store), running.fused
    late = page(200, doc="c")

    def with_more(branches):
        store.upsert([late])  # and a stage in the engine finds it
        return [*fused(branches), Scored(late.id, 0.0, dict(late.payload))]

    monkeypatch.setattr(running, "fused", with_more)
    assert search(store) == before


def test_the_view_is_taken_once(store, monkeypatch):
    taken, whole = [], glance.view_of
    monkeypatch.setattr(glance, "view_of", lambda store: taken.append(store) or whole(store))
    search(store)
    assert len(taken) == 1
    runner = Runner(store, form, ALL, lambda: 40, Rescorer(store, None, RegionRule(4, 2), 0))
    seen = watch(runner, parse_cascade(BEST, {}, NAMES), Limits(5, lambda: 40))
    dropped = {page(n, doc="ab"[n % 3 == 0]).id for n in range(40)} - {point.id for point in seen.scored(1)}
    assert all(seen.of_page(1, one).score < seen.let_through(1)[0].score for one in dropped)
    assert dropped
    assert len(taken) == 2


def test_the_store_is_asked_once_which_pages_a_filter_leaves(store, monkeypatch):
    asked, scroll = [], BitsStore.scroll

    def counted(self, selection, vectors=(), keys=None):
        asked.extend([selection] if keys == () else [])
        return scroll(self, selection, vectors, keys)

    view_of(store)
    monkeypatch.setattr(BitsStore, "scroll", counted)
    only = Selection((*ALL.conditions, Condition("doc_id", ("b",))))
    runner = Runner(store, form, only, lambda: 40, Rescorer(store, None, RegionRule(4, 2), 0))
    found = runner.run(runner.plan(parse_cascade(BEST, {}, NAMES), Limits(5, lambda: 40))).points
    assert {point.payload["doc_id"] for point in found} == {"b"}
    assert asked == [only]
