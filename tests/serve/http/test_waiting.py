"""Pictures that nobody waits for, and too many that are waited for."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.serve.http.test_limits import connect
from tests.serve.http.test_reading import assert_problem
from tests.serve.http.test_uploads import until
from vrag.serve.http import here as here_module
from vrag.serve.http import page_routes
from vrag.serve.http.request_shapes import MOST_IMAGES


@pytest.fixture
def slow(writer, monkeypatch):
    """A service whose pictures take until `go_on`; `drawn` are their widths."""
    draw, writer.go_on, writer.drawn = writer.service.index.draw, threading.Event(), []

    def wait(file, document, page, width):
        assert writer.go_on.wait(60)
        writer.drawn.append(width)
        return draw(file, document, page, width)

    (document,) = writer.get("/v1/documents", params={"q": "animals"}).json()["documents"]
    writer.image = f"{document['url']}/pages/1/image"
    writer.get(writer.image, params={"width": 99})
    monkeypatch.setattr(writer.service.index, "draw", wait)
    yield writer
    writer.go_on.set()


def waiting(running):
    return running.app.state.here.drawing.statistics()


def test_pictures_take_a_part_of_the_places(slow, monkeypatch):
    monkeypatch.setattr(page_routes, "MOST_WAITING", 2)
    with ThreadPoolExecutor(12) as pool, httpx.Client(base_url=slow.url, timeout=60, trust_env=False) as client:
        asked = [pool.submit(client.get, slow.image, params={"width": 100 + n}) for n in range(10)]
        until(lambda: waiting(slow).tasks_waiting == 2)
        refused = slow.get(slow.image, params={"width": 200})
        assert_problem(refused, 503, "pictures")
        assert refused.headers["retry-after"] == "1"
        assert slow.get(slow.image, params={"width": 99}).status_code == 200  # it is kept
        assert slow.get("/v1/search", params={"q": "bees"}).status_code == 200
        slow.go_on.set()
        assert {one.result().status_code for one in asked} == {200}


def test_a_picture_that_nobody_waits_for_is_not_drawn(slow):
    def ask(width):
        client = connect(slow.port)
        client.sendall(f"GET {slow.image}?width={width} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        return client

    with contextlib.ExitStack() as last:
        for width in range(100, 108):
            last.enter_context(ask(width))
        until(lambda: waiting(slow).borrowed_tokens == 8)
        gone = ask(300)
        until(lambda: waiting(slow).tasks_waiting == 1)
        gone.close()
        stays = last.enter_context(ask(301))
        until(lambda: waiting(slow).tasks_waiting == 2)
        slow.go_on.set()
        assert stays.recv(1000).startswith(b"HTTP/1.1 200")
        until(lambda: not waiting(slow).borrowed_tokens)
    assert 301 in slow.drawn
    assert 300 not in slow.drawn


def test_answers_with_pictures_are_few_and_short(reader):
    asked = {"query": "bees", "include": ["image"]}
    assert_problem(reader.post("/v1/search", json={**asked, "k": MOST_IMAGES + 1}), 422, "With pictures")
    imaging = reader.app.state.here.imaging
    for _ in range(here_module.MOST_WITH_IMAGES):
        assert imaging.acquire(blocking=False)
    try:
        assert_problem(reader.post("/v1/search", json=asked), 503, "pictures")
    finally:
        imaging.release(here_module.MOST_WITH_IMAGES)
    assert reader.post("/v1/search", json=asked).json()["hits"][0]["image"].startswith("data:")
