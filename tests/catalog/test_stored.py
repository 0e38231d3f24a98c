"""What an open index has in its store: counts of pages that are kept only as long as they hold."""

import threading

import pytest

from vrag.catalog.documents import Documents
from vrag.catalog.failures import Failure
from vrag.catalog.stored import Stored
from vrag.pipeline.pipeline import load_pipeline
from vrag.store.edge.edge import EdgeStore
from vrag.store.interface import Record, VectorField
from vrag.store.limits import MULTIVECTOR_LIMIT

PATIENCE = 20


@pytest.fixture
def store(tmp_path):
    store = EdgeStore.create(tmp_path, [VectorField("full", "multi", 2)], {"kind": "keyword"})
    yield store
    store.close()


def stored(store, **how):
    return Stored(store, Documents(store), load_pipeline(), "key", 2, **how)


def add_page(index, number):
    index.store.upsert([Record(index.page_id("doc", number), {"kind": "page"})])


def test_pages_are_counted_once_until_they_change(store):
    index = stored(store)
    assert index.page_count() == 0
    add_page(index, 1)
    assert index.page_count() == 0  # nobody said that they change
    with index.changing():
        add_page(index, 2)
        assert index.page_count() == 2
        add_page(index, 3)
        assert index.page_count() == 3
    add_page(index, 4)
    assert index.page_count() == 4


def test_pages_of_a_server_are_counted_every_time(store):
    index = stored(store, on_server=True)
    assert (index.page_count(), index.most_numbers) == (0, MULTIVECTOR_LIMIT)
    add_page(index, 1)
    assert index.page_count() == 1
    assert stored(store).most_numbers is None


def test_a_count_that_was_under_way_when_pages_came_is_not_kept(store):
    index, counting, came = stored(store), threading.Event(), threading.Event()
    count = index.documents.page_count

    def slow():
        found = count()
        counting.set()
        came.wait(PATIENCE)
        return found

    index.documents.page_count = slow
    found = []
    reader = threading.Thread(target=lambda: found.append(index.page_count()))
    reader.start()
    assert counting.wait(PATIENCE)
    with index.changing():
        add_page(index, 1)
    came.set()
    reader.join(PATIENCE)
    assert (found, index.page_count()) == ([0], 1)


def test_failures_of_another_process_are_seen(store):
    mine, theirs = stored(store), stored(store)
    theirs.failures().add(Failure("/d/a.pdf", None, "It is no PDF."))
    assert [failure.path for failure in mine.failures().all()] == ["/d/a.pdf"]
