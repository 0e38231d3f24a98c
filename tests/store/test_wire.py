"""What travels between vrag and a server, seen on the wire: a server packs vectors only for those who take them so."""

from contextlib import contextmanager
from urllib.parse import urlsplit

import numpy as np
import pytest
from qdrant_client import QdrantClient

from tests.store.backend import Backend
from tests.store.cutting import Heard, cutting
from tests.store.grpc_server import grpc_server
from tests.store.records import FIELDS, KEYS, page
from tests.store.rest import rest_server
from tests.store.test_conformance import LOCAL_MODE
from vrag.store.interface import Record, Selection
from vrag.store.server.address import Server
from vrag.store.server.connect import connect
from vrag.store.server.server import ServerStore

pytestmark = LOCAL_MODE
ROWS, DIM = 500, 8
RAW = {"grpc": ROWS * DIM * 4, "rest": ROWS * DIM * len("0.5,")}  # bytes of the vector as it is
FLAT = Record(page(1).id, {}, {"full": np.full((ROWS, DIM), 0.5, np.float32)})  # packs to next to nothing


@pytest.fixture
def servers():
    """URL and gRPC port of a server with the one record."""
    backend = Backend()
    with rest_server(backend) as url, grpc_server(backend) as port:
        ServerStore.create(connect(Server(url, grpc_port=0)), "c", FIELDS, KEYS).upsert([FLAT])
        yield url, port


@contextmanager
def tapped(servers, wire):
    """URL, gRPC port, and what is heard between them and the server."""
    url, port = servers
    heard = Heard()
    with cutting(port if wire == "grpc" else urlsplit(url).port, heard=heard) as through:
        yield *((url, through) if wire == "grpc" else (f"http://127.0.0.1:{through}", 0)), heard


READS = {
    "fetch": lambda store: store.fetch([FLAT.id], ["full"]),
    "scroll": lambda store: list(store.scroll(Selection(), ["full"])),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
@pytest.mark.parametrize("wire", ["grpc", "rest"])
def test_no_vectors_are_asked_for_packed_nor_come_so(servers, wire, read):
    with tapped(servers, wire) as (url, port, heard):
        store = ServerStore(connect(Server(url, grpc_port=port)), "c", FIELDS)
        before = len(heard.answered)
        assert read(store)
        store.close()
    said = bytes(heard.said).lower()
    assert b"identity" in said
    assert not [encoding for encoding in (b"gzip", b"deflate") if encoding in said]
    assert RAW[wire] < len(heard.answered) - before


@pytest.mark.parametrize("wire", ["grpc", "rest"])
def test_the_same_vectors_would_come_packed_to_who_takes_them_so(servers, wire):
    with tapped(servers, wire) as (url, port, heard):
        client = QdrantClient(url, grpc_port=port or None, prefer_grpc=wire == "grpc", check_compatibility=False)
        assert client.retrieve("c", [FLAT.id], with_vectors=True)
        client.close()
    assert len(heard.answered) < RAW[wire] / 4
