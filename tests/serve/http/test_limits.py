"""What a client may take: bytes, time, places. Slow and greedy ones do not keep others waiting."""

import asyncio
import contextlib
import gc
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

import vrag.errors
from tests.serve.http.running import listening
from tests.serve.http.test_reading import assert_problem
from vrag.errors import VragError
from vrag.remote.service_url import CALLS_PATH
from vrag.serve.http import bounds, server
from vrag.serve.http.bounds import MOST_BODY, Bounded
from vrag.serve.http.problems import status_of
from vrag.serve.http.shield import Shield

HEAD = b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


def connect(port):
    client = socket.create_connection(("127.0.0.1", port))
    client.settimeout(20)
    return client


def read_to_end(client):
    """All that comes until the connection ends; also one that is reset."""
    said = b""
    with contextlib.suppress(ConnectionError):
        while part := client.recv(65536):
            said += part
    return said


def test_a_body_that_is_too_long_is_refused_before_it_comes(reader):
    with connect(reader.port) as client:
        client.sendall(HEAD + f"Content-Length: {MOST_BODY + 1}\r\n\r\n".encode())
        assert client.recv(1000).startswith(b"HTTP/1.1 413")
    long = {"query": "x", "where": ["y" * MOST_BODY]}
    assert_problem(reader.post("/v1/search", json=long), 413, "256 KiB")


def test_a_call_that_names_documents_may_be_longer(reader):
    long = b" " * (2 * MOST_BODY)
    assert reader.post(f"{CALLS_PATH}/labels", content=long).status_code == 422  # read, and no call
    assert_problem(reader.post(f"{CALLS_PATH}/search", content=long), 413)
    with connect(reader.port) as client:
        head = HEAD.replace(b"/v1/search", CALLS_PATH.encode() + b"/labels")
        client.sendall(head + f"Content-Length: {bounds.MOST_CALL + 1}\r\n\r\n".encode())
        assert client.recv(1000).startswith(b"HTTP/1.1 413")


def test_a_body_without_end_is_broken_off(reader):
    def endless():
        while True:
            yield b"[" * 10_000

    headers = {"content-type": "application/json"}
    assert_problem(reader.post("/v1/search", content=endless(), headers=headers), 413)


@pytest.mark.parametrize("length", [b"-1", b"1e3", b"9" * 30, b"x"])
def test_a_length_that_is_none_is_refused(reader, length):
    with connect(reader.port) as client:
        client.sendall(HEAD + b"Content-Length: " + length + b"\r\n\r\n")
        assert client.recv(1000)[9:12] in (b"400", b"413")


def test_a_body_that_comes_too_slowly_is_given_up(reader, monkeypatch):
    monkeypatch.setattr(bounds, "GRACE_S", 0.2)
    monkeypatch.setattr(server, "LINGER_S", 0.1)
    with connect(reader.port) as client:
        client.sendall(HEAD + b"Content-Length: 1000\r\n\r\n{")
        said = read_to_end(client)
    assert said.startswith(b"HTTP/1.1 408")
    assert b"came too slowly" in said


def test_a_long_body_may_not_pause(reader, monkeypatch):
    monkeypatch.setattr(bounds, "PAUSE_S", 0.2)
    monkeypatch.setattr(server, "LINGER_S", 0.1)
    with connect(reader.port) as client:
        client.sendall(HEAD + b"Content-Length: 200000\r\n\r\n" + b" " * 100_000)
        assert read_to_end(client).startswith(b"HTTP/1.1 408")


def test_all_bodies_together_have_a_bound(monkeypatch):
    monkeypatch.setattr(bounds, "MOST_RECEIVED", 1500)

    async def scenario():
        async def answer(scope, receive, send):
            await receive()
            await send({"type": "http.response.start", "status": 200, "headers": []})

        app = Bounded(answer)
        first = Asked(app, "/v1/calls/labels", "POST", [b"x" * 1000, b"y"])
        task = asyncio.create_task(first.run())
        await first.is_read.acquire()
        await first.is_read.acquire()  # its first piece is held, its second is waited for
        second = Asked(app, "/v1/calls/labels", "POST", [b"z" * 1000])
        assert await second.run() == 503
        assert (b"retry-after", b"1") in second.sent[0]["headers"]
        first.go_on.set()
        assert await task == 200
        again = Asked(app, "/v1/calls/labels", "POST", [b"z" * 1000])
        assert await again.run() == 200

    asyncio.run(asyncio.wait_for(scenario(), 30))


def test_silent_connections_lock_nobody_out(reader, monkeypatch):
    """The one that has asked for nothing for longest makes room, whether it is new or was answered."""
    monkeypatch.setattr(server, "MOST_CONNECTIONS", 8)
    with contextlib.ExitStack() as last, listening(reader.app) as port:
        answered = last.enter_context(connect(port))
        answered.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert answered.recv(1000).startswith(b"HTTP/1.1 200")
        for _ in range(20):
            last.enter_context(connect(port))
        one = last.enter_context(connect(port))
        one.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert one.recv(1000).startswith(b"HTTP/1.1 200")
        assert b"HTTP" not in read_to_end(answered)


def test_where_all_are_answered_another_one_is_told_in_our_form(monkeypatch):
    monkeypatch.setattr(server, "MOST_CONNECTIONS", 3)
    begun, go_on = threading.Semaphore(0), threading.Event()

    async def slow(scope, receive, send):
        begun.release()
        await asyncio.to_thread(go_on.wait, 30)
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    with listening(slow) as port, connect(port) as first, connect(port) as second:
        for client in (first, second):
            client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert begun.acquire(timeout=30)
        with connect(port) as fourth:
            fourth.sendall(b"GET /x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            said = read_to_end(fourth)
        go_on.set()
    assert said.startswith(b"HTTP/1.1 503")
    assert_ours(said)


def test_what_is_no_request_is_answered_in_our_form(reader):
    with connect(reader.port) as client:
        client.sendall(b"NONSENSE\r\n\r\n")
        said = read_to_end(client)
    assert said.startswith(b"HTTP/1.1 400")
    assert_ours(said)


def assert_ours(said):
    """A problem with the headers that protect a browser."""
    head, _, body = said.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head
    assert b"x-content-type-options: nosniff" in head.lower()
    assert json.loads(body)["hint"]


def test_headers_that_come_too_slowly_end_the_connection(reader, monkeypatch):
    monkeypatch.setattr(server, "HEAD_S", 0.2)
    with connect(reader.port) as silent, connect(reader.port) as slow, connect(reader.port) as second:
        slow.sendall(b"GET /healthz HTTP/1.1\r\nHost: local")
        second.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert second.recv(1000).startswith(b"HTTP/1.1 200")
        second.sendall(b"GET /healthz HT")
        assert [read_to_end(client) for client in (silent, slow)] == [b"", b""]
        assert b"HTTP/1.1" not in read_to_end(second)


def test_headers_that_are_too_long_are_refused(reader):
    with connect(reader.port) as client, contextlib.suppress(ConnectionError):
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"x" * 300_000 + b"\r\n\r\n")
        assert client.recv(1000).startswith(b"HTTP/1.1 400")


def test_somebody_who_does_not_read_is_let_go(monkeypatch):
    monkeypatch.setattr(server, "STALL_S", 0.2)
    gone = threading.Event()

    async def flood(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(10_000):
            await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
            if await disconnected(receive):
                gone.set()
                return

    with listening(flood) as port, connect(port) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert gone.wait(20)


async def disconnected(receive):
    try:
        message = await asyncio.wait_for(receive(), 0.001)
    except (asyncio.TimeoutError, TimeoutError):
        return False
    return message["type"] == "http.disconnect"


def test_an_answer_before_the_body_ends_the_connection(monkeypatch):
    """Else somebody could send for ever what nobody wants."""
    monkeypatch.setattr(server, "LINGER_S", 0.2)

    async def refuse(scope, receive, send):
        await send({"type": "http.response.start", "status": 403, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"no"})

    with listening(refuse) as port, connect(port) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n")
        assert client.recv(1000).startswith(b"HTTP/1.1 403")
        with pytest.raises(ConnectionError):
            send_on(client)


def send_on(client):
    for _ in range(2_000):
        client.sendall(b"x" * 1000)
        time.sleep(0.005)


class Asked:
    """A request to an app, without a server."""

    def __init__(self, app, path="/v1/x", method="GET", pieces=(b"",)):
        self.scope = {"type": "http", "path": path, "method": method, "headers": [], "query_string": b""}
        self.app, self.sent = app, []
        self.began, self.go_on = asyncio.Event(), asyncio.Event()
        self.pieces, self.reads, self.is_read = list(pieces), 0, asyncio.Semaphore(0)

    async def run(self):
        await self.app(self.scope, self._receive, self._send)
        return self.sent[0]["status"]

    async def _receive(self):
        self.is_read.release()
        if self.reads:  # the first piece is there, the others are waited for
            await self.go_on.wait()
        self.reads += 1
        return {"type": "http.request", "body": self.pieces.pop(0), "more_body": bool(self.pieces)}

    async def _send(self, message):
        self.sent.append(message)
        self.began.set()


def test_only_so_many_are_worked_on_and_an_answer_that_began_gives_its_place_back():
    async def scenario():
        begun, answer, finish = asyncio.Semaphore(0), asyncio.Event(), asyncio.Event()

        async def slow(scope, receive, send):
            begun.release()
            await answer.wait()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await finish.wait()
            await send({"type": "http.response.body", "body": b""})

        app = Bounded(slow, most=2)
        two = [Asked(app), Asked(app)]
        tasks = [asyncio.create_task(one.run()) for one in two]
        await begun.acquire()
        await begun.acquire()
        third = Asked(app)
        assert await third.run() == 503
        assert (b"retry-after", b"1") in third.sent[0]["headers"]
        assert await asyncio.wait_for(alive(app, answer), 5)
        await asyncio.gather(*(one.began.wait() for one in two))
        fourth = Asked(app)  # the first two are still being sent
        task = asyncio.create_task(fourth.run())
        await asyncio.wait_for(fourth.began.wait(), 5)
        finish.set()
        assert [await one for one in (*tasks, task)] == [200, 200, 200]

    async def alive(app, answer):
        asked = asyncio.create_task(Asked(app, "/healthz").run())
        await asyncio.sleep(0)
        answer.set()
        return not asked.cancelled()

    asyncio.run(scenario())


def test_a_place_is_given_back_when_the_work_fails():
    async def broken(scope, receive, send):
        raise ValueError("secret of the inside")

    async def scenario():
        app = Shield(Bounded(broken, most=1), lambda *_: None)
        return [(await asked.run(), asked.sent) for asked in (Asked(app), Asked(app))]

    for status, sent in asyncio.run(scenario()):
        assert status == 500
        assert b"secret" not in sent[1]["body"]


def test_what_should_not_happen_is_a_sentence_and_a_trace_in_the_log(reader, monkeypatch, caplog, capfd):
    def broken(*_):
        raise RuntimeError("of the inside")

    monkeypatch.setattr(reader.service.index, "search", broken)
    assert_problem(reader.post("/v1/search", json={"query": "x"}), 500, "Its log says why.")
    (record,) = [record for record in caplog.records if record.exc_info]
    assert "of the inside" in str(record.exc_info[1])
    assert "Traceback" not in capfd.readouterr().err


def kinds(kind=VragError):
    yield kind
    for sub in kind.__subclasses__():
        yield from kinds(sub)


def test_every_error_of_ours_has_a_status():
    gc.collect()
    for kind in kinds():
        if kind.__module__.startswith("vrag."):
            assert status_of(kind.__new__(kind)) in (400, 403, 422, 500, 502, 503), kind
    assert status_of(vrag.errors.BusyError("x")) == 503
    assert status_of(vrag.errors.UsageError("x")) == 400
    assert status_of(vrag.errors.EncryptedError("x")) == 422


def test_a_quick_request_is_answered_while_many_searches_wait(reader, monkeypatch):
    """Each of them has a thread; those that search wait for their turn to compute."""
    waiting, go_on = threading.Semaphore(0), threading.Event()
    search = reader.service.index.search

    def slow(*arguments):
        waiting.release()
        assert go_on.wait(60)
        return search(*arguments)

    monkeypatch.setattr(reader.service.index, "search", slow)
    monkeypatch.setattr(reader.service, "searching", contextlib.nullcontext)
    many = bounds.MOST_REQUESTS - 2
    with ThreadPoolExecutor(many) as pool, httpx.Client(base_url=reader.url, timeout=60, trust_env=False) as client:
        asked = [pool.submit(client.post, "/v1/search", json={"query": "bees"}) for _ in range(many)]
        try:
            for _ in range(many):
                assert waiting.acquire(timeout=30)
            assert client.get("/v1/documents").status_code == 200
        finally:
            go_on.set()
        assert {one.result().status_code for one in asked} == {200}
