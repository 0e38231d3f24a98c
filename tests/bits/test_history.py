"""The same pages give the same ranking and scores, however they came to be the ones that are there."""

import shutil

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.bits import naive
from tests.bits.test_cache import FIELDS, KEYS, new_cache, page
from vrag.bits.beside import BitsStore
from vrag.bits.cache import cache as cache_module
from vrag.bits.cache import contents as contents_module
from vrag.cascade.regions import RegionRule
from vrag.cascade.text import parse_cascade
from vrag.search.ranking import rank_pages
from vrag.search.rescoring import Rescorer
from vrag.search.running import Runner
from vrag.store.interface import Condition, Selection, SparseVector

ALL = Selection((Condition("kind", ("page",)),))
NAMES = ("full", "rows", "one", "text")
LAST = [page(n, doc) for doc in "abc" for n in range(9)]  # of each three with equal scores, and ids of their own
CASCADES = (
    "union(rows@bits:7, text:4) > full@bits@regions+0.6*text",
    "full@bits:5",
    "rows@bits:9 > full",
    "union(rows:7, text:4) > full@regions+0.6*text",
)
ROWS = naive.unit(np.random.default_rng(3).normal(size=(3, 8)))
WORDS = SparseVector(np.array([1, 4, 7, 13], np.uint32), np.ones(4, np.float32))


def answers(store, pages):
    """What every cascade finds, best first."""

    def form(stage):
        return WORDS if stage.vector == "text" else ROWS[0] if stage.vector == "one" else ROWS

    found = []
    for text in CASCADES:
        rescorer = Rescorer(store, None, RegionRule(4, 2), 0)
        runner, cascade = Runner(store, form, ALL, lambda: pages, rescorer), parse_cascade(text, {}, NAMES)
        points = rank_pages(runner, cascade, 6).points[:6]
        found.append([(point.id, point.score) for point in points])
    return found


def opened(folder):
    new = not (folder / "shard").exists()
    store = (BitsStore.create(folder / "shard", FIELDS, {**KEYS, "page": "integer"}) if new
             else BitsStore.open(folder / "shard", FIELDS))  # fmt: skip
    store.bits = new_cache(folder)
    return store


@pytest.fixture
def expected(tmp_path, engine):
    store = opened(tmp_path)
    store.upsert(LAST)
    found = answers(store, len(LAST))
    store.close()
    return found


FAST = (Phase.explicit, Phase.reuse, Phase.generate)  # an example writes files: making it smaller takes minutes
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("others"), st.integers(0, 30)),
        st.tuples(st.just("some"), st.integers(0, 26)),
        st.tuples(st.sampled_from(["search", "reopen", "crash", "delete", "compact", "no cache"]), st.just(0)),
    ),
    max_size=7,
)


def gone_on(store, folder, what, number, pages):
    """The store after one more step of its history, opened again where that is part of the step."""
    if what in ("reopen", "crash", "no cache"):
        if what == "crash":
            store.bits = None  # nothing is committed
        store.close()
        if what == "no cache":
            shutil.rmtree(folder / "bits", ignore_errors=True)
        return opened(folder)
    {
        "others": lambda: store.upsert([page(n, "z", version=number) for n in range(number)]),
        "some": lambda: store.upsert(pages[:number]),
        "search": lambda: answers(store, store.count(ALL)),
        "delete": lambda: store.delete(ALL),
        "compact": store.compact,
    }[what]()
    return store


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=5, phases=FAST)
@given(STEPS, st.permutations(range(len(LAST))), st.integers(1, 27))
def test_the_ranking_is_a_function_of_the_pages(tmp_path_factory, monkeypatch, expected, steps, order, batch):
    monkeypatch.setattr(cache_module, "_MANY_DEAD", 3)
    monkeypatch.setattr(contents_module, "AT_ONCE", 5)
    folder = tmp_path_factory.mktemp("history")
    pages = [LAST[i] for i in order]
    store = opened(folder)
    for what, number in steps:
        store = gone_on(store, folder, what, number, pages)
    store.delete(Selection((Condition("doc_id", ("z",)),)))
    for start in range(0, len(pages), batch):
        store.upsert(pages[start : start + batch])
    found = answers(store, len(pages))
    store.close()
    assert found == expected


def test_the_numbers_of_the_bits_follow_from_the_model_alone(tmp_path):
    first = opened(tmp_path / "first")
    first.upsert([page(1)])
    second = opened(tmp_path / "second")
    second.upsert([page(n, version=7) for n in range(2, 100)])
    one, other = (store.bits.committed() for store in (first, second) if store.bits.update(store) is None)
    for name in one.packed:
        assert one.packed[name].signs.scale == other.packed[name].signs.scale
        assert one.packed[name].signs.threshold == other.packed[name].signs.threshold
    first.close()
    second.close()
