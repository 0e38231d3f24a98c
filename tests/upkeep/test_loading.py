"""Copies to a server with several batches in flight: met on purpose, one fails, the loader is killed."""

import os
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack

import pytest

from tests.conftest import ANIMALS
from tests.pdfs import write_pdf
from tests.store.backend import Backend, BackendError
from tests.store.grpc_server import grpc_server
from tests.store.rest import rest_server
from tests.store.test_conformance import LOCAL_MODE
from tests.upkeep.test_transfer import Seen, contents, same
from vrag import Index
from vrag.errors import StoreError
from vrag.places.place import FolderPlace, ServerPlace
from vrag.store.server.address import Server
from vrag.upkeep.transfer import transfer

pytestmark = LOCAL_MODE
SOON = 30.0  # seconds; what is waited for comes at once


class Gated(Backend):
    """A backend that calls `gate(number)` for each write of pages, in its thread, before it does it."""

    def __init__(self, gate):
        super().__init__()
        self.gate, self.writes, self.counting = gate, 0, threading.Lock()

    def call(self, wire, what, collection, **arguments):
        if what == "upsert" and any((point.payload or {}).get("kind") == "page" for point in arguments["points"]):
            with self.counting:
                self.writes += 1
                number = self.writes
            self.gate(number)
        return super().call(wire, what, collection, **arguments)


@pytest.fixture(scope="module")
def long_index(tmp_path_factory):
    folder = tmp_path_factory.mktemp("long")
    write_pdf(folder / "long.pdf", [f"{ANIMALS[n % 3]}\n{n}" for n in range(50)])
    with Index.create(folder / "i") as index:
        index.ingest([folder / "long.pdf"])
    return FolderPlace(folder / "i")


@pytest.fixture(params=["rest", "grpc"])
def place_on(request):
    """A function that makes a place of a backend."""
    with ExitStack() as stack:

        def made(backend):
            url = stack.enter_context(rest_server(backend))
            port = stack.enter_context(grpc_server(backend)) if request.param == "grpc" else 0
            return ServerPlace(Server(url, grpc_port=port), "c")

        yield made


def test_four_batches_are_in_flight_at_once(long_index, place_on):
    together = threading.Barrier(4)
    place = place_on(Gated(lambda number: together.wait(SOON) if number <= 4 else None))
    assert transfer(long_index, place, Seen()).pages == 50
    same(contents(long_index), contents(place))


def test_a_batch_that_fails_among_several_stops_the_copy_and_the_next_one_goes_on(long_index, place_on):
    together, is_bad = threading.Barrier(3), True

    def gate(number):
        if is_bad and number <= 3:
            together.wait(SOON)  # three are in flight
            if number == 2:
                raise BackendError(400, "this one is refused")

    backend = Gated(gate)
    place = place_on(backend)
    with pytest.raises(StoreError, match="this one is refused"):
        transfer(long_index, place, Seen())
    assert backend.writes <= 5  # nothing was begun after it, but what was in flight
    assert backend.threads == {"c": None}
    with Index.open(place) as partial:
        assert [document.complete for document in partial.documents.all()] == [False]
        there = partial.page_count
    assert there >= 16  # the two others were acknowledged, and are there
    is_bad = False
    rest = transfer(long_index, place, Seen())
    assert rest.unchanged >= there
    same(contents(long_index), contents(place))


def test_a_slow_write_does_not_put_anything_out_of_order(long_index, place_on):
    last = threading.Event()

    def gate(number):
        if number == 1:
            assert last.wait(SOON)  # the first one is answered after all that may be begun meanwhile
        if number == 4:
            last.set()

    place = place_on(Gated(gate))
    pushed = transfer(long_index, place, Seen())
    again = transfer(long_index, place, Seen())
    assert pushed.checksum == again.checksum
    assert again.copied == 0


def test_a_loader_that_is_killed_leaves_what_was_acknowledged_and_the_next_one_switches_indexing_on(long_index):
    arrived, going_on = threading.Event(), threading.Event()

    def gate(number):
        if number == 6:
            arrived.set()
        if number >= 6:
            going_on.wait(SOON)

    backend = Gated(gate)
    with rest_server(backend) as url:
        command = [sys.executable, "-m", "vrag", "push", "--index", str(long_index.folder), "--url", url]
        environment = {**os.environ, "VRAG_QDRANT_GRPC_PORT": "0"}
        with subprocess.Popen([*command, "--collection", "c"], env=environment, stderr=subprocess.DEVNULL) as loader:
            assert arrived.wait(SOON)
            assert backend.threads == {"c": 0}
            loader.send_signal(signal.SIGKILL)
        assert backend.threads == {"c": 0}
        going_on.set()
        place = ServerPlace(Server(url, grpc_port=0), "c")
        with Index.open(place) as partial:
            assert partial.page_count >= 8
            assert partial.search("krill")
        transfer(long_index, place, Seen())
        assert backend.threads == {"c": None}
        same(contents(long_index), contents(place))


@pytest.mark.parametrize("sums", [True, False])
def test_a_push_of_what_is_there_reads_vectors_only_where_no_sums_say_what_they_are(
    long_index, place_on, sums, monkeypatch
):
    if not sums:
        monkeypatch.setattr("vrag.upkeep.copying.SUMS", "none")
    backend = Backend()
    place, asked = place_on(backend), []
    transfer(long_index, place, Seen())
    call = backend.call

    def listening(wire, what, collection, **arguments):
        asked.append(bool(arguments.get("with_vectors")))
        return call(wire, what, collection, **arguments)

    monkeypatch.setattr(backend, "call", listening)
    assert transfer(long_index, place, Seen()).copied == 0
    assert any(asked) != sums
