"""A server does not index while much is written; when the loader dies, the next writer sees to it."""

import logging

import pytest

from tests.store.backend import Backend, BackendError
from tests.store.grpc_server import grpc_server
from tests.store.records import FIELDS, KEYS, page
from tests.store.rest import rest_server
from tests.store.test_conformance import LOCAL_MODE
from vrag.store.interface import Record
from vrag.store.server.address import Server
from vrag.store.server.connect import connect
from vrag.store.server.server import ServerStore

pytestmark = LOCAL_MODE


@pytest.fixture
def backend():
    return Backend()


@pytest.fixture(params=["rest", "grpc"])
def server(request, backend):
    with rest_server(backend) as url, grpc_server(backend) as port:
        yield Server(url, grpc_port=port if request.param == "grpc" else 0)


@pytest.fixture
def store(server):
    return ServerStore.create(connect(server), "c", FIELDS, KEYS)


def opened(server):
    return ServerStore(connect(server), "c", FIELDS)


def refuse(*_, **__):
    raise BackendError(401, "no manage access")


def test_it_is_off_while_the_block_runs_and_on_after(store, backend):
    with store.loading():
        assert backend.threads == {"c": 0}
        store.upsert([page(1, "d", 0)])
        assert backend.threads == {"c": 0}
    assert backend.threads == {"c": None}


def test_it_is_on_again_when_the_load_fails(store, backend):
    with pytest.raises(KeyboardInterrupt), store.loading():
        raise KeyboardInterrupt
    assert backend.threads == {"c": None}


@pytest.mark.parametrize("write", ["upsert", "optimize"])
def test_the_next_writer_switches_it_on_when_the_loader_died(store, server, backend, caplog, write):
    killed = store.loading()
    killed.__enter__()  # and never leaves
    assert backend.threads == {"c": 0}
    following = opened(server)
    following.fetch([page(1, "d", 0).id])
    assert backend.threads == {"c": 0}  # who only reads changes nothing
    with caplog.at_level(logging.WARNING, "vrag"):
        following.upsert([page(1, "d", 0)]) if write == "upsert" else following.optimize()
    assert backend.threads == {"c": None}
    assert "as a load that was cut off leaves it" in caplog.text


def test_a_writer_that_is_open_for_long_sees_at_its_next_end_what_a_loader_has_left(store, server, backend):
    store.upsert([page(1, "d", 0)])
    killed = opened(server).loading()
    killed.__enter__()  # and never leaves
    store.upsert([page(2, "d", 1)])
    store.optimize()
    assert backend.threads == {"c": None}


def test_who_loads_does_not_switch_it_on_meanwhile(store, backend):
    with store.loading():
        store.optimize()
        assert backend.threads == {"c": 0}


def test_a_key_that_may_not_switch_it_on_writes_all_the_same(store, server, backend, monkeypatch, caplog):
    killed = store.loading()
    killed.__enter__()
    monkeypatch.setattr(backend, "_update", refuse)
    writer = opened(server)
    with caplog.at_level(logging.WARNING, "vrag"):
        writer.upsert([page(1, "d", 0)])
        writer.upsert([page(2, "d", 1)])
    assert len(writer.fetch([page(number, "d", number - 1).id for number in (1, 2)])) == 2
    assert caplog.text.count("does not index 'c'") == 1


def test_a_server_is_asked_once(store, backend):
    for number in range(3):
        store.upsert([page(number, "d", number)])
    assert backend.count_of("update_collection") == 0
    asked = backend.count_of("get_collection")
    store.upsert([page(4, "d", 4)])
    assert backend.count_of("get_collection") == asked


def test_a_key_that_may_not_change_collections_loads_all_the_same(store, backend, monkeypatch, caplog):
    monkeypatch.setattr(backend, "_update", refuse)
    with caplog.at_level(logging.WARNING, "vrag"), store.loading():
        store.upsert([page(1, "d", 0)])
    assert not caplog.text  # it was never off
    assert len(store.fetch([page(1, "d", 0).id])) == 1


def test_what_could_not_be_switched_on_is_said(store, backend, monkeypatch, caplog):
    with caplog.at_level(logging.WARNING, "vrag"), store.loading():
        monkeypatch.setattr(backend, "_update", refuse)
    assert "does not index 'c' until somebody writes to it" in caplog.text


def test_one_that_is_off_is_searched_and_written_as_before(store, server):
    with store.loading():
        store.upsert([page(1, "d", 0)])
        assert opened(server).fetch([page(1, "d", 0).id])
        opened(server).upsert([Record(page(2, "d", 1).id, {"kind": "document"})])
