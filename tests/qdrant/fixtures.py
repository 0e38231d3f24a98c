"""The real servers of a test run; tests that need one are skipped where there is none, and say how to run them."""

import os

import pytest

from tests.qdrant.nodes import PROGRAM_ENV, URL_ENV, one_node
from tests.store.backend import Backend
from tests.store.rest import rest_server
from vrag.store.server.address import KEY_ENV, Server

HOW = f"needs a Qdrant server: {PROGRAM_ENV}=PROGRAM, {URL_ENV}=ADDRESS, or docker and `make test-server`"


def program():
    """The server program that tests may start; skips where none is named."""
    found = os.environ.get(PROGRAM_ENV)
    if not found:
        pytest.skip(f"starts a Qdrant server of its own: {PROGRAM_ENV}=PROGRAM, or docker and {PROGRAM_ENV}=docker")
    return found


@pytest.fixture(scope="session")
def qdrant(tmp_path_factory):
    """A server for all tests, as vrag is told of it: the one at an address, else one that is started."""
    url = os.environ.get(URL_ENV)
    if url:
        yield Server.from_environment(url)
        return
    if not os.environ.get(PROGRAM_ENV):
        pytest.skip(HOW)
    with one_node(program(), tmp_path_factory.mktemp("qdrant")) as node:
        yield node.server()


def environment(server, collection):
    """What a command is told of a server by variables."""
    told = {"QDRANT_URL": server.url, "VRAG_COLLECTION": collection}
    if server.grpc_port is not None:
        told["VRAG_QDRANT_GRPC_PORT"] = str(server.grpc_port)
    return told | ({KEY_ENV: server.api_key} if server.api_key else {})


@pytest.fixture(scope="session", params=["sockets", pytest.param("real", marks=pytest.mark.qdrant)])
def any_server(request):
    """The stand-in behind real sockets, and a real server."""
    if request.param == "real":
        yield request.getfixturevalue("qdrant")
        return
    with rest_server(Backend()) as url:
        yield Server(url, grpc_port=0)
