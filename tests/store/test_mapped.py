"""What an embedded store takes of this process's memory while it is written and read."""

import sys
import threading

import numpy as np
import pytest

from vrag.settings import folder_bytes
from vrag.store.edge import edge
from vrag.store.edge.edge import EdgeStore
from vrag.store.edge.mapped import release_files
from vrag.store.interface import Record, Selection, StageRequest, VectorField

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what is mapped")
DIM, ROWS, PAGES_AT_ONCE = 128, 512, 16
FIELDS = [VectorField("full", "multi", DIM)]
MB = 1 << 20
LIMIT = 8 * MB  # of vectors: 64 pages


def mapped_bytes(folder):
    """Resident bytes of this process's mappings of the folder's files."""
    total, ours = 0, False
    with open("/proc/self/smaps") as lines:
        for line in lines:
            if line.startswith("Rss:"):
                total += int(line.split()[1]) << 10 if ours else 0
            elif "-" in line.split(maxsplit=1)[0]:
                ours = str(folder) in line
    return total


def batch(number):
    rows = np.random.default_rng(number).standard_normal((PAGES_AT_ONCE, ROWS, DIM)).astype(np.float32)
    first = number * PAGES_AT_ONCE
    return [Record(f"00000000-0000-0000-0000-{first + i:012}", {"page": i}, {"full": r}) for i, r in enumerate(rows)]


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setattr(edge, "SEGMENT_BYTES", LIMIT)
    monkeypatch.setattr(edge, "_TOUCHED_BYTES", LIMIT)
    store = EdgeStore.create(tmp_path / "shard", FIELDS, {})
    yield store
    store.close()


def test_writing_takes_the_same_memory_however_much_is_written(store, tmp_path):
    peaks = []
    for number in range(24):
        store.upsert(batch(number))
        peaks.append(mapped_bytes(tmp_path))
    assert sum(peaks[i] < MB for i in range(24)) >= 5  # after each merge nothing is left
    assert max(peaks[12:]) < 1.2 * max(peaks[:12])
    store.optimize()
    assert mapped_bytes(tmp_path) < MB


def test_reading_everything_takes_bounded_memory_and_loses_nothing(store, tmp_path):
    written = {record.id: record for number in range(16) for record in batch(number)}
    for number in range(16):
        store.upsert(batch(number))
    peak, seen = 0, 0
    for record in store.scroll(Selection(), ["full"]):
        np.testing.assert_allclose(record.vectors["full"], written[record.id].vectors["full"], rtol=2e-3, atol=1e-3)
        peak, seen = max(peak, mapped_bytes(tmp_path)) if seen % 16 == 0 else peak, seen + 1
    assert seen == len(written)
    assert peak < 2.5 * LIMIT


def test_opening_reads_no_vectors(store, tmp_path):
    for number in range(16):
        store.upsert(batch(number))
    store.optimize()
    store.close()
    again = EdgeStore.open(tmp_path / "shard", FIELDS)
    assert mapped_bytes(tmp_path / "shard" / "segments") < 16 * LIMIT / 64  # the log is read
    again.close()


def test_compacting_gives_back_the_space_of_a_single_page_in_many(store, tmp_path):
    written = batch(0) + batch(1)
    store.upsert(written)
    store.optimize()
    store.delete(Selection(ids=frozenset(record.id for record in written[:3])))
    before = folder_bytes(tmp_path / "shard" / "segments")
    store.optimize()
    assert folder_bytes(tmp_path / "shard" / "segments") > before - MB / 10  # so few are left where they are
    store.compact()
    assert folder_bytes(tmp_path / "shard" / "segments") < before - 3 * ROWS * DIM * 2 * 0.9
    assert store.fetch([record.id for record in written]).keys() == {record.id for record in written[3:]}
    store.upsert(batch(2))


def test_threads_find_the_same_while_pages_are_written_merged_and_released(store):
    target = batch(0)
    store.upsert(target)
    query, stop, wrong = target[3].vectors["full"][:8], threading.Event(), []

    def search():
        while not stop.is_set():
            best = store.query([StageRequest("full", query, 1)], Selection())[0]
            if best.id != target[3].id or abs(best.score - (query**2).sum()) > 2:
                wrong.append(best)

    readers = [threading.Thread(target=search) for _ in range(2)]
    for reader in readers:
        reader.start()
    for number in range(1, 13):
        store.upsert(batch(number))
        release_under_way(store)
    stop.set()
    for reader in readers:
        reader.join()
    assert wrong == []


def release_under_way(store):
    store._touched = LIMIT
    store.trim()


def test_a_private_mapping_keeps_what_no_file_has(tmp_path):
    import mmap

    file = tmp_path / "f"
    file.write_bytes(b"a" * mmap.PAGESIZE)
    with file.open("r+b") as opened:
        private = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_COPY)
        shared = mmap.mmap(opened.fileno(), 0)
        private[0], shared[1] = ord("b"), ord("c")
        assert mapped_bytes(tmp_path) > 0
        release_files(tmp_path)
        assert (private[0], shared[1]) == (ord("b"), ord("c"))
        private.close()
        shared.close()
