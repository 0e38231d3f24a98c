"""An index on a server that lies: one sentence, in its time, whatever is told; nothing is fetched elsewhere."""

import time

import pytest

from tests.store.backend import Backend
from tests.store.lying import lying
from tests.store.rest import rest_server
from tests.store.test_conformance import LOCAL_MODE
from vrag import Index
from vrag.embedders import load_embedder
from vrag.errors import StoreError
from vrag.places import FolderPlace, ServerPlace
from vrag.store.address import Server
from vrag.transfer import transfer

pytestmark = LOCAL_MODE


class Quiet:
    def starting(self, records):
        pass

    def done(self, records):
        pass


@pytest.fixture(scope="module")
def url(indexed):
    with rest_server(Backend()) as url:
        transfer(FolderPlace(indexed), place(url), Quiet())
        yield url


@pytest.fixture(autouse=True)
def _one_embedder(monkeypatch):
    """The real model, loaded once."""
    monkeypatch.setattr("vrag.index.load_embedder", lambda name, **_: MODEL.setdefault(name, load_embedder(name)))


MODEL = {}


def place(url, timeout=30.0):
    return ServerPlace(Server(url, grpc_port=0, timeout=timeout), "vrag")


def slow(handler, body, answer):
    time.sleep(0.5)
    return answer


def test_a_search_and_its_opening_have_their_time_each_and_a_command_has_one(url, cli):
    asked = []

    def lie(handler, body, answer):
        asked.append(handler.path)
        return slow(handler, body, answer)

    with lying(url, lie) as bad:
        done = cli("search", "penguins", "--url", bad, "--timeout", "1.2", env={"VRAG_QDRANT_GRPC_PORT": "0"})
        assert (done.code, len(asked) <= 4) == (1, True)
        assert "did not answer in time" in done.err
        with pytest.raises(StoreError, match="did not answer in time"):
            Index.open(place(bad, 1.2))
        asked.clear()
        with Index.open(place(bad, 60)) as index:
            assert index.search("penguins")[0].page == 2
    assert len(asked) > 4  # so that a command that gave each its time would have gone on
