"""Cascades run to the end, against plain loops over the same vectors."""

import numpy as np
import pytest

from vrag.cascade_text import parse_cascade
from vrag.errors import UsageError
from vrag.execution import Execution, step_labels
from vrag.store.base import Condition, Record, Selection, SparseVector, VectorField
from vrag.store.edge import EdgeStore

PAGES, DIM = 40, 8
FIELDS = [
    VectorField("full", "multi", DIM),
    VectorField("rows", "multi", DIM),
    VectorField("global", "single", DIM, hnsw=True),
    VectorField("text", "sparse"),
]
rng = np.random.default_rng(3)


def unit(*shape):
    rows = rng.normal(size=shape).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


QUERY = unit(3, DIM)
TERMS = SparseVector(np.array([7, 9], np.uint32), np.ones(2, np.float32))


def point_id(i):
    return f"00000000-0000-0000-0000-{i:012d}"


@pytest.fixture(scope="module")
def vectors():
    full = {point_id(i): unit(6, DIM) for i in range(PAGES)}
    return {"full": full, "rows": {k: v[::2] for k, v in full.items()}, "global": {k: v[0] for k, v in full.items()}}


@pytest.fixture(scope="module")
def store(vectors, tmp_path_factory):
    store = EdgeStore.create(tmp_path_factory.mktemp("shard"), FIELDS, {"doc_id": "keyword"})
    records = []
    for i, key in enumerate(vectors["full"]):
        terms = [7] if i % 4 == 0 else [5]
        sparse = {"text": SparseVector(np.array(terms, np.uint32), np.ones(1, np.float32))}
        payload = {"doc_id": "even" if i % 2 == 0 else "odd", "page": i}
        records.append(Record(key, payload, {name: vectors[name][key] for name in vectors}, sparse))
    store.upsert(records)
    yield store
    store.close()


def form(stage):
    if stage.vector == "text":
        return TERMS
    return QUERY.sum(axis=0) if stage.vector == "global" else QUERY


def run(store, text, k=5, selection=None):
    cascade = parse_cascade(text, {}, ("full", "rows", "global", "text"))
    return Execution(store, form, selection or Selection(), k, PAGES).run(cascade)


def ids(ranking, k=5):
    return [point.id for point in ranking.points[:k]]


def maxsim(rows):
    return float((QUERY @ rows.T).max(axis=1).sum())


def best(vectors, keys, k=5):
    return sorted(keys, key=lambda key: -maxsim(vectors["full"][key]))[:k]


def test_exact_is_maxsim(store, vectors):
    ranking = run(store, "full")
    assert ids(ranking) == best(vectors, vectors["full"])
    for point in ranking.points:
        assert point.score == pytest.approx(maxsim(vectors["full"][point.id]), rel=1e-3)


@pytest.mark.parametrize(
    "text",
    [
        "rows:40 > full",
        "global:100% > rows:100% > full",
        "union(rows:40, text:40) > full",
        "rrf(rows:40, global:40):40 > full",
    ],
)
def test_full_limits_equal_exact(store, text):
    assert ids(run(store, text)) == ids(run(store, "full"))


def test_a_union_ranks_the_candidates_of_every_branch(store, vectors):
    fours = [point_id(i) for i in range(0, PAGES, 4)]
    rows = sorted(vectors["rows"], key=lambda key: -maxsim(vectors["rows"][key]))[:5]
    ranking = run(store, "union(rows:5, text:40) > full", k=3)
    assert ids(ranking, 3) == best(vectors, {*fours, *rows}, 3)


def test_a_filter_holds_in_every_branch(store):
    odd = Selection((Condition("doc_id", ("odd",)),))
    for text in (
        "union(rows:3, text:3) > full",
        "rrf(rows:5, text:5):4 > full",
        "full+0.5*text",
        "rrf(rows:5, text:9)",
    ):
        found = run(store, text, selection=odd).points
        assert found
        assert {point.payload["doc_id"] for point in found} == {"odd"}


def test_an_addition_is_standardised_and_scaled_by_the_spread(store, vectors):
    keys = list(vectors["full"])
    full = np.array([maxsim(vectors["full"][key]) for key in keys])
    rows = np.array([maxsim(vectors["rows"][key]) for key in keys])
    naive = full + 0.5 * full.std() * (rows - rows.mean()) / rows.std()
    ranking = run(store, "full+0.5*rows")
    assert ids(ranking) == [keys[i] for i in np.argsort(-naive)[:5]]
    assert ranking.points[0].score == pytest.approx(naive.max(), rel=1e-3)


def test_an_addition_that_knows_no_page_changes_nothing(store):
    assert ids(run(store, "rows:9 > full+0*text")) == ids(run(store, "rows:9 > full"))


def test_every_stage_is_scored_for_the_pages_left(store, vectors):
    ranking = run(store, "rows:9 > full+0.5*text:7 > full")
    assert [label for label, _ in ranking.stages] == ["rows", "full+0.5*text", "full"]
    first = ranking.points[0].id
    assert ranking.stages[0][1][first] == pytest.approx(maxsim(vectors["rows"][first]), rel=1e-3)


def test_rank_fusion_gives_its_own_score(store):
    ranking = run(store, "rrf(rows:9, text:9)")
    assert [label for label, _ in ranking.stages] == ["rows", "text", "rrf"]
    scores = [point.score for point in ranking.points]
    assert scores == sorted(scores, reverse=True)
    assert max(scores) <= 2 / 60 + 1e-6


def test_labels_tell_stages_of_one_vector_apart():
    stages = parse_cascade("mean(rows):9 > rows:5 > full", {}, ("rows", "full")).stages
    assert step_labels(stages) == ["rows", "rows#2", "full"]


@pytest.mark.parametrize("text", ["rows:5 > full@regions", "rows:5 > full+context"])
def test_what_the_index_cannot_score_is_said(store, text):
    with pytest.raises(UsageError, match="cannot be scored"):
        run(store, text)
