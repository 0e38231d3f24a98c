"""What only the embedded engine promises; the rest is in `test_conformance.py`."""

import json
import subprocess
import sys
import uuid

import pytest

from tests.store.records import FIELDS, KEYS, page, query
from vrag.errors import StoreError, is_panic
from vrag.store.edge.edge import EdgeStore
from vrag.store.interface import Record, Selection, StageRequest


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
from vrag.store.edge.edge import EdgeStore
from vrag.errors import StoreError, is_panic
try:
    EdgeStore.open(Path({str(tmp_path / "shard")!r}), [])
except StoreError as error:
    print(error.message)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "The index is open in another process."


def flags(folder):
    """A file of the engine without which it gives up in the middle instead of raising an error."""
    return next((folder / "segments").rglob("has_values/status.dat"))


def test_a_panic_of_the_engine_is_a_sentence(store, pages, tmp_path):
    store.close()
    flags(tmp_path / "shard").write_bytes(b"")
    with pytest.raises(StoreError, match=r"^Qdrant Edge failed while opening the index: [^\n]+\.$") as caught:
        EdgeStore.open(tmp_path / "shard", FIELDS)
    assert is_panic(caught.value.__cause__)
    assert "restore a snapshot" in caught.value.hint


def test_a_panic_that_no_border_has_met_ends_a_command_in_a_sentence(store, pages, tmp_path, monkeypatch, capsys):
    import qdrant_edge

    from vrag.cli import app

    store.close()
    flags(tmp_path / "shard").write_bytes(b"")
    monkeypatch.setattr(app, "_built", lambda: lambda **_: qdrant_edge.EdgeShard.load(str(tmp_path / "shard")))
    assert app.run(["search", "x", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["error"].startswith("A native library gave up: ")


def test_a_vector_that_was_damaged_on_the_disk_is_a_sentence(store, pages, tmp_path):
    store.close()
    for file in (tmp_path / "shard" / "segments").glob("*/vector_storage-rows/offsets/chunk_0.mmap"):
        file.write_bytes(bytes(file.stat().st_size))
    store = EdgeStore.open(tmp_path / "shard", FIELDS)
    assert len(list(store.scroll(Selection(), ["rows"]))) == 60  # to be looked at by whoever verifies
    with pytest.raises(StoreError, match=r"Vector 'rows' of record .* has shape \[0\], not dimension 8: files of"):
        store.fetch([page(1, "b").id], ["rows"])
    store.close()


@pytest.mark.parametrize("keys", [None, ["doc"]])
def test_a_payload_that_was_lost_on_the_disk_is_a_sentence(store, pages, tmp_path, keys):
    store.compact()
    store.close()
    for file in (tmp_path / "shard" / "segments").glob("*/payload_storage/tracker.dat"):
        file.write_bytes(bytes(file.stat().st_size))
    store = EdgeStore.open(tmp_path / "shard", FIELDS)
    with pytest.raises(StoreError, match="has lost what was stored with its vectors: files of the index are damaged"):
        store.query([StageRequest("rows", query(), 9)], Selection(), keys)
    with pytest.raises(StoreError, match="has lost what was stored with its vectors"):
        store.fetch([page(1, "b").id])
    assert len(store.query([StageRequest("rows", query(), 9)], Selection(), [])) == 9
    assert not any(record.payload for record in store.scroll(Selection()))  # to be looked at by whoever verifies
    store.close()


def files_with(folder, word):
    return [file for file in folder.rglob("*") if file.is_file() and word in file.read_bytes()]


@pytest.mark.parametrize("merged", [False, True])
def test_compacting_leaves_no_word_of_what_was_deleted(store, tmp_path, merged):
    """Whether it was merged before, so that it is in a segment of its own, or is still where it was written first."""
    texts = {number: f"secret{uuid.uuid4().hex}" for number in (1, 2)}
    for number, text in texts.items():
        one = page(number)
        store.upsert([Record(one.id, {**one.payload, "body": f"it says {text}"}, one.vectors, one.sparse)])
    if merged:
        store.optimize()
    assert files_with(tmp_path, texts[1].encode())
    store.delete(Selection(ids=frozenset([page(1).id])))
    replaced = f"secret{uuid.uuid4().hex}"
    for note in (replaced, "nothing"):
        store.set_payload(Selection(ids=frozenset([page(2).id])), {"note": note})
    store.compact()
    assert files_with(tmp_path, texts[1].encode()) == files_with(tmp_path, replaced.encode()) == []
    assert files_with(tmp_path, texts[2].encode()) != []
    assert sum(file.stat().st_blocks for file in (tmp_path / "shard" / "wal").iterdir()) * 512 < 2 << 20
    store.upsert([page(3)])
    store.close()
    assert "wal_options" not in json.loads((tmp_path / "shard" / "edge_config.json").read_text())
    again = EdgeStore.open(tmp_path / "shard", FIELDS)
    assert {record.id for record in again.scroll(Selection())} == {page(2).id, page(3).id}
    again.close()


def test_compacting_tells_what_it_failed_for_and_so_does_whoever_comes_next(store, pages, monkeypatch):
    class Loading:
        @staticmethod
        def load(*_):
            raise RuntimeError("the weather")

    monkeypatch.setattr("vrag.store.edge.edge.qe.EdgeShard", Loading)
    with pytest.raises(StoreError, match="failed while opening the index: the weather"):
        store.compact()
    with pytest.raises(StoreError, match=r"could not be opened again \(the weather\)"):
        store.count(Selection())
    store.close()


def test_compacting_that_fails_leaves_the_index_open(store, pages, monkeypatch):
    def full(*_):
        raise StoreError("No room for the log.")

    monkeypatch.setattr("vrag.store.edge.edge.renew_log", full)
    with pytest.raises(StoreError, match="No room for the log"):
        store.compact()
    assert store.count(Selection()) == len(pages)


@pytest.mark.parametrize("merges", [False, True])
def test_what_a_killed_engine_has_left_is_cleared_away(store, pages, tmp_path, merges):
    """It leaves drafts of small files, and a segment half merged; it never looks at either again."""
    shard = tmp_path / "shard"
    left = [
        shard / ".atomicwriteZzYyXx",
        shard / "wal" / ".atomicwriteAaBbCc",
        shard / "temp_segments" / "segment_builder_x",
    ]
    for folder in left:
        folder.mkdir(parents=True)
        (folder / "tmpfile.tmp").write_text("a secret")
    if merges:
        store.compact()  # does not wait for them to go either
    store.close()
    EdgeStore.open(shard, FIELDS).close()
    assert files_with(shard, b"a secret") == []
    again = EdgeStore.open(shard, FIELDS)
    again.upsert([page(n) for n in range(70, 90)])
    again.optimize()
    assert again.count(Selection()) == len(pages) + 20
    again.close()
