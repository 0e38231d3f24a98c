"""Searches and writes at once, stopped on purpose where they could miss each other."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.bits.test_cache import FIELDS, KEYS, agree, new_cache, page, reopened
from vrag.bits.beside import BitsStore, view_of
from vrag.errors import StoreError
from vrag.store.edge.edge import EdgeStore
from vrag.store.interface import Selection

TIMEOUT = 60


@pytest.fixture
def store(tmp_path):
    store = BitsStore.create(tmp_path / "shard", FIELDS, KEYS)
    store.bits = new_cache(tmp_path)
    store.upsert([page(n) for n in range(1, 4)])
    view_of(store)
    yield store
    store.close()


class Halted:
    """One method of the engine, stopped by a thread before or after it has done its work, until `go`."""

    def __init__(self, patch, method, after):
        self.here, self.go = threading.Event(), threading.Event()
        whole = getattr(EdgeStore, method)

        def halt():
            self.here.set()
            assert self.go.wait(TIMEOUT)

        def stopped(store, *arguments):
            patch.undo()  # the next one runs through
            if not after:
                halt()
            whole(store, *arguments)
            if after:
                halt()

        patch.setattr(EdgeStore, method, stopped)


@pytest.fixture
def halted():
    """Start a write in another thread and stop it; `finish` lets it go on and gives what it gave."""
    patch = pytest.MonkeyPatch()
    with ThreadPoolExecutor(1) as pool:

        def start(method, after, task):
            stop = Halted(patch, method, after)
            running = pool.submit(task)
            assert stop.here.wait(TIMEOUT)

            def finish():
                stop.go.set()
                return running.result(TIMEOUT)

            return finish

        yield start
    patch.undo()


@pytest.mark.parametrize("after", [False, True], ids=["before the engine", "after the engine"])
@pytest.mark.parametrize("many", [1, 80], ids=["waiting", "written at once"])
def test_a_search_while_pages_are_written_does_not_make_them_vanish(store, tmp_path, halted, after, many):
    finish = halted("upsert", after, lambda: store.upsert([page(n) for n in range(4, 4 + many)]))
    assert set(view_of(store).table.position) >= {page(n).id for n in range(1, 4)}
    assert (tmp_path / "bits" / "changing").exists()  # what a crash would leave now has to be found
    finish()
    assert len(agree(store).table.position) == 3 + many
    assert not (tmp_path / "bits" / "changing").exists()
    agree(reopened(store, tmp_path))


@pytest.mark.parametrize("after", [False, True], ids=["before the engine", "after the engine"])
def test_a_search_while_pages_are_deleted_does_not_keep_them(store, tmp_path, halted, after):
    finish = halted("delete", after, lambda: store.delete(Selection(ids=frozenset({page(2).id}))))
    view_of(store)
    finish()
    assert len(agree(store).table.position) == 2
    agree(reopened(store, tmp_path))


@pytest.mark.parametrize("after", [False, True], ids=["before the engine", "after the engine"])
def test_a_search_while_a_page_is_written_again_does_not_keep_its_old_vectors(store, tmp_path, halted, after):
    finish = halted("upsert", after, lambda: store.upsert([page(2, version=1), page(9)]))
    assert len(view_of(store).table.position) == 3
    finish()
    agree(store)
    agree(reopened(store, tmp_path))


def test_a_page_deleted_before_its_write_comes_back_stays_deleted(store, tmp_path, halted):
    finish = halted("upsert", True, lambda: store.upsert([page(4)]))
    with ThreadPoolExecutor(1) as pool:
        deleting = pool.submit(store.delete, Selection(ids=frozenset({page(4).id})))  # waits: there is one writer
        view_of(store)
        finish()
        deleting.result(TIMEOUT)
    assert len(agree(store).table.position) == 3
    agree(reopened(store, tmp_path))


@pytest.mark.parametrize("version", [0, 1], ids=["new pages", "pages written again"])
@pytest.mark.parametrize("is_written", [False, True], ids=["before the engine", "after the engine"])
def test_a_write_that_fails_hides_nothing(store, tmp_path, monkeypatch, version, is_written):
    whole = EdgeStore.upsert

    def fail(self, records):
        if is_written:
            whole(self, records)
        raise StoreError("no")

    with monkeypatch.context() as patch:
        patch.setattr(EdgeStore, "upsert", fail)
        with pytest.raises(StoreError, match="no"):
            store.upsert([page(3, version=version), page(4, version=version)])
    assert len(agree(store).table.position) == 3 + is_written
    store.upsert([page(5)])
    assert len(agree(store).table.position) == 4 + is_written
    assert not (tmp_path / "bits" / "changing").exists()  # the count of writes in progress came down again
    agree(reopened(store, tmp_path))


def test_a_page_written_again_costs_no_other_page(store, monkeypatch):
    store.upsert([page(2, version=1)])
    monkeypatch.setattr(EdgeStore, "fetch", lambda *a: pytest.fail("read from the store"))
    store.bits.update(store)
    monkeypatch.undo()
    agree(store)
