"""`vrag mcp --transport http`, on a real socket."""

import threading
from contextlib import contextmanager

import anyio
import httpx
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.cli.test_serve import TOKEN
from tests.mcp.talking import PATIENCE_S, both_answered, call, data, talk
from vrag.cli.serve import listening
from vrag.mcp.transports import PATH, serve_http
from vrag.serve.http.guard import make_guard
from vrag.serve.http.http_server import HttpServer

QUESTION = "Where does the snow leopard live?"
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
JSON = {"Accept": "application/json, text/event-stream"}


@contextmanager
def answering(server, monkeypatch, token=""):
    """The address of a server, which runs in a thread of this process."""
    ready, running = threading.Event(), []
    run = HttpServer.run
    monkeypatch.setattr(HttpServer, "run", lambda http, **named: (running.append(http), run(http, **named)))
    with listening("127.0.0.1", 0) as listener:
        guard = make_guard("127.0.0.1", token)
        thread = threading.Thread(target=serve_http, args=(server, listener, guard, ready.set))
        thread.start()
        try:
            assert ready.wait(PATIENCE_S)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}{PATH}"
        finally:
            running[0].should_exit = True
            thread.join()


@pytest.fixture
def url(server, monkeypatch):
    with answering(server, monkeypatch) as url:
        yield url


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_pages_are_found_read_and_seen(url, mode):
    async def conversation(client):
        found = data(await client.call_tool("search", {"query": QUESTION, "k": 1}))["results"][0]
        page = data(await client.call_tool("fetch", {"id": found["id"]}))
        shown = await client.call_tool("show_page", {"ids": [found["id"]], "width": 200})
        resource = await client.read_resource(found["url"])
        return page["text"], [block.type for block in shown.content], resource.contents[0].text

    text, blocks, resource = talk(url, conversation, mode=mode)
    assert text.startswith("The snow leopard lives")
    assert blocks == ["text", "image"]
    assert resource.startswith(text)


def test_mistakes_are_the_tools_errors(url):
    assert call(url, "fetch", id="nobody.pdf#1").is_error


def test_two_clients_are_answered_at_once(url, monkeypatch):
    """Neither is answered before both have asked."""
    found, right = both_answered(lambda: url, monkeypatch)
    assert found == right


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example.com"}, 421),
        ({"Origin": "http://evil.example.com"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({}, 200),
    ],
)
def test_requests_of_other_web_pages_are_refused(url, headers, status):
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    asked = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}
    answer = httpx.post(url, json=asked, headers={**JSON, **headers}, timeout=PATIENCE_S, trust_env=False)
    assert answer.status_code == status


def test_a_body_that_is_too_large_is_refused(url):
    answer = httpx.post(url, json={**PING, "much": "x" * (1 << 20)}, headers=JSON, timeout=PATIENCE_S, trust_env=False)
    assert answer.status_code == 413


def test_a_token_is_asked_for(server, monkeypatch):
    with answering(server, monkeypatch, TOKEN) as url:
        assert httpx.post(url, json=PING, headers=JSON, timeout=PATIENCE_S, trust_env=False).status_code == 401
        assert data(_with_token(url))["results"]


def _with_token(url):
    async def run():
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with (
            httpx2.AsyncClient(headers=headers, trust_env=False) as http,
            Client(streamable_http_client(url, http_client=http)) as client,
        ):
            return await client.call_tool("search", {"query": QUESTION})

    return anyio.run(run)


def test_another_machine_needs_a_token(cli, own):
    refused = cli("mcp", "--index", own, "--transport", "http", "--host", "0.0.0.0", "--port", "0")
    assert refused.code == 2
    assert "needs a token" in refused.err
