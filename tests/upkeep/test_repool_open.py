"""Repooling an index that is in use: whoever searches meanwhile gets the old answer or the new one, and no error."""

import threading
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYetError

import pytest

from tests.conftest import copy_index
from tests.pdfs import write_pdf
from tests.upkeep.test_repool import BANDS, pipeline
from vrag import Index
from vrag.places.place import FolderPlace
from vrag.remote.remote_index import RemoteIndex
from vrag.serve.serving import serving
from vrag.upkeep import repool as repooling
from vrag.upkeep.copying import Unwatched

SOON_S = 20
QUERY = "snow leopard"


@pytest.fixture
def own(indexed, tmp_path):
    return copy_index(indexed, tmp_path / "own")


@pytest.fixture
def at_the_swap(monkeypatch):
    """The moment when neither shard is open: reached, and left when the test says so."""
    reached, go_on, finish = threading.Event(), threading.Event(), repooling.finish_swap

    def held(folder):
        reached.set()
        assert go_on.wait(SOON_S)
        finish(folder)

    monkeypatch.setattr(repooling, "finish_swap", held)
    return reached, go_on


def test_a_search_that_comes_at_the_swap_waits_and_gets_the_new_vectors(own, at_the_swap):
    reached, go_on = at_the_swap
    with Index.hold(own) as index, ThreadPoolExecutor(3) as threads:
        index.search(QUERY)
        repooled = threads.submit(index.repool, pipeline())
        assert reached.wait(SOON_S)
        asked = threads.submit(index.search, QUERY, 1)
        looked = threads.submit(index.documents.all)
        for waiting in (asked, looked):
            with pytest.raises(NotYetError):
                waiting.result(0.1)
        go_on.set()
        assert repooled.result(SOON_S).pages == 5
        hit = asked.result(SOON_S)[0]
        assert (hit.doc, hit.page, list(hit.stages)) == ("animals.pdf", 1, ["bands", "full"])
        assert len(looked.result(SOON_S)) == 2
        assert index.verify() == []


def test_a_search_under_way_ends_with_the_vectors_it_began_with(own, monkeypatch):
    """It is held between its stages; the new shard waits for it."""
    with Index.hold(own) as index, ThreadPoolExecutor(2) as threads:
        begun, go_on, query = threading.Event(), threading.Event(), type(index.stored.store).query

        def held(store, *asked):
            begun.set()
            assert go_on.wait(SOON_S)
            return query(store, *asked)

        monkeypatch.setattr(type(index.stored.store), "query", held)
        asked = threads.submit(index.search, QUERY, 1, "two-stage")
        assert begun.wait(SOON_S)
        repooled = threads.submit(index.repool, pipeline())
        with pytest.raises(NotYetError):
            repooled.result(0.5)
        go_on.set()
        assert list(asked.result(SOON_S)[0].stages) == ["runs", "full"]
        assert repooled.result(SOON_S).pages == 5
        assert list(index.search(QUERY, 1, "two-stage")[0].stages) == ["bands", "full"]


def test_what_is_held_afterwards_is_what_is_opened_later(own, tmp_path):
    write_pdf(tmp_path / "new.pdf", ["Lighthouses warn ships."])
    with Index.hold(own) as index:
        index.repool(pipeline())
        index.ingest([tmp_path / "new.pdf"])
        held = index.search("lighthouses", 3)
        assert index.default_cascade == BANDS["search"]["cascade"]
    with Index.hold(own) as index:
        assert index.search("lighthouses", 3) == held
        assert index.verify() == []
        assert index.lost == ""


def test_a_repooling_through_a_service_is_told_cancelled_and_taken_up_again(own):
    class Stopping(Unwatched):
        def done(self, records):
            service.jobs.cancel(service.jobs.all()[0].id)

    with serving(FolderPlace(own)) as service:
        remote = RemoteIndex.find(own)
        status = service.repool(pipeline(), Stopping()).ended(SOON_S)
        assert (status.kind, status.state) == ("repool", "cancelled")
        assert list(remote.search(QUERY, 1, "two-stage")[0].stages) == ["runs", "full"]
        told = []

        class Telling(Unwatched):
            def starting(self, records):
                told.append(records)

        assert remote.repool(pipeline(), Telling()).pipeline == "bands"
        assert told
        assert list(remote.search(QUERY, 1)[0].stages) == ["bands", "full"]
        assert service.jobs.all()[0].status().result["pages"] == 5


def test_the_command_leaves_it_to_the_service(own, cli):
    with serving(FolderPlace(own)) as service:
        done = cli("repool", "--pipeline", "builtin", "--index", own, "--json")
        assert done.code == 0
        assert done.json["pipeline"] == "builtin"
        assert service.jobs.all()[0].kind == "repool"


def test_a_swap_that_fails_leaves_the_index_as_it_was_and_open(own, monkeypatch):
    """A full disk at the worst moment: the old vectors answer on, and nobody finishes the swap behind our back."""

    def full(folder, facts):
        raise OSError(28, "No space left on device", str(folder))

    with Index.hold(own) as index:
        with monkeypatch.context() as patched:
            patched.setattr(repooling, "write_facts", full)
            with pytest.raises(OSError, match="No space left"):
                index.repool(pipeline())
        assert list(index.search(QUERY, 1, "two-stage")[0].stages) == ["runs", "full"]
        assert index.pipeline.name == "builtin"
        assert index.verify() == []
        assert index.repool(pipeline()).pages == 5
    with Index.hold(own) as index:
        assert index.pipeline.name == "bands"


def test_a_swap_that_fails_when_its_facts_are_written_is_not_finished_later(own, monkeypatch):
    def broken(folder):
        raise OSError(5, "Input/output error", str(folder))

    with Index.hold(own) as index, monkeypatch.context() as patched:
        patched.setattr(repooling, "finish_swap", broken)
        with pytest.raises(OSError, match="Input/output"):
            index.repool(pipeline())
    with Index.hold(own) as index:
        assert index.pipeline.name == "builtin"
        assert index.search(QUERY, 1)[0].doc == "animals.pdf"
