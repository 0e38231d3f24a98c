"""Cascades with stages over bits: the same pages as without, filters and explanations included."""

import numpy as np
import pytest

from tests.bits import naive
from tests.bits.test_cache import FIELDS, KEYS, new_cache, page
from vrag.bits import exact
from vrag.bits.beside import BitsStore, view_of
from vrag.cascade.text import parse_cascade
from vrag.errors import UsageError
from vrag.search.plan import Limits
from vrag.search.ranking import rank_pages
from vrag.search.running import Runner
from vrag.search.watching import watch
from vrag.store.edge.edge import EdgeStore
from vrag.store.interface import Condition, Selection

NAMES = ("full", "rows", "one")
ALL = Selection((Condition("kind", ("page",)),))
PAGES = 120
pytestmark = pytest.mark.usefixtures("engine")  # without compiled kernels Qdrant runs these stages


@pytest.fixture(scope="module", params=["rows kept", "rows given up"])
def store(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cascade")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exact, "MOST_BYTES", exact.MOST_BYTES if request.param == "rows kept" else 0)
        yield from filled(folder)


def filled(folder):
    store = BitsStore.create(folder / "shard", FIELDS, {**KEYS, "page": "integer"})
    store.bits = new_cache(folder)
    store.upsert([page(n, doc="ab"[n % 2]) for n in range(PAGES)])
    yield store
    store.close()


def query(seed=1):
    return naive.unit(np.random.default_rng(seed).normal(size=(3, 8)))


def runner(store, selection=ALL, seed=1):
    rows = query(seed)
    return Runner(store, lambda stage: rows[0] if stage.vector == "one" else rows, selection, lambda: PAGES)


def found(store, text, selection=ALL, k=5, seed=1):
    return rank_pages(runner(store, selection, seed), parse_cascade(text, {}, NAMES), k)


def numbers(ranking, k=5):
    return [point.payload["page"] for point in ranking.points[:k]]


@pytest.mark.parametrize(
    "text",
    [
        "full@bits:120 > full",
        "rows@bits:120 > full",
        "rows@bits:120 > full@bits:120 > full",
        "one:120 > full@bits:100% > full",
        "full@bits:120 > rows:120 > full",
        "union(rows:120, one:120) > full@bits:120 > full",
        "union(rows@bits:120, one:60) > full",
        "rrf(rows@bits:120 > full:120, one:20):120 > full",
    ],
)
def test_wide_stages_end_in_the_exact_answer(store, text):
    for seed in range(5):
        assert numbers(found(store, text, seed=seed)) == numbers(found(store, "full", seed=seed))


def test_narrow_stages_pass_on_what_they_say(store):
    ranking = found(store, "rows@bits:20 > full@bits:8 > full", k=8)
    assert len(ranking.points) == 8
    assert [label for label, _ in ranking.stages] == ["rows@bits", "full@bits", "full"]
    exact = found(store, "full", k=PAGES)
    true = {point.id: point.score for point in exact.points}
    for point in ranking.points:
        assert point.score == pytest.approx(true[point.id])
        assert all(point.id in scores for _, scores in ranking.stages)


def test_kept_rows_spare_the_engine(store, engine, monkeypatch):
    text, there = "full@bits:8 > full", numbers(found(store, "full"))
    asked, query = [], store.query
    monkeypatch.setattr(store, "query", lambda *a: asked.append(a) or query(*a))
    assert numbers(found(store, text, k=3), 3) == there[:3]
    is_kept = "full" in view_of(store).exact
    assert bool(asked) != (is_kept and engine == "compiled")


@pytest.mark.parametrize("kind", ["union", "rrf"])
def test_branches_over_bits_are_fused_as_the_engine_fuses(store, kind):
    text = f"{kind}(rows{{}}:120 > full:20, one:25)"
    here, there = (found(store, text.format(bits), k=60) for bits in ("@bits", ""))
    assert {p.id: p.score for p in here.points} == pytest.approx({p.id: p.score for p in there.points})
    assert [p.score for p in here.points] == sorted((p.score for p in here.points), reverse=True)
    assert all(set(point.payload) == {"doc_id", "page"} for point in here.points)
    assert [label for label, _ in here.stages] == ["rows@bits", "full", "one", kind]


def test_a_last_stage_over_bits_brings_what_a_hit_needs(store):
    ranking = found(store, "full@bits")
    assert len(ranking.points) == 5
    assert all(set(point.payload) == {"doc_id", "page"} for point in ranking.points)
    scores = [point.score for point in ranking.points]
    assert scores == sorted(scores, reverse=True)


def test_the_filter_holds_from_the_first_stage_on(store):
    only = Selection((*ALL.conditions, Condition("doc_id", ("a",))))
    narrowing = "rows@bits:10 > full", "full@bits:10 > full@bits:6 > full", "union(rows@bits:9, one:3) > full"
    for text in ("full@bits", *narrowing):
        ranking = found(store, text, selection=only)
        assert {point.payload["doc_id"] for point in ranking.points} == {"a"}
        assert len(ranking.points) >= 5


def test_every_candidate_of_a_stage_can_be_ranked(store):
    cascade = parse_cascade("rows@bits:40 > full@bits:10 > full", {}, NAMES)
    watched = watch(runner(store), cascade, Limits(5, lambda: PAGES))
    assert [len(watched.scored(i)) for i in range(3)] == [PAGES, 40, 10]
    assert [len(watched.let_through(i)) for i in range(3)] == [40, 10, 5]


def test_a_store_without_bits_runs_the_same_cascade(store):
    class Server:
        """A store that keeps no bits, with the same pages."""

        def __getattr__(self, name):
            return getattr(store, name)

    ranking = found(Server(), "rows@bits:120 > full@bits:120 > full")
    assert numbers(ranking) == numbers(found(store, "full"))
    assert not isinstance(Server(), EdgeStore)


def test_a_vector_without_bits_is_one_sentence(store):
    with pytest.raises(UsageError, match="'one' has no packed bits.*full, rows"):
        found(store, "one@bits:10 > full")


def test_a_stage_that_stands_twice_in_a_fusion_keeps_its_scores(store):
    ranking = found(store, "union(rows@bits:40, one:60 > rows@bits:5) > full")
    assert [label for label, _ in ranking.stages] == ["rows@bits", "one", "rows@bits#2", "full"]
    (alone,) = (dict(scores) for label, scores in found(store, "rows@bits", k=PAGES).stages)
    for label, scores in ranking.stages:
        assert {point.id for point in ranking.points[:5]} <= set(scores), label
        if label.startswith("rows@bits"):
            assert scores == {page: alone[page] for page in scores}


def test_a_second_run_knows_nothing_of_the_first(store):
    twice, narrow = runner(store), parse_cascade("full@bits:20 > full", {}, NAMES)
    rank_pages(twice, parse_cascade("rows@bits:40 > full@bits:20 > full", {}, NAMES), 5)
    (label, scores), *_ = rank_pages(twice, narrow, 5).stages
    assert label == "full@bits"
    assert scores == dict(found(store, "full@bits:20 > full").stages)["full@bits"]
