"""Who has the index open while assistants ask, and until when."""

import threading
import uuid
from contextlib import ExitStack

import pytest

from tests.mcp.conftest import kept_at, server_of
from tests.mcp.talking import both_answered, call, data, refusal
from tests.serve.http.running import service_of
from tests.serve.http.running import serving as running
from tests.store.test_conformance import LOCAL_MODE
from vrag.errors import VragError
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


def test_an_index_on_a_server_is_used(any_server, folder):
    """It is not held: a server lets everybody in."""
    name = f"vrag-test-{uuid.uuid4()}"
    place = ServerPlace(any_server, name)
    with ExitStack() as last:
        last.callback(lambda: connect(any_server).client.delete_collection(name))
        with Index.create(place) as index:
            index.ingest([folder / "animals.pdf"])
        kept = last.enter_context(kept_at(place, collection=name))
        server = server_of(kept, roots=[folder], may_remove=True)
        assert data(call(server, "search", query="snow leopard", k=1))["results"][0]["id"] == "animals.pdf#1"
        assert data(call(server, "fetch", id="animals.pdf#1"))["text"].startswith("The snow leopard")
        assert data(call(server, "ingest"))["added_pages"] == 2
        assert data(call(server, "remove", names=["animals.pdf"]))["pages"] == 3
        assert not kept.is_held
