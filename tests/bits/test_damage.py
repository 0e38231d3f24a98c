"""What is damaged is noticed and made again; what cannot be written is done without."""

import errno
import json
import random

import numpy as np
import pytest

from tests.bits.test_cache import FIELDS, KEYS, agree, new_cache, page, reopened
from vrag.bits.beside import BitsStore, view_of
from vrag.bits.cache import cache as cache_module
from vrag.bits.cache.array_files import CacheFiles
from vrag.errors import StoreError
from vrag.store.edge.edge import EdgeStore
from vrag.store.interface import Selection

DATA = ("full.1.bits", "rows.1.bits", "full.1.rows", "text.1.terms")


@pytest.fixture
def store(tmp_path):
    store = BitsStore.create(tmp_path / "shard", FIELDS, KEYS)
    store.bits = new_cache(tmp_path)
    store.upsert([page(n) for n in range(1, 30)])
    store.bits.update(store)
    yield store
    store.close()


def flip(file, byte):
    content = bytearray(file.read_bytes())
    content[byte] ^= 0x10
    file.write_bytes(content)


@pytest.mark.parametrize("name", DATA)
def test_damage_of_the_same_size_is_named_and_made_good(store, tmp_path, name):
    file = tmp_path / "bits" / name
    flip(file, file.stat().st_size // 2)
    assert store.bits.damage() == [f"{name}: 1 of 29 pages are damaged"]
    assert reopened(store, tmp_path).bits.damage() == [f"{name}: 1 of 29 pages are damaged"]
    store.bits.discard()
    agree(store)
    agree(reopened(store, tmp_path))


@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("place", ["first", "last", "short", "gone", "another's"])
def test_what_opening_sees_is_made_again_with_one_line(store, tmp_path, caplog, name, place):
    file = tmp_path / "bits" / name
    if place in ("first", "last"):
        flip(file, 0 if place == "first" else -1)
    elif place == "short":
        file.write_bytes(file.read_bytes()[:-4])
    elif place == "gone":
        file.unlink()
    else:
        file.write_bytes(bytes(file.stat().st_size))
    reopened(store, tmp_path)
    assert [record.message.partition(" (")[0] for record in caplog.records] == ["The bits beside the index are damaged"]
    assert name in store.bits.damage()[0]
    agree(store)
    assert len(caplog.records) == 1
    caplog.clear()
    agree(reopened(store, tmp_path))
    assert not caplog.records


def test_damage_is_not_blessed_when_the_living_are_kept(store, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(cache_module, "_MANY_DEAD", 1)
    flip(tmp_path / "bits" / "full.1.bits", 2000)
    store.delete(Selection(ids=frozenset(page(n).id for n in range(1, 3))))
    store.delete(Selection(ids=frozenset(page(n).id for n in range(10, 30))))
    agree(store)
    assert "damaged" in caplog.text


def test_files_that_go_away_while_the_index_is_open_are_made_again(store, tmp_path, caplog):
    for file in (tmp_path / "bits").iterdir():
        file.unlink()
    store.upsert([page(40)])
    agree(store)
    assert len(caplog.records) == 1
    agree(reopened(store, tmp_path))


def test_another_format_is_made_again_without_a_word(store, tmp_path, caplog):
    file = tmp_path / "bits" / "index.npz"
    with np.load(file) as stored:
        arrays = dict(stored)
    header = {**json.loads(arrays.pop("header").tobytes()), "format": 2}
    np.savez(file, header=np.frombuffer(json.dumps(header).encode(), np.uint8), **arrays)
    agree(reopened(store, tmp_path))
    assert not caplog.records


@pytest.mark.parametrize("generation", [1e308, -5])
def test_a_generation_that_names_no_file_is_made_again(store, tmp_path, generation):
    file = tmp_path / "bits" / "index.npz"
    with np.load(file) as stored:
        arrays = dict(stored)
    header = {**json.loads(arrays.pop("header").tobytes()), "generation": generation}
    np.savez(file, header=np.frombuffer(json.dumps(header).encode(), np.uint8), **arrays)
    agree(reopened(store, tmp_path))


def mutants(content):
    """The index file as it may be after damage of every kind, always the same ones."""
    rng = random.Random(17)
    for _ in range(150):
        changed = bytearray(content)
        for _ in range(rng.choice((1, 1, 2, 8))):
            changed[rng.randrange(len(changed))] = rng.randrange(256)
        yield bytes(changed)
    central = content.rindex(b"PK\x01\x02")
    for at in range(central - 40, len(content), 3):  # where a zip says what is where, and how it is packed
        for value in (1, 0xFF):
            yield content[:at] + bytes([value]) + content[at + 1 :]
    for length in range(0, len(content), 397):
        yield content[:length]


def test_no_damage_of_the_index_file_is_more_than_a_cache_to_make_again(store, tmp_path, monkeypatch):
    monkeypatch.setattr(cache_module._LOG, "warning", lambda *a: None)
    file = tmp_path / "bits" / "index.npz"
    whole = file.read_bytes()
    ids, kinds = set(store.bits.committed().table.position), set()
    for content in mutants(whole):
        file.write_bytes(content)
        position = new_cache(tmp_path).committed().table.position
        assert not position or set(position) == ids
        kinds.add(bool(position))
    assert kinds == {True, False}


@pytest.mark.parametrize(
    "change",
    [
        {"ids": np.arange(29)},
        {"ids": np.array([b"\xff"] * 29)},
        {"place": np.array([100])},
        {"place": np.array([-1])},
        {"place": np.zeros((2, 2), np.int64)},
        {"full.bits.ends": np.zeros(30, np.int64) - 4},
        {"full.bits.ends": np.arange(30)[::-1] * 4},
        {"full.bits.sums": np.zeros(3, np.uint32)},
        {"header": np.frombuffer(b"[" * 100_000, np.uint8)},
        {"header": np.frombuffer(b'{"format": 3}', np.uint8)},
        {"header": np.frombuffer(b'{"format": 3, "files": {"../x": 1}, "generation": "one"}', np.uint8)},
    ],
    ids=lambda change: f"{next(iter(change))}",
)
def test_numbers_that_cannot_be_are_made_again(store, tmp_path, change):
    file = tmp_path / "bits" / "index.npz"
    with np.load(file) as stored:
        arrays = {**stored, **change}
    np.savez(file, **arrays)
    agree(reopened(store, tmp_path))


def refuse(monkeypatch, *methods, error=errno.ENOSPC):
    """A disk that takes nothing more: these methods of the cache's files fail."""

    def full(*_):
        raise OSError(error, "No space left on device")

    for method in methods:
        monkeypatch.setattr(CacheFiles, method, full)


@pytest.mark.parametrize("methods", [("append",), ("commit",), ("append", "commit", "mark")])
def test_searches_do_without_bits_that_cannot_be_written(store, tmp_path, monkeypatch, caplog, methods):
    with monkeypatch.context() as patch:
        refuse(patch, *methods)
        for n in range(40, 44):
            store.upsert([page(n)])
            assert view_of(store) is None
            assert view_of(store) is None
        assert [record.message.partition(" (")[0] for record in caplog.records] == [
            "The bits beside the index cannot be written"
        ]
        assert store.count(Selection()) == 33
    store.upsert([page(50)])  # there is room again
    assert len(agree(store)) == 34
    agree(reopened(store, tmp_path))


def test_a_mark_that_cannot_be_left_costs_the_bits_and_no_page(store, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        refuse(patch, "mark")
        store.upsert([page(2, version=1), page(40)])
        assert not (tmp_path / "bits" / "index.npz").exists()
        assert len(agree(store)) == 30
    agree(reopened(store, tmp_path))


def test_a_crash_on_a_full_disk_leaves_no_old_bits(store, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        refuse(patch, "append", "commit", "mark")
        store.upsert([page(2, version=1)])  # as many pages as before, one with other vectors
    agree(reopened(store, tmp_path))


def test_a_cache_that_can_be_neither_written_nor_emptied_stops_the_write(store, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        refuse(patch, "mark", "forget", error=errno.EROFS)
        with pytest.raises(StoreError, match="cache of the index cannot be written"):
            store.upsert([page(40)])
    assert store.count(Selection()) == 29
    store.upsert([page(41)])
    agree(store)
    agree(reopened(store, tmp_path))


@pytest.mark.parametrize("methods", [("append",), ("commit",)])
def test_closing_on_a_full_disk_releases_the_store(store, tmp_path, monkeypatch, caplog, methods):
    store.upsert([page(40)])
    with monkeypatch.context() as patch:
        refuse(patch, *methods)
        store.close()
    assert "cannot be written" in caplog.text
    again = BitsStore.open(tmp_path / "shard", FIELDS)
    assert len(agree(reopened(again, tmp_path))) == 30
    again.close()


def test_closing_releases_the_store_whatever_the_bits_do(store, tmp_path, monkeypatch):
    monkeypatch.setattr(cache_module.BitCache, "flush", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        store.close()
    monkeypatch.undo()
    EdgeStore.open(tmp_path / "shard", FIELDS).close()
