"""The same requests in the words of both engines: the same structure, and nothing lost on the way."""

import json
import re
from functools import singledispatch

import numpy as np
import pytest
import qdrant_edge as qe
from qdrant_client import models

from vrag.store.edge.edge_requests import EDGE
from vrag.store.interface import (
    Condition,
    FusionRequest,
    Interval,
    Range,
    Selection,
    SparseVector,
    StageRequest,
    TextCondition,
)
from vrag.store.server.messages import ServerSpelling
from vrag.store.translating import filter_of, query_of

ROWS = np.array([[0.5, 0.25], [1, 0]], np.float32)
TERMS = SparseVector(np.array([7, 9], np.uint32), np.array([0.5, 1], np.float32))
ID = "00000000-0000-5000-8000-000000000009"
FULL, RUNS = StageRequest("full", ROWS, 10), StageRequest("runs", ROWS, 256)
GRAPH, WORDS = StageRequest("global", ROWS[0], 64, hnsw=True), StageRequest("text", TERMS, 32)
UNION, RRF = FusionRequest(((RUNS,), (WORDS,))), FusionRequest(((GRAPH, RUNS), (WORDS,)), 20)
SOME = Selection((Condition("doc", ("a", "b")),))


@singledispatch
def plain(value):
    """An engine's objects as plain values, in one form for both."""
    return value


@plain.register
def _(value: dict):
    """Arguments of a whole request."""
    names = {"prefetch": "prefetches", "search_params": "params", "query_filter": "filter"}
    found = {"prefetches": None, "params": None, "filter": None, **{names.get(k, k): v for k, v in value.items()}}
    if not isinstance(found["query"], qe.Query | qe.Fusion | models.RrfQuery):
        found["query"] = {"using": found.pop("using"), "vector": plain(found["query"])}
    return {key: plain(one) if key != "query" or not isinstance(one, dict) else one for key, one in found.items()}


@plain.register(list)
@plain.register(tuple)
def _(value):
    return [plain(one) for one in value] or None


@plain.register
def _(value: qe.Prefetch):
    return plain({key: getattr(value, key) for key in ("limit", "query", "prefetches", "params", "filter")})


@plain.register
def _(value: models.Prefetch):
    names = ("limit", "query", "prefetch", "params", "filter", *(["using"] if value.using else []))
    return plain({key: getattr(value, key) for key in names})


@plain.register(qe.SearchParams)
@plain.register(models.SearchParams)
def _(value):
    return {"exact": value.exact}


@plain.register
def _(value: qe.Query):
    """Inside a prefetch the engine shows its queries as text alone."""
    vector, using = re.fullmatch(r'Query\.Nearest\(query=(.*), using="(\w+)"\)', repr(value)).groups()
    terms = re.fullmatch(r"SparseVector\(indices=(.*), values=(.*)\)", vector)
    names = ("terms", "weights")
    found = dict(zip(names, map(json.loads, terms.groups()), strict=True)) if terms else json.loads(vector)
    return {"using": using, "vector": found}


@plain.register(qe.Fusion)
@plain.register(models.RrfQuery)
def _(value):
    return {"rrf": getattr(value, "rrf", value).k}


@plain.register
def _(value: models.SparseVector):
    return {"terms": value.indices, "weights": value.values}


@plain.register(qe.Filter)
@plain.register(models.Filter)
def _(value):
    return {key: plain(getattr(value, key) or None) for key in ("must", "should", "must_not")}


@plain.register
def _(value: qe.HasIdCondition):
    return {"ids": sorted(map(str, value.point_ids))}


@plain.register
def _(value: models.HasIdCondition):
    return {"ids": sorted(value.has_id)}


@plain.register(qe.FieldCondition)
@plain.register(models.FieldCondition)
def _(value):
    if value.range is not None:
        bounds = {key: getattr(value.range, key) for key in ("gte", "gt", "lte", "lt")}
        is_dated = isinstance(value.range, qe.RangeDateTime | models.DatetimeRange)
        return {"key": value.key, "dates" if is_dated else "numbers": {k: str(v)[:10] for k, v in bounds.items()}}
    (field,) = [name for name in ("any", "value", "text", "phrase") if hasattr(value.match, name)]
    return {"key": value.key, "value" if field == "any" else field: plain(getattr(value.match, field))}


REQUESTS = {
    "exact": [FULL],
    "graph": [GRAPH],
    "words": [WORDS],
    "nested": [GRAPH, RUNS, FULL],
    "union": [UNION, FULL],
    "rrf": [RRF, FULL],
    "union alone": [UNION],
    "rrf alone": [RRF],
}
SELECTIONS = {
    "all": Selection(),
    "words of a key": SOME,
    "numbers of a key": Selection((Condition("page", (1, 2)),)),
    "numbers and words": Selection((Condition("page", (1, "x")),)),
    "not": Selection((Condition("doc", ("a",), negate=True),)),
    "numbers between": Selection((Range("n", (Interval(gte=1.5, lt=2.5),)),)),
    "dates between": Selection((Range("d", (Interval(gt="2024-01-02", lte="2025-01-02"),)),)),
    "one of two ranges": Selection((Range("n", (Interval(gte=1.5), Interval(lt=0.5))),)),
    "in no range": Selection((Range("n", (Interval(gte=1.5), Interval(lt=0.5)), negate=True),)),
    "ids": Selection(ids=frozenset([ID])),
    "no id": Selection(ids=frozenset()),
    "text": Selection(texts=(TextCondition("text", "a b"), TextCondition("text", "c d", phrase=True))),
    "text that must not be": Selection(texts=(TextCondition("text", "a", absent=True),)),
    "all together": Selection(
        (Condition("doc", ("a",)), Range("n", (Interval(gte=1.5),), negate=True)),
        frozenset([ID]),
        (TextCondition("text", "a"), TextCondition("text", "b c", phrase=True, absent=True)),
    ),
}


@pytest.mark.parametrize("name", SELECTIONS)
def test_a_filter_is_the_same_in_both_engines_words(name):
    one, other = (filter_of(SELECTIONS[name], words) for words in (EDGE, ServerSpelling()))
    assert plain(one) == plain(other)
    assert (one is None) == (name == "all")


@pytest.mark.parametrize("chosen", [Selection(), SOME], ids=["all", "some"])
@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_is_the_same_in_both_engines_words(name, chosen):
    one, other = (query_of(REQUESTS[name], chosen, words) for words in (EDGE, ServerSpelling()))
    assert plain(one) == plain(other)
    assert json.dumps(plain(one)).count('"key": "doc"') == (count_first(REQUESTS[name]) if chosen == SOME else 0)


def count_first(stages):
    """Stages that go on from nothing: one, or one a branch."""
    return len(stages[0].branches) if isinstance(stages[0], FusionRequest) else 1


def test_a_cascade_as_it_is_nested():
    assert plain(query_of([RRF, FULL], SOME, EDGE)) == {
        "limit": 10,
        "query": {"using": "full", "vector": ROWS.tolist()},
        "params": {"exact": True},
        "filter": None,
        "prefetches": [
            {
                "limit": 20,
                "query": {"rrf": 60},
                "params": None,
                "filter": None,
                "prefetches": [
                    {**stage(RUNS), "params": {"exact": True}, "filter": None, "prefetches": [stage(GRAPH)]},
                    {**stage(WORDS), "params": {"exact": True}},
                ],
            }
        ],
    }


def stage(request):
    terms = {"terms": [7, 9], "weights": [0.5, 1]}
    vector = terms if request.query is TERMS else request.query.tolist()
    chosen = {"must": [{"key": "doc", "value": ["a", "b"]}], "should": None, "must_not": None}
    query = {"using": request.vector, "vector": vector}
    return {"limit": request.limit, "query": query, "params": None, "filter": chosen, "prefetches": None}


def test_a_union_that_comes_last_keeps_all_that_its_branches_let_through():
    for words in (EDGE, ServerSpelling()):
        assert query_of([UNION], Selection(), words)["limit"] == RUNS.limit + WORDS.limit
        assert query_of([RRF], Selection(), words)["limit"] == 20


def test_the_embedded_engine_is_asked_the_same_query_with_the_same_object():
    one, other = (query_of([FULL], Selection(), EDGE)["query"] for _ in range(2))
    assert one is other
    assert query_of([RUNS], Selection(), EDGE)["query"] is not one
