"""The store's promises, on Qdrant Edge."""

import subprocess
import sys
import uuid

import numpy as np
import pytest

from vrag.errors import StoreError
from vrag.pooling import normalise
from vrag.store.base import Condition, Record, Selection, StageRequest, VectorField
from vrag.store.edge import EdgeStore

FIELDS = [
    VectorField("full", 8, multi=True),
    VectorField("rows", 8, multi=True),
    VectorField("global", 8, multi=False, hnsw=True),
]
KEYS = {"doc": "keyword", "page": "integer"}


def page(number, doc="a", seed=None):
    rng = np.random.default_rng(number if seed is None else seed)
    full = normalise(rng.normal(size=(rng.integers(1, 12), 8)))
    vectors = {"full": full, "rows": full[:4], "global": normalise(full.mean(axis=0))}
    return Record(str(uuid.uuid5(uuid.NAMESPACE_OID, f"{doc}{number}")), {"doc": doc, "page": number}, vectors)


@pytest.fixture
def store(tmp_path):
    store = EdgeStore.create(tmp_path / "shard", FIELDS, KEYS)
    yield store
    store.close()


@pytest.fixture
def pages(store):
    records = [page(n, doc="ab"[n % 2]) for n in range(1, 61)]
    store.upsert(records)
    return {record.id: record for record in records}


def maxsim(query, full):
    return float((query @ full.T).max(axis=1).sum())


def query(m=3, seed=99):
    return normalise(np.random.default_rng(seed).normal(size=(m, 8)))


def test_exact_equals_maxsim_in_numpy(store, pages):
    q = query()
    found = store.query([StageRequest("full", q, 60)], Selection())
    expected = {key: maxsim(q, r.vectors["full"].astype(np.float16).astype(np.float32)) for key, r in pages.items()}
    assert len(found) == 60
    for point in found:
        assert point.score == pytest.approx(expected[point.id], rel=1e-3, abs=1e-3)
    assert [p.score for p in found] == sorted((p.score for p in found), reverse=True)


def test_the_length_of_a_query_row_is_its_weight(store, pages):
    q = query() * np.array([[2.0], [0.5], [0.0]], np.float32)
    best = store.query([StageRequest("full", q, 1)], Selection())[0]
    assert best.score == pytest.approx(max(maxsim(q, r.vectors["full"]) for r in pages.values()), rel=1e-3)


def test_a_cascade_without_losses_equals_exact(store, pages):
    q = query()
    exact = store.query([StageRequest("full", q, 10)], Selection())
    stages = [
        StageRequest("global", normalise(q.mean(axis=0)), 60),
        StageRequest("rows", q, 60),
        StageRequest("full", q, 10),
    ]
    assert store.query(stages, Selection()) == exact


def test_a_stage_sees_only_what_the_stage_before_let_through(store, pages):
    q = query()
    first = {p.id for p in store.query([StageRequest("rows", q, 5)], Selection())}
    both = store.query([StageRequest("rows", q, 5), StageRequest("full", q, 60)], Selection())
    assert {p.id for p in both} == first


def test_filters_hold_on_the_innermost_stage(store, pages):
    q = query()
    chosen = Selection((Condition("doc", ("b",)),))
    stages = [StageRequest("global", q[0], 30), StageRequest("rows", q, 30), StageRequest("full", q, 30)]
    found = store.query(stages, chosen)
    assert len(found) == 30
    assert {p.payload["doc"] for p in found} == {"b"}


def test_conditions_are_joined_by_and(store, pages):
    chosen = Selection((Condition("doc", ("a",)), Condition("page", (2, 3))))
    assert [record.payload["page"] for record in store.scroll(chosen)] == [2]


def test_upsert_replaces_what_has_the_same_id(store):
    store.upsert([page(1)])
    store.upsert([page(1, seed=7)])
    assert store.count(Selection()) == 1
    stored = store.fetch([page(1).id], ["full"])[page(1).id].vectors["full"]
    np.testing.assert_allclose(stored, page(1, seed=7).vectors["full"], atol=1e-3)


def test_fetch_returns_named_vectors_as_float32(store, pages):
    key, record = next(iter(pages.items()))
    found = store.fetch([key, str(uuid.uuid4())], ["full", "global"])
    assert set(found) == {key}
    assert found[key].vectors["full"].dtype == np.float32
    assert found[key].vectors["full"].shape == record.vectors["full"].shape
    assert found[key].vectors["global"].shape == (8,)
    assert store.fetch([key])[key].vectors == {}


def test_scroll_brings_vectors_along_in_order_of_id(store, pages):
    store.upsert([Record(str(uuid.uuid4()), {"doc": "a"})])
    records = list(store.scroll(Selection(), ["full", "global"]))
    assert [record.id for record in records] == sorted(record.id for record in records)
    assert len(records) == 61
    for record in records:
        written = pages.get(record.id, Record("")).vectors
        assert set(record.vectors) == set(written) - {"rows"}
        for name, stored in record.vectors.items():
            assert stored.dtype == np.float32
            np.testing.assert_allclose(stored, written[name], atol=1e-3)
    assert all(not record.vectors for record in store.scroll(Selection()))


def test_delete_takes_what_is_selected_and_refuses_everything(store, pages):
    store.delete(Selection((Condition("doc", ("a",)),)))
    assert store.count(Selection()) == 30
    with pytest.raises(StoreError, match="Refusing"):
        store.delete(Selection())


def test_records_without_vectors_are_never_found(store, pages):
    store.upsert([Record(str(uuid.uuid4()), {"doc": "a"})])
    assert len(store.query([StageRequest("full", query(), 100)], Selection())) == 60


def test_everything_is_there_after_reopening(tmp_path):
    store = EdgeStore.create(tmp_path / "shard", FIELDS, KEYS)
    store.upsert([page(n) for n in range(1, 9)])
    store.optimize()
    before = store.query([StageRequest("full", query(), 8)], Selection())
    store.close()
    store.close()
    again = EdgeStore.open(tmp_path / "shard", FIELDS)
    assert again.query([StageRequest("full", query(), 8)], Selection()) == before
    again.close()
    with pytest.raises(StoreError, match="closed"):
        again.count(Selection())


@pytest.mark.parametrize(
    ("vectors", "says"),
    [
        ({"full": np.full((2, 8), np.nan, np.float32)}, "not finite"),
        ({"full": np.zeros((2, 7), np.float32)}, "needs dimension 8"),
        ({"full": np.zeros((0, 8), np.float32)}, r"shape \[0, 8\]"),
        ({"full": np.zeros(8, np.float32)}, r"shape \[8\]"),
        ({"nope": np.zeros((1, 8), np.float32)}, "Unknown vector 'nope'"),
    ],
)
def test_bad_vectors_stop_before_the_engine(store, vectors, says):
    with pytest.raises(StoreError, match=says):
        store.upsert([Record(str(uuid.uuid4()), {}, vectors)])
    assert store.count(Selection()) == 0


def test_engine_errors_are_mapped(store, pages, tmp_path):
    with pytest.raises(StoreError, match="failed while searching"):
        store.query([StageRequest("nope", query(), 3)], Selection())
    with pytest.raises(StoreError, match="failed while opening"):
        EdgeStore.open(tmp_path / "nothing-here", FIELDS)
    with pytest.raises(StoreError, match="at least one stage"):
        store.query([], Selection())


def test_a_second_process_is_told_in_one_sentence(store, tmp_path):
    code = f"""
from pathlib import Path
from vrag.store.edge import EdgeStore
from vrag.errors import StoreError
try:
    EdgeStore.open(Path({str(tmp_path / "shard")!r}), [])
except StoreError as error:
    print(error.message)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "The index is open in another process."
