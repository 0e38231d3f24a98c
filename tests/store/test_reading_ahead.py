"""Pages are read from a server one step ahead of who uses them."""

import threading

import pytest

from tests.store.backend import Backend, BackendError
from tests.store.grpc_server import grpc_server
from tests.store.records import FIELDS, KEYS, page
from tests.store.rest import rest_server
from tests.store.test_conformance import LOCAL_MODE
from vrag.errors import StoreError
from vrag.store.interface import Selection
from vrag.store.server.address import Server
from vrag.store.server.connect import connect
from vrag.store.server.server import ServerStore

pytestmark = LOCAL_MODE
SOON = 10.0  # seconds; what is waited for comes at once


class Listed(Backend):
    """Tells of every listing that arrives; refuses from the one after `last` on."""

    def __init__(self):
        super().__init__()
        self.arrived = [threading.Event() for _ in range(8)]
        self.count, self.last = 0, 99

    def call(self, wire, what, collection, **arguments):
        if what == "scroll":
            self.arrived[self.count].set()
            self.count += 1
            if self.count > self.last:
                raise BackendError(400, "no more of this")
        return super().call(wire, what, collection, **arguments)


@pytest.fixture
def backend():
    return Listed()


@pytest.fixture(params=["rest", "grpc"])
def store(request, backend):
    with rest_server(backend) as url, grpc_server(backend) as port:
        server = Server(url, grpc_port=port if request.param == "grpc" else 0)
        store = ServerStore.create(connect(server), "c", FIELDS, KEYS)
        store.upsert([page(number) for number in range(20)])
        yield store


def test_the_next_step_is_asked_for_while_one_is_used_and_no_further(store, backend):
    records = store.scroll(Selection(), ["full"])
    next(records)
    assert backend.arrived[1].wait(SOON)
    assert backend.count == 2
    rest = [record.id for record in records]
    assert len(rest) == 19
    assert rest == sorted(rest)
    assert backend.count == 3


def test_without_vectors_nothing_is_asked_for_in_advance(store, backend, monkeypatch):
    monkeypatch.setattr("vrag.store.server.server._STEP", 8)
    next(store.scroll(Selection()))
    assert backend.count == 1


def test_what_was_read_before_a_fault_is_used_first(store, backend):
    backend.last = 1
    records = store.scroll(Selection(), ["full"])
    assert [len(next(records).vectors) for _ in range(8)] == [1] * 8
    with pytest.raises(StoreError, match="no more of this"):
        next(records)


def test_who_stops_reading_asks_for_nothing_more(store, backend):
    records = store.scroll(Selection(), ["full"])
    next(records)
    assert backend.arrived[1].wait(SOON)
    records.close()
    assert backend.count == 2
