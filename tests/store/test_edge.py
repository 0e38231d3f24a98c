"""What only the embedded engine promises; the rest is in `test_conformance.py`."""

import subprocess
import sys

import pytest

from tests.store.records import FIELDS, KEYS, page, query
from vrag.errors import StoreError
from vrag.store.base import Selection, StageRequest
from vrag.store.edge import EdgeStore


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
from vrag.store.edge import EdgeStore
from vrag.errors import StoreError
try:
    EdgeStore.open(Path({str(tmp_path / "shard")!r}), [])
except StoreError as error:
    print(error.message)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "The index is open in another process."
