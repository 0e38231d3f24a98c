"""Who has the index open while assistants ask, and until when."""

import shutil
import threading
import uuid

import pytest

from tests.conftest import copy_index
from tests.mcp.conftest import kept_at, server_of
from tests.mcp.talking import both_answered, call, data, refusal
from tests.serve.http.running import service_of
from tests.serve.http.running import serving as running
from tests.store.test_conformance import LOCAL_MODE
from vrag.errors import ServedError, VragError
from vrag.index import Index
from vrag.mcp.kept_index import KeptIndex
from vrag.places.place import FolderPlace, ServerPlace, choose_place
from vrag.remote.remote_index import RemoteIndex
from vrag.serve.calls import SHORT
from vrag.serve.serving import serving
from vrag.store.server.connect import connect

pytestmark = LOCAL_MODE  # what the stand-in for a server warns of
PATIENCE_S = 60
LONG_S, SHORT_S = 3600.0, 0.2


@pytest.fixture
def kept(own, keeping):
    return keeping(own, idle_s=LONG_S)


def test_an_index_is_opened_by_the_first_question(kept, own):
    assert not kept.is_held
    with kept.using() as index:
        assert index.page_count == 5
    assert kept.is_held
    assert RemoteIndex.find(own).page_count == 5  # any other process may ask, too


def test_a_service_that_has_it_open_is_asked(kept, own):
    with serving(FolderPlace(own)):
        with kept.using() as index:
            assert index.page_count == 5
        assert not kept.is_held
    with kept.using() as index:
        assert index.page_count == 5
    assert kept.is_held


def test_it_is_closed_once_nobody_has_asked_for_long(own, keeping):
    kept = keeping(own, idle_s=SHORT_S)
    for _ in range(2):
        with kept.using() as index:
            assert index.page_count == 5
        assert wait_until(lambda: not kept.is_held)
        with Index.hold(own) as alone:  # it is really free
            assert alone.page_count == 5


def test_it_stays_open_while_somebody_uses_it(own, keeping, monkeypatch):
    kept, looked = keeping(own, idle_s=SHORT_S), threading.Semaphore(0)
    waited = threading.Event.wait

    def wait(event, timeout=None):
        if event is kept._closed:
            looked.release()
        return waited(event, timeout)

    monkeypatch.setattr(threading.Event, "wait", wait)
    with kept.using() as index:
        held = RemoteIndex.find(own)
        for _ in range(10):  # looks of the thread that closes it: more than the time without a call
            assert looked.acquire(timeout=PATIENCE_S)
        assert kept.is_held
        assert index.page_count == held.page_count == 5
    assert wait_until(lambda: not kept.is_held)


def test_it_stays_open_while_another_process_is_answered(own, keeping, monkeypatch):
    """Its call has begun, and waits in the middle, for longer than the index is kept for nobody."""
    kept, begun, go_on = keeping(own, idle_s=SHORT_S), threading.Event(), threading.Event()

    def search(service, **asked):
        begun.set()
        assert go_on.wait(PATIENCE_S)
        return service.index.search(**asked)

    monkeypatch.setitem(SHORT, "search", search)
    found = []
    with kept.using() as index:
        other = threading.Thread(target=lambda: found.extend(index.search("snow leopard", 1)))
        other.start()
        assert begun.wait(PATIENCE_S)
    assert kept._service.idle_s == 0
    threading.Event().wait(4 * SHORT_S)  # whoever closes it has looked by then
    assert kept.is_held
    go_on.set()
    other.join(PATIENCE_S)
    assert [hit.page for hit in found] == [1]
    assert wait_until(lambda: not kept.is_held)


def test_two_assistants_at_the_same_moment(own, keeping, monkeypatch):
    """Neither is answered before both have asked; and both open what is not open yet."""
    kept = keeping(own, idle_s=LONG_S)
    found, right = both_answered(lambda: server_of(kept), monkeypatch)
    assert found == right


def test_an_index_that_takes_the_place_of_another_is_opened(own, indexed, keeping):
    """One is restored from a copy, say, while an assistant's server runs on."""
    kept = keeping(own, idle_s=LONG_S)
    with kept.using() as index:
        index.remove(index.find_documents(["machines.pdf"]))
    shutil.rmtree(own)
    copy_index(indexed, own)
    with kept.using() as index:
        assert index.page_count == 5
        assert index.verify() == []
    assert RemoteIndex.find(own).page_count == 5  # others get in by its own door
    with pytest.raises(ServedError), Index.hold(own):
        pass


def test_an_index_that_is_gone_for_a_while_is_said_to_be(own, keeping):
    server = server_of(keeping(own, idle_s=LONG_S))
    assert data(call(server, "list_documents"))["total_documents"] == 2
    own.rename(own.with_name("elsewhere"))
    assert refusal(call(server, "list_documents")).startswith(f"No index at {own}.")
    own.with_name("elsewhere").rename(own)
    assert data(call(server, "list_documents"))["total_documents"] == 2


def test_what_has_ended_answers_nobody(own):
    kept = KeptIndex(FolderPlace(own))
    kept.close()
    with pytest.raises(VragError, match="is ending"), kept.using():
        pass


def wait_until(what):
    """Whether it comes true."""
    for _ in range(int(PATIENCE_S / 0.02)):
        if what():
            return True
        threading.Event().wait(0.02)
    return False


def test_a_service_elsewhere_is_asked(own):
    with service_of(own) as service, running(service) as http:
        place = choose_place(url=[http.url])
        with kept_at(place) as kept:
            server = server_of(kept, roots=[own.parent], may_remove=True)
            found = data(call(server, "search", query="snow leopard", k=1))["results"][0]
            assert data(call(server, "fetch", id=found["id"]))["id"] == "animals.pdf#1"
            assert not call(server, "show_page", ids=[found["id"]], width=100, query="snow").is_error
            assert data(call(server, "list_documents"))["total_documents"] == 2
            assert "reads files of its own machine" in refusal(call(server, "ingest"))
            assert data(call(server, "remove", names=["animals.pdf"]))["pages"] == 3
        assert not kept.is_held


@pytest.fixture
def place(any_server):
    """A collection of a server that nobody has made yet."""
    place = ServerPlace(any_server, f"vrag-test-{uuid.uuid4()}")
    yield place
    if place.holds_index():
        connect(any_server).client.delete_collection(place.collection)


def test_an_index_on_a_server_is_used(place, folder, keeping):
    """It is not held: a server lets everybody in."""
    with Index.create(place) as index:
        index.ingest([folder / "animals.pdf"])
    kept = keeping(place, collection=place.collection)
    server = server_of(kept, roots=[folder], may_remove=True)
    assert data(call(server, "search", query="snow leopard", k=1))["results"][0]["id"] == "animals.pdf#1"
    assert data(call(server, "fetch", id="animals.pdf#1"))["text"].startswith("The snow leopard")
    assert data(call(server, "ingest"))["added_pages"] == 2
    assert data(call(server, "remove", names=["animals.pdf"]))["pages"] == 3
    assert not kept.is_held


def test_a_collection_that_takes_the_place_of_another_is_opened(place, folder, keeping):
    """The second one has no vectors that the default of the first one asks for."""
    kept = keeping(place, collection=place.collection)
    server = server_of(kept)
    assert refusal(call(server, "search", query="snow leopard")).startswith(f"No index at {place.name}.")
    for pipeline in ("builtin", "plain"):
        with Index.create(place, pipeline) as index:
            index.ingest([folder / "animals.pdf"])
        assert data(call(server, "search", query="snow leopard", k=1))["results"][0]["id"] == "animals.pdf#1"
        connect(place.server).client.delete_collection(place.collection)
        assert refusal(call(server, "search", query="snow leopard")).startswith(f"No index at {place.name}.")
