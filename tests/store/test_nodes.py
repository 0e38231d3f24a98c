"""Several addresses of one cluster: one dies, hangs, comes back or is wrong, at the moment that hurts most."""

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import numpy as np
import pytest

from tests.store.backend import Backend
from tests.store.dying import GatedBackend, relayed
from tests.store.flaky import SLOW
from tests.store.grpc_server import grpc_server
from tests.store.records import FIELDS, KEYS, page, query
from tests.store.rest import rest_server
from tests.store.test_conformance import LOCAL_MODE
from vrag.errors import StoreError
from vrag.store.interface import Selection, StageRequest
from vrag.store.server.address import Server
from vrag.store.server.connect import connect
from vrag.store.server.server import ServerStore

pytestmark = LOCAL_MODE
BEST = [StageRequest("rows", query(), 9), StageRequest("full", query(), 3)]
NOBODY = "http://127.0.0.1:9"


def cluster(*servers, **settings):
    """The server that stands for all of these addresses, or (address, gRPC port)."""
    pairs = [(one, 0) if isinstance(one, str) else one for one in servers]
    first, *others = (Server(url, grpc_port=port, **settings) for url, port in pairs)
    return Server(first.url, grpc_port=first.grpc_port, others=tuple(others), **settings)


def store_at(*servers, **settings):
    return ServerStore(connect(cluster(*servers, **settings)), "c", FIELDS)


@contextmanager
def two_nodes(backend, wire="rest"):
    """Two relays before two nodes of one backend, and a store that knows both; 20 pages are in it."""
    with ExitStack() as stack:
        urls = [stack.enter_context(rest_server(backend)) for _ in range(2)]
        filled = ServerStore.create(connect(Server(urls[0], grpc_port=0)), "c", FIELDS, KEYS)
        filled.upsert([page(n) for n in range(1, 21)])
        if wire == "rest":
            relays = stack.enter_context(relayed(*urls))
            servers = [relay.url for relay in relays]
        else:
            relays = stack.enter_context(relayed(*(stack.enter_context(grpc_server(backend)) for _ in range(2))))
            servers = [(url, relay.port) for url, relay in zip(urls, relays, strict=True)]
        yield relays, servers


def count(backend):
    return backend.client.count("c").count


@pytest.mark.parametrize("wire", ["rest", "grpc"])
def test_a_search_under_way_when_its_node_dies_is_answered_by_the_other(wire, caplog):
    backend = GatedBackend("query_points")
    with two_nodes(backend, wire) as (relays, servers), ThreadPoolExecutor(1) as pool:
        store = store_at(*servers)
        found = pool.submit(store.query, BEST, Selection())
        assert backend.reached.wait(30)
        relays[0].kill()
        assert [hit.id for hit in found.result(30)] == [hit.id for hit in store.query(BEST, Selection())]
        backend.go.set()
    assert caplog.text.count("is asked instead") == 1


@pytest.mark.parametrize("wire", ["rest", "grpc"])
def test_a_write_whose_answer_dies_with_its_node_is_made_again_at_the_other_and_is_there_once(wire):
    backend = GatedBackend("upsert", after=True)
    backend.what = ""
    with two_nodes(backend, wire) as (relays, servers), ThreadPoolExecutor(1) as pool:
        store = store_at(*servers)
        backend.what = "upsert"
        written = pool.submit(store.upsert, [page(n) for n in range(21, 25)])
        assert backend.reached.wait(30)
        relays[0].kill()
        written.result(30)
        backend.go.set()
        assert count(backend) == 24
        for n in range(21, 25):
            stored = store.fetch([page(n).id], ["full"])[page(n).id]
            np.testing.assert_allclose(stored.vectors["full"], page(n).vectors["full"], atol=1e-3)


@pytest.mark.parametrize("wire", ["rest", "grpc"])
def test_a_node_that_hangs_does_not_eat_the_time_of_the_others(wire):
    backend = Backend()
    with two_nodes(backend, wire) as (relays, servers):
        store = store_at(*servers, timeout=SLOW)
        expected = store.query(BEST, Selection())
        relays[0].freeze()
        started = time.monotonic()
        assert store.query(BEST, Selection()) == expected
        store.upsert([page(21)])
        assert time.monotonic() - started < SLOW / 2


def test_a_node_that_hangs_from_the_start_is_left(caplog):
    with two_nodes(Backend()) as (relays, servers):
        relays[0].freeze()
        started = time.monotonic()
        assert len(store_at(*servers, timeout=SLOW).query(BEST, Selection())) == 3
        assert time.monotonic() - started < SLOW / 2
    assert "did not answer in time" in caplog.text


def test_a_node_that_is_slow_and_there_is_waited_for(caplog):
    backend = GatedBackend("query_points")
    with two_nodes(backend) as (_, servers), ThreadPoolExecutor(1) as pool:
        store = store_at(*servers, timeout=9)
        before = backend.looks
        found = pool.submit(store.query, BEST, Selection())
        assert backend.reached.wait(30)
        until = time.monotonic() + 30
        while backend.looks < before + 2 and time.monotonic() < until:  # asked twice whether it is there
            time.sleep(0.01)
        backend.go.set()
        assert len(found.result(30)) == 3
        assert backend.looks >= before + 2
    assert backend.count_of("query_points") == 1
    assert not caplog.records


def test_a_node_that_comes_back_is_used_again():
    with two_nodes(Backend()) as (relays, servers):
        store = store_at(*servers)
        expected = store.query(BEST, Selection())
        for dead, alive in [(0, 1), (1, 0), (0, 1)]:
            relays[dead].kill()
            assert store.query(BEST, Selection()) == expected
            relays[dead].revive()
            assert servers[alive] == store._open.nodes.current.url


def test_one_wrong_address_of_several_is_a_line_in_the_log(caplog):
    with two_nodes(Backend()) as (_, servers):
        for addresses in ([NOBODY, servers[0]], [servers[0], NOBODY]):
            store = store_at(*addresses)
            for _ in range(3):
                assert len(store.query(BEST, Selection())) == 3
    assert caplog.text.count(NOBODY) == 1


def test_a_node_that_is_too_old_is_left_out_and_told_when_there_is_no_other(caplog):
    with two_nodes(Backend()) as (relays, servers), rest_server(Backend(version="1.9.7")) as old:
        store = store_at(old, servers[0], timeout=2)
        assert f"{old} is version 1.9.7; vrag needs 1.16 or newer: {servers[0]} is asked instead" in caplog.text
        relays[0].kill()
        with pytest.raises(StoreError, match="not reachable, and the one at .* is version 1.9.7"):
            store.query(BEST, Selection())


def test_all_gone_is_one_sentence_that_names_them():
    with two_nodes(Backend()) as (relays, servers):
        store = store_at(*servers, timeout=4)
        store.query(BEST, Selection())
        for relay in relays:
            relay.kill()
        with pytest.raises(StoreError) as caught:
            store.query(BEST, Selection())
        with pytest.raises(StoreError) as at_first:
            store_at(*servers)
    for said in (caught.value.message, at_first.value.message):
        assert all(f"at {url} is not reachable" in said for url in servers)
        assert said.count(".") == said.count("127.0.0.1") * 3 + 1
    assert "(while searching after " in caught.value.message


def test_threads_that_write_when_a_node_dies_all_go_on_at_the_other(caplog):
    backend = GatedBackend()
    with two_nodes(backend) as (relays, servers), ThreadPoolExecutor(6) as pool:
        store = store_at(*servers)
        together = threading.Barrier(7)

        def write(first):
            together.wait(30)
            for n in range(first, first + 5):
                store.upsert([page(n)])

        backend.what = "upsert"
        jobs = [pool.submit(write, 100 + 10 * n) for n in range(6)]
        together.wait(30)
        assert backend.reached.wait(30)
        relays[0].kill()
        backend.go.set()
        for job in jobs:
            job.result(60)
        assert count(backend) == 50
        assert store._open.nodes.current.url == servers[1]
    assert caplog.text.count("is asked instead") == 1


def test_a_key_is_told_to_no_log(caplog):
    caplog.set_level(logging.DEBUG, "vrag")
    with rest_server(Backend(api_key="s3cret")) as url:
        store = store_at(NOBODY, url, api_key="s3cret")
        assert not store.exists()
    assert NOBODY in caplog.text
    assert "s3cret" not in caplog.text
