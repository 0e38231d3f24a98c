"""What the network and the server can do wrong: waited out when it passes, one clear sentence when it does not."""

import threading
import time

import grpc
import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.store.backend import Backend
from tests.store.cutting import cutting
from tests.store.flaky import SLOW, always, flaky
from tests.store.grpc_server import grpc_server
from tests.store.records import FIELDS, KEYS, page, query
from tests.store.rest import rest_server
from tests.store.test_conformance import LOCAL_MODE
from vrag.errors import StoreError
from vrag.store.interface import Record, Selection, StageRequest
from vrag.store.server.address import Server
from vrag.store.server.connect import connect
from vrag.store.server.nodes import Nodes
from vrag.store.server.retry import Retry
from vrag.store.server.server import MULTIVECTOR_LIMIT, ServerStore
from vrag.store.server.server_faults import Fault, fault_of

pytestmark = LOCAL_MODE
PASSING = ["500", "429", "429 later", "cut", "cut after", "truncated", "garbage", "503"]
BEST = [StageRequest("rows", query(), 9), StageRequest("full", query(), 3)]


@pytest.fixture
def backend():
    return Backend()


@pytest.fixture
def url(backend):
    with rest_server(backend) as url:
        yield url


@pytest.fixture
def filled(url):
    store = ServerStore.create(connect(Server(url, grpc_port=0)), "c", FIELDS, KEYS)
    store.upsert([page(n) for n in range(1, 21)])
    return store


def reach(url, **settings):
    return ServerStore(connect(Server(url, grpc_port=0, **settings)), "c", FIELDS)


def test_writes_through_every_fault_lose_nothing_and_duplicate_nothing(url):
    faults = [fault for kind in PASSING for fault in (kind, "ok")]
    with flaky(url, faults, only="/points") as bad:
        store = ServerStore.create(connect(Server(bad, grpc_port=0)), "c", FIELDS, KEYS)
        for n in range(1, 17):
            store.upsert([page(n)])
    whole = reach(url)
    assert whole.count(Selection()) == 16
    for n in range(1, 17):
        stored = whole.fetch([page(n).id], ["full"])[page(n).id]
        np.testing.assert_allclose(stored.vectors["full"], page(n).vectors["full"], atol=1e-3)


def test_making_a_collection_survives_a_lost_answer(url, backend):
    with flaky(url, ["cut after", "ok"], only="/collections/c") as bad:
        ServerStore.create(connect(Server(bad, grpc_port=0)), "c", FIELDS, KEYS)
    assert 1 <= backend.count_of("create_collection") <= 2
    assert reach(url).count(Selection()) == 0


@pytest.mark.parametrize("fault", PASSING)
def test_a_search_is_answered_after_a_fault_that_passes(url, filled, fault):
    expected = filled.query(BEST, Selection())
    with flaky(url, [fault], only="/query") as bad:
        assert reach(bad).query(BEST, Selection()) == expected


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("500", "answered 500: planned by the test"),
        ("429 later", "busy"),
        ("cut", "broke off"),
        ("truncated", "broke off"),
        ("garbage", "not Qdrant's"),
        ("slow", "did not answer in time"),
        ("drip", "did not answer in time"),
    ],
)
def test_a_search_that_cannot_be_answered_says_why_within_its_time(url, filled, fault, says):
    with flaky(url, always(fault), only="/query") as bad:
        store = reach(bad, timeout=1.5)
        started = time.monotonic()
        with pytest.raises(StoreError, match=says) as caught:
            store.query(BEST, Selection())
        assert time.monotonic() - started < SLOW / 2  # the promise is 1.5 s; a busy machine may be late
    assert "searching" in caught.value.message
    assert bad in caught.value.message


def test_what_will_not_pass_is_not_tried_again(url, filled):
    with flaky(url, ["413", "ok"], only="/points") as bad, pytest.raises(StoreError, match="too large") as caught:
        reach(bad).upsert([page(1)])
    assert "max_request_size_mb" in caught.value.hint


def test_nobody_there_is_told_soon():
    started = time.monotonic()
    with pytest.raises(StoreError, match="not reachable") as caught:
        connect(Server("http://127.0.0.1:9", timeout=60))
    assert time.monotonic() - started < 30
    assert "--url" in caught.value.hint


def test_a_wrong_key_is_told_and_never_shown():
    backend = Backend(api_key="right")
    with rest_server(backend) as url, grpc_server(backend) as port:
        for grpc_port in (0, port):
            server = Server(url, "wr0ng-s3cret", grpc_port=grpc_port)
            store = ServerStore(connect(server), "c", FIELDS)
            with pytest.raises(StoreError, match="refused the key") as caught:
                store.exists()
            assert "QDRANT_API_KEY" in caught.value.hint
            assert "s3cret" not in f"{caught.value} {server!r}"
            assert not ServerStore(connect(Server(url, "right", grpc_port=grpc_port)), "c", FIELDS).exists()


@pytest.mark.parametrize("version", ["1.9.7", "1.15.4", "nonsense"])
def test_an_older_server_than_needed_is_refused(version):
    with rest_server(Backend(version=version)) as url, pytest.raises(StoreError, match="needs 1.16 or newer") as caught:
        connect(Server(url, grpc_port=0))
    assert version in caught.value.message


@pytest.mark.parametrize(
    ("name", "value"),
    [("HTTPS_PROXY", ":::"), ("HTTPS_PROXY", "ftp://me:secret@host"), ("SSL_CERT_FILE", "none.pem"),
     ("SSL_CERT_FILE", __file__)],
)  # fmt: skip
def test_an_environment_in_which_no_server_can_be_asked_is_said(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(StoreError, match="proxy or certificates of the environment") as caught:
        connect(Server("https://qdrant.example", grpc_port=0))
    assert name in caught.value.hint
    assert "secret" not in str(caught.value)


def test_grpc_is_used_where_it_answers_and_rest_where_it_does_not(url, backend):
    assert connect(Server(url, grpc_port=9, timeout=5)).wire == "rest"
    with grpc_server(backend) as port:
        assert connect(Server(url, grpc_port=port)).wire == "grpc"


def test_grpc_writes_through_a_wire_that_breaks_lose_nothing_and_duplicate_nothing(url, backend):
    with grpc_server(backend) as whole, cutting(whole, [3000, 9000, 5000, 14000]) as port:
        store = ServerStore.create(connect(Server(url, grpc_port=port)), "c", FIELDS, KEYS)
        for n in range(1, 17):
            store.upsert([page(n)])
    there = reach(url)
    assert there.count(Selection()) == 16
    assert ("grpc", "upsert") in backend.requests
    for n in range(1, 17):
        stored = there.fetch([page(n).id], ["full"])[page(n).id]
        np.testing.assert_allclose(stored.vectors["full"], page(n).vectors["full"], atol=1e-3)


def test_a_grpc_search_on_a_dead_wire_says_so_within_its_time(url, filled, backend):
    with grpc_server(backend) as whole, cutting(whole, [2000, 0, 0, 0, 0]) as port:
        store = ServerStore(connect(Server(url, grpc_port=port, timeout=1.5)), "c", FIELDS)
        started = time.monotonic()
        with pytest.raises(StoreError, match="searching") as caught:
            [store.query(BEST, Selection()) for _ in range(50)]
        assert time.monotonic() - started < SLOW / 2
    assert url in caught.value.message


def test_a_missing_collection_is_a_sentence(url):
    with pytest.raises(StoreError, match="does not have that.*`c`"):
        reach(url).count(Selection())


def test_a_strangers_collection_is_refused(url, backend):
    backend.call("rest", "create_collection", "c", vectors_config={})
    with pytest.raises(StoreError, match="exists with other vectors"):
        ServerStore.create(connect(Server(url, grpc_port=0)), "c", FIELDS, KEYS)


def test_writes_are_split_so_that_no_request_is_too_large(backend):
    backend.max_request = 16 << 20
    wide = np.zeros((900, 8), np.float32) + 0.1234
    records = [Record(page(n).id, {}, {"full": np.tile(wide, (20, 1))}) for n in range(8)]
    with rest_server(backend) as url:
        store = ServerStore.create(connect(Server(url, grpc_port=0)), "c", FIELDS, KEYS)
        store.upsert(records)
        assert store.count(Selection()) == 8
    assert backend.count_of("upsert") > 1


def test_a_multivector_over_the_servers_limit_stops_before_it_is_sent(filled):
    rows = MULTIVECTOR_LIMIT // 8
    with pytest.raises(StoreError, match=f"has {rows} rows of dimension 8.*at most {rows - 1}") as caught:
        filled.upsert([Record(page(1).id, {}, {"full": np.zeros((rows, 8), np.float32)})])
    assert "smaller" in caught.value.hint


class Refusal(grpc.RpcError):
    def __init__(self, code, details):
        self._code, self._details = code, details

    def code(self):
        return self._code

    def details(self):
        return self._details


@pytest.mark.parametrize("code", list(grpc.StatusCode))
def test_every_grpc_status_is_a_fault(code):
    fault = fault_of(Refusal(code, "some details"))
    assert isinstance(fault, Fault)
    assert fault.says
    never = {"UNAUTHENTICATED", "PERMISSION_DENIED", "INVALID_ARGUMENT", "NOT_FOUND", "UNIMPLEMENTED"}
    assert not (fault.transient and code.name in never)


def test_every_transport_error_of_the_client_is_a_fault():
    tree = [e for e in vars(httpx).values() if isinstance(e, type) and issubclass(e, httpx.TransportError)]
    assert len(tree) > 8
    for error in tree:
        assert fault_of(error("it happened")).transient
    assert fault_of(RuntimeError("not the network's")) is None


def test_what_fails_in_tls_is_told_by_its_type(url):
    with pytest.raises(httpx.ConnectError) as caught:  # it speaks no TLS
        httpx.get(url.replace("http:", "https:"))
    fault = fault_of(caught.value)
    assert fault.says.startswith("cannot be trusted over TLS: [SSL")
    assert not fault.transient
    assert fault_of(httpx.ConnectError("no answer of SSL, or of CERTIFICATE")).says == "is not reachable"


@given(st.integers(0, 4))
def test_a_call_is_tried_until_it_is_answered(failures):
    tries = []

    def attempt(client):
        tries.append(1)
        if len(tries) <= failures:
            raise httpx.ReadError("cut")
        return "answer"

    retry = Retry("here", 20)
    assert retry.call(Nodes.of(None), attempt, "testing") == "answer"
    assert len(tries) == failures + 1


@pytest.mark.parametrize(("answered", "says"), [(3, "answered 500"), (0, "did not answer in time")])
def test_a_last_attempt_that_is_cut_short_hides_nothing_that_was_said_before(url, filled, answered, says):
    faults = ["500"] * answered + ["slow"] * 9
    with flaky(url, faults, only="/query") as bad:
        store = reach(bad, timeout=1.5)  # after three pauses less than a second is left
        with pytest.raises(StoreError, match=says):
            store.query(BEST, Selection())


def test_a_node_that_was_not_reachable_and_then_has_time_to_answer_is_told_by_that():
    tries = []

    def attempt(client):
        tries.append(1)
        if len(tries) == 1:
            raise httpx.ConnectError("refused")
        threading.Event().wait(SLOW)

    with pytest.raises(StoreError, match="did not answer in time"):
        Retry("here", 2).call(Nodes.of(None), attempt, "testing")


def test_a_fault_of_the_program_is_not_hidden():
    def attempt(client):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Retry("here", 5).call(Nodes.of(None), attempt, "testing")
