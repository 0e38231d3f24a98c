"""What an embedded store promises is on the disk at every moment, and what is lost is said."""

import errno
import shutil
import subprocess
import threading
import uuid

import pytest

from tests.store.records import FIELDS, KEYS, page
from vrag.errors import StoreError
from vrag.store.edge import manifest
from vrag.store.edge.edge import EdgeStore
from vrag.store.edge.manifest import MANIFEST, Held, ManifestStore, loss, read_manifest, require_whole
from vrag.store.interface import Condition, Record, Selection


def of_page(number, doc="a", kind="page"):
    record = page(number, doc)
    return Record(record.id, {**record.payload, "kind": kind}, record.vectors, record.sparse)


def document(doc, **payload):
    return Record(str(uuid.uuid5(uuid.NAMESPACE_DNS, doc)), {"kind": "document", "doc": doc, **payload})


def held(store):
    counted = Selection((Condition("kind", ("document", "page", "arriving")),))
    return Held.of(store.scroll(counted, keys=("kind",)))


@pytest.fixture
def store(tmp_path):
    store = ManifestStore.create(tmp_path / "shard", FIELDS, {**KEYS, "kind": "keyword"})
    yield store
    store.close()


class Kills:
    """A copy of the folder is what a process leaves that is killed at this moment."""

    def __init__(self, root):
        self.root, self.seen = root, []

    def __call__(self):
        copy = self.root / f"killed-{len(self.seen)}"
        subprocess.run(["cp", "-r", "--sparse=always", str(self.root / "shard"), str(copy)], check=True)
        self.seen.append(copy)

    def around(self, monkeypatch, place, name):
        whole = getattr(place, name)

        def killed(*arguments):
            self()
            answer = whole(*arguments)
            self()
            return answer

        monkeypatch.setattr(place, name, killed)


def test_a_process_that_is_killed_at_any_moment_leaves_a_store_that_is_whole(store, tmp_path, monkeypatch):
    kills = Kills(tmp_path)
    store.upsert([document("a", state="begun"), of_page(1), of_page(2)])
    for place, name in ((EdgeStore, "upsert"), (EdgeStore, "delete"), (manifest, "write_manifest")):
        kills.around(monkeypatch, place, name)
    store.upsert(
        [document("a", state="whole"), of_page(2), of_page(3, kind="arriving"), document("b"), of_page(9, "b")]
    )
    store.delete(Selection((Condition("doc", ("b",)),)))
    store.upsert([of_page(4)])
    store.optimize()
    store.delete(Selection(ids=frozenset([of_page(1).id])))
    store.close()
    kills()
    monkeypatch.undo()
    assert len(kills.seen) == 15
    for copy in kills.seen:
        killed = ManifestStore.open(copy, FIELDS)
        assert loss(killed) == "", copy
        assert killed.counted() != killed.promised or held(killed) == killed.promised
        killed.upsert([of_page(50)])  # whoever comes next counts what is there, and promises that
        there = held(killed)
        killed.close()
        assert read_manifest(copy) == there


def test_a_store_of_before_gets_its_manifest_with_the_first_change(tmp_path):
    old = EdgeStore.create(tmp_path / "shard", FIELDS, {**KEYS, "kind": "keyword"})
    old.upsert([document("a"), of_page(1)])
    old.close()
    reading = ManifestStore.open(tmp_path / "shard", FIELDS)
    assert (reading.promised, loss(reading)) == (None, "")
    reading.close()
    assert not (tmp_path / "shard" / MANIFEST).exists()
    writing = ManifestStore.open(tmp_path / "shard", FIELDS)
    writing.upsert([of_page(2)])
    writing.close()
    assert (read_manifest(tmp_path / "shard").documents, read_manifest(tmp_path / "shard").pages) == (1, 2)


def lose_most(folder):
    """Take away what tells which records a segment has."""
    for file in (folder / "segments").rglob("*id_tracker*"):
        file.unlink()
    shutil.rmtree(folder / "wal")
    (folder / "wal").mkdir()


def test_what_is_lost_is_said_until_it_has_come_back_or_somebody_accepts_the_loss(store, tmp_path):
    everything = [document("a"), *(of_page(number) for number in range(1, 9))]
    store.upsert(everything)
    store.close()
    lose_most(tmp_path / "shard")
    for kept in ([], [of_page(77)]):  # another page does not take the place of what is lost
        store = ManifestStore.open(tmp_path / "shard", FIELDS)
        with pytest.raises(StoreError, match="0 of the 1 documents and . of the . pages that were stored are there"):
            require_whole(store, "here")
        store.upsert(kept)
        store.close()
    store = ManifestStore.open(tmp_path / "shard", FIELDS)
    assert store.promised.pages == 9
    store.delete(Selection(ids=frozenset([of_page(77).id])))
    store.upsert(everything)
    store.close()
    store = ManifestStore.open(tmp_path / "shard", FIELDS)
    assert (loss(store), store.promised) == ("", Held.of(everything))
    store.close()
    lose_most(tmp_path / "shard")
    store = ManifestStore.open(tmp_path / "shard", FIELDS)
    assert loss(store)
    store.accept_loss()
    assert loss(store) == ""
    store.close()


@pytest.mark.parametrize("reopened", [True, False])
def test_what_was_lost_may_come_back_in_parts(store, tmp_path, reopened):
    everything = [document("a"), *(of_page(number) for number in range(1, 9))]
    store.upsert(everything)
    store.close()
    lose_most(tmp_path / "shard")
    store = ManifestStore.open(tmp_path / "shard", FIELDS)
    for part in (everything[:4], everything[4:7], everything[7:]):
        assert loss(store)
        store.upsert(part)
        store.optimize()
        if reopened:
            store.close()
            store = ManifestStore.open(tmp_path / "shard", FIELDS)
    assert (loss(store), store.promised) == ("", Held.of(everything))
    store.delete(Selection(ids=frozenset([everything[1].id])))
    store.close()
    assert read_manifest(tmp_path / "shard") == Held.of([everything[0], *everything[2:]])


def test_a_deletion_that_could_not_be_promised_counts_once(store, tmp_path, monkeypatch):
    store.upsert([of_page(number) for number in range(1, 5)])
    store.optimize()
    one = Selection(ids=frozenset([of_page(1).id]))
    with monkeypatch.context() as patched:
        patched.setattr("vrag.store.edge.manifest.write_manifest", full_disk)
        with pytest.raises(StoreError, match="disk is full"):
            store.delete(one)
    store.delete(one)
    store.close()
    assert read_manifest(tmp_path / "shard") == Held.of(of_page(number) for number in range(2, 5))


def test_nobody_writes_between_the_flush_and_the_promise(store, monkeypatch):
    may_write = []

    def seen(folder, held, whole):
        def other_thread():
            may_write.append(store._one_writer.acquire(blocking=False))
            if may_write[-1]:
                store._one_writer.release()

        other = threading.Thread(target=other_thread)
        other.start()
        other.join()

    monkeypatch.setattr("vrag.store.edge.manifest.write_manifest", seen)
    store.upsert([of_page(1)])
    store.optimize()
    assert may_write == [False]


def full_disk(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


DAMAGE = [lambda text: b"", lambda text: text[:-9], lambda text: text.replace(b'": 2', b'": 3')]


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_manifest_promises_nothing_and_is_made_again(store, tmp_path, damage):
    store.upsert([of_page(1), of_page(2)])
    store.close()
    file = tmp_path / "shard" / MANIFEST
    assert damage(file.read_bytes()) != file.read_bytes()
    file.write_bytes(damage(file.read_bytes()))
    store = ManifestStore.open(tmp_path / "shard", FIELDS)
    assert loss(store) == ""
    store.upsert([of_page(3)])
    store.close()
    assert read_manifest(tmp_path / "shard").pages == 3
