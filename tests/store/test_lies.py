"""What a server may say that no server should: one sentence in its time, whatever it is, and no key in it."""

import contextlib
import gzip
import itertools
import json
import math
import time
import traceback
import uuid
from dataclasses import replace
from email.utils import formatdate

import grpc
import httpx
import pytest
from qdrant_client import grpc as messages

import vrag.store.server.connect as connect_module
from tests.store.backend import Backend
from tests.store.grpc_server import Points, grpc_server
from tests.store.lying import lying
from tests.store.records import FIELDS, KEYS, page, query
from tests.store.rest import rest_server
from tests.store.test_conformance import LOCAL_MODE
from vrag.errors import StoreError
from vrag.runtime.budget import budget
from vrag.store.interface import Selection, StageRequest
from vrag.store.server.address import Server
from vrag.store.server.border import LONGEST_WAIT, seconds_to_wait
from vrag.store.server.connect import connect
from vrag.store.server.retry import Retry
from vrag.store.server.server import ServerStore

pytestmark = LOCAL_MODE
BEST = [StageRequest("rows", query(), 9), StageRequest("full", query(), 3)]
SECRET = "s3cret-0123456789"
SOON = 30  # seconds a lie may cost on a busy machine; the promise here is `TIMEOUT`
TIMEOUT = 2


@pytest.fixture(scope="module")
def backend():
    return Backend()


@pytest.fixture(scope="module")
def url(backend):
    with rest_server(backend) as url:
        store = ServerStore.create(connect(Server(url, grpc_port=0)), "c", FIELDS, KEYS)
        store.upsert([page(n) for n in range(1, 21)])
        yield url


def search(store):
    return store.query(BEST, Selection(), ["page", "body"])


def listing(store):
    return list(store.scroll(Selection(), ["full"]))


def fetching(store):
    return store.fetch([page(n).id for n in range(1, 4)], ["full"])


def counting(store):
    return store.count(Selection())


def existing(store):
    return store.exists()


def refusal(url, lie, only, ask, key=None):
    """The sentence that a lie becomes, told in time."""
    with lying(url, lie, only) as bad:
        store = ServerStore(connect(Server(bad, key, grpc_port=0, timeout=TIMEOUT)), "c", FIELDS)
        started = time.monotonic()
        with pytest.raises(StoreError) as caught:
            ask(store)
        assert time.monotonic() - started < SOON
        assert bad in caught.value.message
        assert len(str(caught.value)) < 1000
    return caught.value


WAITS = ["Fri, 31 Dec 2077 23:59:59 GMT", "-1", "9" * 400, "soon"]


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("wait", WAITS)
def test_a_server_that_asks_to_be_left_alone_is_waited_for_within_the_time(url, status, wait):
    def lie(handler, body, answer):
        handler.say(b"{}", status, Retry_After=wait.encode().decode("latin-1"))

    assert "searching" in str(refusal(url, lie, "/query", search))


def test_a_wait_that_is_short_is_kept(url):
    first = iter([True])

    def lie(handler, body, answer):
        if next(first, False):
            return handler.say(b"{}", 503, Retry_After=formatdate(time.time() + 1, usegmt=True))
        return answer

    with lying(url, lie, "/query") as bad:
        store = ServerStore(connect(Server(bad, grpc_port=0)), "c", FIELDS)
        assert len(search(store)) == 3


@pytest.mark.parametrize(
    ("said", "means"),
    [("5", 5), ("0", 0), ("-1", 0), ("1e999", LONGEST_WAIT), ("9" * 5000, LONGEST_WAIT), ("nan", None), ("x", None)],
)
def test_what_retry_after_means(said, means):
    assert seconds_to_wait(said) == means


def test_a_date_is_a_time_from_now():
    assert 50 < seconds_to_wait(formatdate(time.time() + 60, usegmt=True)) < 61
    assert seconds_to_wait(formatdate(0, usegmt=True)) == 0
    assert seconds_to_wait("Fri, 31 Dec 9999 23:59:59 +0000") == LONGEST_WAIT


ECHOES = {
    "an error": lambda handler: handler.say(json.dumps({"status": {"error": f"no {SECRET}"}}).encode(), 400),
    "a page": lambda handler: handler.say(f"<p>{'x' * 290}{SECRET}".encode(), 500),
    "a reason": lambda handler: handler.say(b"{}", 500, SECRET),
    "no JSON": lambda handler: handler.say(SECRET.encode()),
    "a wrong type": lambda handler: handler.say(json.dumps({"result": {"points": SECRET}}).encode()),
    "a score": lambda handler: handler.say(json.dumps({"result": {"points": [{"score": SECRET}]}}).encode()),
}


@pytest.mark.parametrize("echo", ECHOES)
def test_a_key_that_comes_back_is_not_shown(url, echo):
    error = refusal(url, lambda handler, body, answer: ECHOES[echo](handler), "/query", search, SECRET)
    told = "".join(traceback.format_exception(error))
    assert not [part for part in (SECRET, SECRET[:8], SECRET[-8:]) if part in told]


def test_a_version_that_is_the_key_is_not_shown(url):
    def lie(handler, body, answer):
        return {"title": SECRET, "version": f"0.{SECRET}"}

    with lying(url, lie, "/") as bad, pytest.raises(StoreError, match=r"version 0\.\*\*\*;") as caught:
        connect(Server(bad, SECRET, grpc_port=0))
    assert SECRET not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("version", ["9" * 5000, "1." + "9" * 5000, "\x1b[31m", "1" * 4000 + "." + "1" * 4000])
def test_a_version_that_is_none_is_a_sentence(url, version):
    lie = {"title": "qdrant", "version": version}
    with lying(url, lambda *_: lie, "/") as bad, pytest.raises(StoreError, match="needs 1.16 or newer") as caught:
        connect(Server(bad, grpc_port=0))
    assert len(caught.value.message) < 200


def test_a_packed_answer_is_refused_before_it_is_unpacked(url):
    bomb = gzip.compress(b" " * (64 << 20))
    lie = lambda handler, body, answer: handler.say(bomb, Content_Encoding="gzip")  # noqa: E731
    assert "packed its answer" in refusal(url, lie, "/query", search).message


@pytest.mark.parametrize(
    ("only", "ask", "most"), [("/count", counting, 8), ("/exists", existing, 8), ("/query", search, 32)]
)
def test_an_answer_without_an_end_is_hung_up(url, monkeypatch, only, ask, most):
    sent = []
    lie = lambda handler, body, answer: sent.append(handler.say_for_ever(b" " * (1 << 20), 3000))  # noqa: E731
    monkeypatch.setattr("vrag.store.server.server.ANSWER_BYTES", 32 << 20)  # 256 MiB take longer than a test may
    assert f"sent more than {most << 20} bytes" in refusal(url, lie, only, ask).message
    assert sent[0] < most + 64  # what the system keeps on its way


def test_an_error_without_an_end_is_hung_up(url):
    lie = lambda handler, body, answer: handler.say(b"x" * (1 << 20), 500)  # noqa: E731
    assert "sent more than 65536 bytes" in refusal(url, lie, "/query", search).message


JUNK = [None, [], {}, "x", 3, -1, 10**30, True, [None], [[]], {"a": 1}, "\ud800", 1.5]
RAW = [b"", b"null", b"[" * 200_000, b"\xff\xfe", b'{"result": NaN}', b'{"result": ' + b"9" * 5000 + b"}", b"{}"]
ASKED = {"/query": search, "/scroll": listing, "/points": fetching, "/count": counting, "/exists": existing}


def once(url):
    """A store that does not ask twice: what is told is the first answer."""
    connection = connect(Server(url, grpc_port=0))
    return ServerStore(replace(connection, read=Retry(url, SOON, attempts=1)), "c", FIELDS)


@pytest.mark.parametrize("only", ASKED)
def test_bytes_that_are_no_answer_are_a_sentence(url, only):
    told = iter(RAW)
    with lying(url, lambda handler, body, answer: handler.say(next(told)), only) as bad:
        store = once(bad)
        for _ in RAW:
            with pytest.raises(StoreError):
                ASKED[only](store)
    assert next(told, None) is None


def places(value, path=()):
    """Paths to all values inside of a JSON value; of long lists to the first."""
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    for key, one in inside:
        yield from places(one, (*path, key))


def changed(value, path, junk):
    """The value with something else at the path."""
    if not path:
        return junk
    copy = list(value) if isinstance(value, list) else dict(value)
    copy[path[0]] = changed(copy[path[0]], path[1:], junk)
    return copy


@pytest.mark.parametrize("only", ASKED)
def test_any_part_of_an_answer_that_is_something_else_is_a_sentence_or_does_no_harm(url, only):
    told = []

    def lie(handler, body, answer):
        if not told:
            told.append(answer)
        return told.pop()

    with lying(url, lie, only) as bad:
        store = once(bad)
        honest = {"result": {"exists": True}, "status": "ok", "time": 0.0}
        if only in BODIES:
            honest = httpx.post(f"{url}/collections/c{only}", json=BODIES[only]).json()
        for path, junk in itertools.product([*places(honest)][1:], JUNK):
            told.append(changed(honest, path, junk))
            with contextlib.suppress(StoreError):
                ASKED[only](store)


BODIES = {
    "/query": {"query": [0.1] * 8, "using": "global", "limit": 2, "with_payload": True},
    "/scroll": {"limit": 2, "with_payload": True, "with_vector": ["full"]},
    "/points": {"ids": [page(1).id], "with_payload": True, "with_vector": ["full"]},
    "/count": {"exact": True},
}


def record(number, **changes):
    """A record of an answer."""
    return {"id": str(uuid.UUID(int=number)), "payload": {"page": 1}, "vector": {"full": [[0.5] * 8]}, **changes}


def endless(handler, body, answer):
    """Records in order, without an end."""
    start = uuid.UUID(body["offset"]).int if body.get("offset") else 1
    return listed(range(start, start + 2), start + 2)


def listed(numbers, following):
    points = [record(number) for number in numbers]
    after = None if following is None else str(uuid.UUID(int=following))
    return {"result": {"points": points, "next_page_offset": after}, "status": "ok", "time": 0.0}


LISTINGS = {
    "the same offset again": (lambda *_: listed([1, 2], 3), "again and again"),
    "an offset that goes back": (lambda h, body, a: listed([1], 2 if body.get("offset") else 9), "again and again"),
    "an offset and no records": (lambda *_: listed([], 5), "again and again"),
    "more than asked for": (lambda *_: listed(range(1, 10), None), "sent 9 records where 8 were asked for"),
    "no end": (endless, "did not answer in time"),
    "ragged vectors": (lambda *_: with_vector([[0.5] * 8, [0.5] * 7]), "could not be understood"),
    "vectors of another size": (lambda *_: with_vector([[0.5] * 7]), "the index needs dimension 8"),
    "vectors that are not finite": (lambda *_: with_vector([[1e39] * 8]), "not finite"),
    "vectors without rows": (lambda *_: with_vector([]), "the index needs dimension 8"),
    "another vector's name": (lambda *_: told([record(1, vector={"x": [0.5] * 8})]), "Unknown vector 'x'"),
    "a page that is no number": (lambda *_: told([record(1, payload={"page": "x"})]), "whose page is 'x'"),
}


def told(points):
    return {"result": {"points": points, "next_page_offset": None}, "status": "ok", "time": 0.0}


def with_vector(vector):
    return told([record(1, vector={"full": vector})])


@pytest.mark.parametrize("name", LISTINGS)
def test_a_listing_that_lies_is_a_sentence(url, name):
    lie, says = LISTINGS[name]

    def ask(store):
        with budget(TIMEOUT):
            listing(store)

    assert says in refusal(url, lie, "/scroll", ask).message


def scored(*points):
    points = [{"version": 1, "score": 0.5, "payload": {"page": 1, "body": ""}, "id": n, **point} for n, point in points]
    return {"result": {"points": points}, "status": "ok", "time": 0.0}


HITS = {
    "more than asked for": (scored(*((n, {}) for n in range(1, 5))), "sent 4 records where 3 were asked for"),
    "a score that is none": (scored((1, {"score": math.inf})), "sent the score inf"),
    "no page": (scored((1, {"payload": {}})), "without its page"),
    "another page": (scored((1, {"payload": {"page": -1}})), "whose page is '-1'"),
    "a page beyond all numbers": (scored((1, {"payload": {"page": 10**300}})), "whose page is '1"),
}


@pytest.mark.parametrize("name", HITS)
def test_hits_that_lie_are_a_sentence(url, name):
    answer, says = HITS[name]
    assert says in refusal(url, lambda *_: answer, "/query", search).message


@pytest.mark.parametrize("count", [-1, 10**30])
def test_a_count_that_cannot_be_is_a_sentence(url, count):
    assert "counts" in refusal(url, lambda *_: {"result": {"count": count}}, "/count", counting).message


def test_records_that_were_not_asked_for_are_refused(url):
    lie = {"result": [record(7)], "status": "ok", "time": 0.0}
    assert "not asked for" in refusal(url, lambda *_: lie, "/points", fetching).message


def test_all_requests_of_a_command_share_its_time(url):
    """Each answer comes in time, and all together they do not."""

    def slow(handler, body, answer):
        time.sleep(0.4)
        return answer

    with lying(url, slow, "/count") as bad:
        store = ServerStore(connect(Server(bad, grpc_port=0, timeout=60)), "c", FIELDS)
        with budget(1.5), budget(60), pytest.raises(StoreError, match="did not answer in time"):
            [counting(store) for _ in range(10)]
        assert counting(store) == 20  # the next command has its own time


def grpc_refusal(backend, url, monkeypatch, answer, ask=search, key=None):
    """The sentence that a lie over gRPC becomes."""
    monkeypatch.setattr(Points, "Query", lambda self, request, context: answer(context))
    with grpc_server(backend) as port, pytest.raises(StoreError) as caught:
        ask(ServerStore(connect(Server(url, key, grpc_port=port, timeout=TIMEOUT)), "c", FIELDS))
    return caught.value


def aborting(code, says, *more):
    def answer(context):
        context.set_trailing_metadata(more)
        context.abort(code, says)

    return answer


def test_a_key_that_comes_back_over_grpc_is_not_shown(backend, url, monkeypatch):
    for code in (grpc.StatusCode.INTERNAL, grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND):
        error = grpc_refusal(backend, url, monkeypatch, aborting(code, f"{'x' * 290}{SECRET}"), key=SECRET)
        assert SECRET[:8] not in "".join(traceback.format_exception(error))


@pytest.mark.parametrize("wait", ["-1", "9" * 400, "soon"])
def test_a_wait_over_grpc_is_kept_within_the_time(backend, url, monkeypatch, wait):
    busy = aborting(grpc.StatusCode.RESOURCE_EXHAUSTED, "busy", ("retry-after", wait))
    assert "searching" in grpc_refusal(backend, url, monkeypatch, busy).message


def test_an_answer_over_grpc_that_is_too_large_is_hung_up(backend, url, monkeypatch):
    large = messages.QueryResponse(result=[messages.ScoredPoint(version=1)], time=0.5)
    large.result[0].payload["x"].string_value = "x" * (2 << 20)
    monkeypatch.setattr(connect_module, "ANSWER_BYTES", 1 << 20)
    assert "sent more than was asked for" in grpc_refusal(backend, url, monkeypatch, lambda _: large).message


def test_points_over_grpc_that_are_none_are_a_sentence(backend, url, monkeypatch):
    for point in (messages.ScoredPoint(), messages.ScoredPoint(score=math.nan, id=messages.PointId(num=1))):
        answer = messages.QueryResponse(result=[point])
        assert "The Qdrant server at" in grpc_refusal(backend, url, monkeypatch, lambda _, a=answer: a).message
    many = messages.QueryResponse(result=[messages.ScoredPoint(id=messages.PointId(num=1), score=1)] * 4)
    assert "where 3 were asked for" in grpc_refusal(backend, url, monkeypatch, lambda _: many).message
