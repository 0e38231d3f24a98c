"""The cache holds what the store holds, whatever happened in between."""

import threading

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.bits import naive
from vrag.bits import exact as exact_module
from vrag.bits.beside import BitsStore, view_of
from vrag.bits.cache import cache as cache_module
from vrag.bits.cache.array_files import CacheFiles
from vrag.bits.cache.cache import BitCache
from vrag.bits.cache.contents import CacheLayout
from vrag.bits.exact import tiled
from vrag.bits.kernels.compiled import TILE
from vrag.bits.terms import paired
from vrag.catalog.documents import page_id
from vrag.store.edge.edge import EdgeStore
from vrag.store.interface import Condition, Record, Selection, SparseVector, VectorField

FIELDS = [
    VectorField("full", "multi", 8),
    VectorField("rows", "multi", 8),
    VectorField("one", "single", 8),
    VectorField("text", "sparse"),
]
DIMS = {"full": 8, "rows": 8}
KEYS = {"kind": "keyword", "doc_id": "keyword"}
QUERY = naive.unit(np.random.default_rng(5).normal(size=(3, 8)))


def page(number, doc="a", version=0):
    rng = np.random.default_rng([number, version])
    full = naive.unit(rng.normal(size=(rng.integers(1, 12), 8)))
    vectors = {"full": full, "rows": full[:2], "one": full[0]}
    terms = rng.choice(20, rng.integers(0, 6), replace=False).astype(np.uint32)  # in no order
    text = SparseVector(terms, rng.uniform(1, 2, len(terms)).astype(np.float32))
    payload = {"kind": "page", "doc_id": doc, "page": number}
    return Record(page_id(doc, number, "m"), payload, vectors, {"text": text})


def document(doc):
    return Record(page_id(doc, 0, "document"), {"kind": "document", "doc_id": doc})


def context(doc):
    """What a document says of itself: it has vectors, and is no page."""
    return Record(page_id(doc, 0, "context"), {"kind": "context", "doc_id": doc}, {"full": page(1).vectors["full"]})


def layout(exact=("full",), **facts):
    return CacheLayout(DIMS, facts or {"model": "m"}, np.zeros(8, np.float32), {"full": 2}, exact, ("text",))


def new_cache(folder, **more):
    return BitCache(folder / "bits", layout(**more))


def without_rows(folder):
    return new_cache(folder, exact=())


@pytest.fixture
def store(tmp_path):
    store = BitsStore.create(tmp_path / "shard", FIELDS, KEYS)
    store.bits = new_cache(tmp_path)
    yield store
    store.close()


def reopened(store, folder, **facts):
    """As after a crash or an orderly end: a new cache over the same files."""
    store.bits = new_cache(folder, **facts)
    return store


def agree(store):
    """Every page of the store is in the bits, with the bits of the vectors that the store has now."""
    view = view_of(store)
    table = view.table
    pages = Selection((Condition("kind", ("page",)),))
    records = {r.id: r for r in store.scroll(pages, ["full", "rows", "text"])}
    assert set(table.position) == set(records)
    assert table.alive.sum() == len(view) == len(records)
    columns = [
        *(
            (packed.bits, packed.rows * packed.signs.words, lambda r, n=name, s=packed.signs: s.block(r.vectors[n]))
            for name, packed in view.packed.items()
        ),
        *((e.values, e.tiles * 8 * TILE, lambda r, n=name: tiled(r.vectors[n])) for name, e in view.exact.items()),
        (view.terms["text"].pairs, view.terms["text"].starts, lambda r: paired(r.sparse.get("text"))),
    ]
    for key, record in records.items():
        at = table.position[key]
        assert table.ids[at] == key
        for data, starts, block in columns:
            np.testing.assert_array_equal(data[starts[at] : starts[at + 1]].ravel(), block(record).ravel())
    assert store.bits.damage() == []
    return view


def test_pages_are_appended_as_they_are_written(store, tmp_path, monkeypatch):
    store.upsert([document("a"), page(1), page(2)])
    store.upsert([page(3)])
    monkeypatch.setattr(EdgeStore, "fetch", lambda *a: pytest.fail("read from the store"))
    store.bits.update(store)
    monkeypatch.undo()
    agree(store)
    assert new_cache(tmp_path).is_fresh(store)
    scores = store.bits.committed().packed["full"].maxsim(QUERY)
    assert scores.shape == (3,)


def test_closing_commits_what_was_written(tmp_path):
    with_bits = BitsStore.create(tmp_path / "shard", FIELDS, KEYS)
    with_bits.bits = new_cache(tmp_path)
    with_bits.upsert([page(n) for n in range(1, 4)])
    with_bits.upsert([document("a"), context("a")])
    with_bits.close()
    with_bits.close()
    again = BitsStore.open(tmp_path / "shard", FIELDS)
    assert reopened(again, tmp_path).bits.is_fresh(again)
    agree(again)
    again.close()


def test_a_missing_cache_is_built_from_the_store(store, tmp_path):
    store.bits = None
    store.upsert([page(n, doc="ab"[n % 2]) for n in range(1, 200)])
    agree(reopened(store, tmp_path))


def test_a_crash_before_the_commit_costs_the_pages_of_that_run(store, tmp_path, monkeypatch):
    store.upsert([page(n) for n in range(1, 4)])
    store.bits.update(store)
    store.upsert([page(n) for n in range(4, 9)])  # and then the process is gone
    fetched = []
    fetch = EdgeStore.fetch
    monkeypatch.setattr(EdgeStore, "fetch", lambda s, ids, v=(): fetched.extend(ids) or fetch(s, ids, v))
    agree(reopened(store, tmp_path))
    assert len(fetched) == 5


def test_a_crash_between_the_mark_and_the_store_changes_nothing(store, tmp_path):
    store.upsert([page(1)])
    store.bits.update(store)
    crashed = store.bits.changing([page(2)])
    crashed.__enter__()
    agree(reopened(store, tmp_path))


def test_deleted_pages_are_let_go(store, tmp_path):
    store.upsert([page(n, doc="ab"[n % 2]) for n in range(1, 20)])
    store.bits.update(store)
    store.delete(Selection((Condition("doc_id", ("a",)),)))
    agree(store)
    agree(reopened(store, tmp_path))


def test_many_dead_pages_are_left_behind(store, tmp_path, monkeypatch):
    monkeypatch.setattr(cache_module, "_MANY_DEAD", 4)
    store.upsert([page(n, doc="ab"[n > 5]) for n in range(1, 20)])
    store.bits.update(store)
    before = (tmp_path / "bits" / "full.1.bits").stat().st_size
    store.delete(Selection((Condition("doc_id", ("b",)),)))
    bits = agree(store)
    assert len(bits.table.ids) == 5
    files = sorted(file.name for file in (tmp_path / "bits").glob("*.bits"))
    assert len(files) == 2
    assert len(list((tmp_path / "bits").glob("*.rows"))) == 1
    assert len(bits.exact["full"]) == 5
    assert (tmp_path / "bits" / files[0]).stat().st_size < before
    agree(reopened(store, tmp_path))


def test_a_page_written_again_with_other_vectors_is_read_again(store, tmp_path):
    store.upsert([page(n) for n in range(1, 5)])
    store.bits.update(store)
    store.upsert([page(2, version=1)])
    agree(store)
    store.upsert([page(3, version=1)])
    agree(reopened(store, tmp_path))  # also when the process went away before the next search


def test_documents_do_not_touch_the_bits(store):
    store.upsert([page(1)])
    store.bits.update(store)
    store.upsert([document("a"), context("a")])
    assert store.bits.is_fresh(store)


def test_a_change_that_went_past_the_bits_is_seen_by_the_count(store, tmp_path):
    store.upsert([page(1), page(2)])
    store.bits.update(store)
    EdgeStore.upsert(store, [page(3)])
    agree(reopened(store, tmp_path))


@pytest.mark.parametrize(
    "damage",
    ["truncated index", "garbage index", "short data", "no data", "no rows", "half a mark", "no text as a mark"],
)
def test_damaged_files_are_made_again(store, tmp_path, damage):
    store.upsert([page(n) for n in range(1, 5)])
    store.bits.update(store)
    index, data = tmp_path / "bits" / "index.npz", next((tmp_path / "bits").glob("full*.bits"))
    if damage == "truncated index":
        index.write_bytes(index.read_bytes()[:-100])
    elif damage == "garbage index":
        content = bytearray(index.read_bytes())
        content[len(content) // 2 :: 7] = b"x" * len(content[len(content) // 2 :: 7])
        index.write_bytes(content)
    elif damage == "short data":
        data.write_bytes(data.read_bytes()[:-4])
    elif damage == "no data":
        data.unlink()
    elif damage == "no rows":
        next((tmp_path / "bits").glob("full*.rows")).unlink()
    else:
        (tmp_path / "bits" / "changing").write_bytes(b"appe" if damage == "half a mark" else b"\xe1ppended")
    agree(reopened(store, tmp_path))


def test_bytes_left_behind_by_a_crash_are_cut_off(store, tmp_path):
    store.upsert([page(n) for n in range(1, 5)])
    store.bits.update(store)
    with next((tmp_path / "bits").glob("full*.bits")).open("ab") as file:
        file.write(b"half a block")
    reopened(store, tmp_path)
    store.upsert([page(9)])
    agree(store)
    agree(reopened(store, tmp_path))


def test_another_model_or_pipeline_starts_anew(store, tmp_path):
    store.upsert([page(1), page(2)])
    store.bits.update(store)
    assert not reopened(store, tmp_path, model="other").bits.is_fresh(store)
    agree(store)


def test_pages_without_a_vector_have_no_rows(store):
    record = page(1)
    store.upsert([Record(record.id, record.payload, {"full": record.vectors["full"]}), page(2)])
    bits = view_of(store)
    scores = bits.packed["rows"].maxsim(QUERY)
    assert scores[bits.table.position[record.id]] == -np.inf
    assert np.isfinite(scores).sum() == 1


def test_a_reader_keeps_its_mapping_while_files_are_replaced(store, monkeypatch):
    monkeypatch.setattr(cache_module, "_MANY_DEAD", 1)
    store.upsert([page(n, doc="ab"[n > 5]) for n in range(1, 20)])
    store.bits.update(store)
    before = store.bits.committed().packed["full"]
    scores = before.maxsim(QUERY)
    store.delete(Selection((Condition("doc_id", ("b",)),)))
    store.bits.update(store)
    np.testing.assert_array_equal(before.maxsim(QUERY), scores)


def test_threads_share_one_update(store):
    store.upsert([page(n) for n in range(1, 150)])
    seen = []
    threads = [threading.Thread(target=lambda: seen.append(len(view_of(store).table.ids))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [149] * 8


def test_rows_are_given_up_when_they_are_many(store, tmp_path, monkeypatch):
    monkeypatch.setattr(exact_module, "MOST_BYTES", 5 * TILE * 8 * 2)
    store.upsert([page(n) for n in range(1, 6)])
    assert len(agree(store).exact.get("full")) == 5
    store.upsert([page(6)])
    assert agree(store).exact.get("full") is None
    assert not list((tmp_path / "bits").glob("*.rows"))
    store.delete(Selection(ids=frozenset({page(6).id})))
    store.upsert([page(7)])  # room there would be, but not the rows of the others
    assert agree(reopened(store, tmp_path)).exact.get("full") is None


@pytest.mark.parametrize("fails", [".bits", ".rows"])
def test_a_disk_that_fills_between_two_files_leaves_none_ahead(store, tmp_path, monkeypatch, fails):
    store.upsert([page(n) for n in range(1, 4)])
    store.bits.update(store)
    append = CacheFiles.append

    def full(files, name, *more):
        if name.endswith(fails):
            raise OSError(28, "No space left on device")
        return append(files, name, *more)

    store.upsert([page(4), page(5)])
    with monkeypatch.context() as patch:
        patch.setattr(CacheFiles, "append", full)
        with pytest.raises(OSError, match="No space"):
            store.bits.update(store)
    agree(store)
    agree(reopened(store, tmp_path))


def test_rows_come_and_go_with_who_needs_them(store, tmp_path, monkeypatch):
    store.bits = without_rows(tmp_path)
    store.upsert([page(n) for n in range(1, 6)])
    assert agree(store).exact.get("full") is None
    assert len(agree(reopened(store, tmp_path)).exact.get("full")) == 5
    assert "rows" not in view_of(store).exact
    store.bits = without_rows(tmp_path)
    assert store.bits.is_fresh(store)
    store.upsert([page(6)])
    assert agree(store).exact.get("full") is None
    assert not list((tmp_path / "bits").glob("*.rows"))
    monkeypatch.setattr(exact_module, "MOST_BYTES", 5 * TILE * 8 * 2)
    monkeypatch.setattr(EdgeStore, "fetch", lambda *a: pytest.fail("too many to be kept, yet read again"))
    assert reopened(store, tmp_path).bits.is_fresh(store)


def test_pages_that_come_after_the_update_are_not_looked_for(store):
    store.upsert([page(n) for n in range(1, 4)])
    store.bits.update(store)
    store.upsert([page(4)])  # by another thread, before this one goes on
    view = store.bits.committed()
    table = view.table
    assert len(table.ids) == len(table.alive) == len(table.position) == len(view.packed["full"]) == 3
    assert len(agree(store).table.ids) == 4


def test_a_store_without_bits_has_none(tmp_path):
    plain = EdgeStore.create(tmp_path / "plain", FIELDS, KEYS)
    assert view_of(plain) is None
    plain.close()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=15)
@given(
    st.lists(st.tuples(st.sampled_from("wdcru"), st.integers(1, 6), st.sampled_from("ab")), max_size=10),
    st.sampled_from([0, 4, 100]),
)
def test_any_history_ends_in_agreement(tmp_path_factory, monkeypatch, history, most_pages):
    monkeypatch.setattr(exact_module, "MOST_BYTES", most_pages * TILE * 8 * 2)
    folder = tmp_path_factory.mktemp("history")
    store = BitsStore.create(folder / "shard", FIELDS, KEYS)
    store.bits = new_cache(folder)
    for version, (what, number, doc) in enumerate(history):
        if what == "w":
            store.upsert([page(number, doc)])
        elif what == "r":
            store.upsert([page(number, doc, version)])
        elif what == "d":
            store.delete(Selection((Condition("doc_id", (doc,)),)))
        elif what == "u":
            store.bits.update(store)
        else:
            reopened(store, folder)
    agree(store)
    agree(reopened(store, folder))
    store.close()


def test_reading_a_folder_that_is_not_there(tmp_path):
    files = CacheFiles(tmp_path / "none")
    assert files.read() is None
    assert files.marked() is None


def test_compacting_leaves_no_file_of_another_layout(store, tmp_path):
    store.upsert([page(n) for n in range(1, 9)])
    view_of(store)
    kept = {file.suffix for file in (tmp_path / "bits").iterdir()}
    assert {".bits", ".terms"} <= kept
    store.delete(Selection(ids=frozenset([page(1).id])))
    reopened(store, tmp_path, model="another")
    store.compact()
    assert [file.name for file in (tmp_path / "bits").iterdir() if file.suffix in (".bits", ".rows", ".terms")] == []
    assert set(view_of(store).table.position) == {page(n).id for n in range(2, 9)}
