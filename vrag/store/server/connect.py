"""Connections to a Qdrant server: gRPC where it answers, REST where it does not."""

from __future__ import annotations

import logging
import math
import os
import re
import ssl
import time
import warnings
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from qdrant_client import QdrantClient

from vrag.store.server.address import KEY_ENV, Server
from vrag.store.server.border import ANSWER_BYTES, hidden, hold_to_terms
from vrag.store.server.library import starting
from vrag.store.server.nodes import Node, Nodes
from vrag.store.server.retry import Retry
from vrag.store.server.server_faults import UnfitError, fault_of
from vrag.store.server.within import within

MINIMUM = (1, 16)  # the client library speaks to servers since then
_GRPC_TRIAL = 3.0  # seconds for gRPC to answer before REST is used
_CHECK = "Look at SSL_CERT_FILE, SSL_CERT_DIR, HTTP_PROXY, HTTPS_PROXY and ALL_PROXY."
_TEXT = 40  # characters of a version that a message repeats
_REFUSALS = 3  # of a first contact, when nobody listens: a wrong address is told soon
# Answers come uncompressed: a server spends nine tenths of its time on packing vectors, which hardly shrink.
_GRPC_ENCODINGS, _GRPC_SIZE = "grpc.compression_enabled_algorithms_bitset", "grpc.max_receive_message_length"
_GRPC_AGAIN = {"grpc.initial_reconnect_backoff_ms": 100, "grpc.max_reconnect_backoff_ms": 2000}  # else up to 2 minutes
_LOG = logging.getLogger("vrag")


@dataclass(frozen=True, slots=True)
class Connection:
    """An open way to a server, or to the nodes of a cluster.

    Args:
        nodes: That may be asked.
        read: How long a search or a look-up tries.
        write: How long a write tries.
        wire: "grpc", or "rest" when any of them may have to be spoken to so.
    """

    nodes: Nodes
    read: Retry
    write: Retry
    wire: str

    @property
    def client(self) -> QdrantClient:
        """The client library's object of the node in use."""
        client: QdrantClient = self.nodes.current.client()
        return client

    def close(self) -> None:
        """Close it."""
        self.nodes.close()


def connect(server: Server) -> Connection:
    """Open a connection, after a node has answered and is new enough.

    Raises:
        StoreError: Not reachable, an older server than needed, or not a Qdrant server; of several nodes, all of them.
    """
    opener = _Opener()
    nodes = Nodes([Node(one.url, partial(opener.open, one)) for one in server.each])
    _retry(server, server.timeout, _REFUSALS).call(nodes, lambda client: None, "connecting")
    opener.is_first = False
    wire = "grpc" if opener.wire == "grpc" and all(one.grpc for one in server.each) else "rest"
    return Connection(nodes, _retry(server, server.timeout), _retry(server, server.patience), wire)


class _Opener:
    """Connects to nodes. The first that answers decides the protocol, since requests are as large as it allows."""

    def __init__(self) -> None:
        self.wire = "grpc"
        self.is_first = True
        self._warned: set[str] = set()

    def open(self, server: Server, seconds: float | None) -> QdrantClient:
        """A client that has been answered.

        Args:
            server: One node.
            seconds: To answer in; None for as many as a request may take.

        Raises:
            UnfitError: It is too old.
        """
        if server.exposes_key and server.host not in self._warned:
            self._warned.add(server.host)
            _LOG.warning("%s would cross the network to %s unencrypted: use an https:// address.", KEY_ENV, server.host)
        most = server.timeout if seconds is None else seconds
        if server.grpc and self.wire == "grpc":
            client = self._over_grpc(server, min(_GRPC_TRIAL, most), others=seconds is not None)
            if client is not None:
                return client
        client = _answered(server, "rest", most)
        if self.is_first:
            self.wire = "rest"
        return client

    def _over_grpc(self, server: Server, seconds: float, others: bool) -> QdrantClient | None:
        """None when REST may do. Where nothing at all is heard, others are asked first."""
        try:
            return _answered(server, "grpc", seconds)
        except Exception as error:
            is_final = not self.is_first or isinstance(error, UnfitError)
            if is_final or fault_of(error) is None or (others and isinstance(error, TimeoutError)):
                raise
            return None


def _answered(server: Server, wire: str, seconds: float) -> QdrantClient:
    """A client whose server has told its version."""
    client = _client(server, wire)
    try:
        _check_version(within(time.monotonic() + seconds, client.info).version, server.api_key)
    except BaseException:
        client.close()
        raise
    return client


def _client(server: Server, wire: str) -> QdrantClient:
    try:
        return _library_client(server, wire)
    except (ValueError, ImportError, OSError, httpx.InvalidURL) as error:
        why = hidden(getattr(error, "strerror", None) or str(error), server.api_key)
        raise UnfitError(f"cannot be asked with the proxy or certificates of the environment: {why}", _CHECK) from error


def _library_client(server: Server, wire: str) -> QdrantClient:
    options: dict[str, Any] = {
        "prefer_grpc": wire == "grpc",
        "grpc_port": server.grpc,
        "grpc_options": {_GRPC_ENCODINGS: 1, _GRPC_SIZE: ANSWER_BYTES, **_GRPC_AGAIN},  # no compression: the first bit
        "metadata": {"accept-encoding": "identity"},  # of REST, also beside gRPC, which has no call for everything
        "event_hooks": {"response": [hold_to_terms]},
    }
    authority = os.environ.get("SSL_CERT_FILE")
    if authority and server.url.startswith("https"):
        options["verify"] = ssl.create_default_context(cafile=authority)
        options["grpc_options"]["root_certificates"] = Path(authority).read_bytes()
    with warnings.catch_warnings(), starting():
        warnings.simplefilter("ignore")  # the library warns of any key over http; ours knows what is local
        return QdrantClient(
            url=server.url,
            api_key=server.api_key,
            timeout=math.ceil(server.timeout),
            check_compatibility=False,
            **options,
        )


def _retry(server: Server, seconds: float, refusals: int = 1000) -> Retry:
    return Retry(server.url, seconds, refusals=refusals, secret=server.api_key)


def _check_version(version: str, secret: str | None) -> None:
    found = re.match(r"(\d{1,4})\.(\d{1,4})\b", version)
    if found is None or (int(found[1]), int(found[2])) < MINIMUM:
        wanted, says = ".".join(map(str, MINIMUM)), hidden(version, secret)[:_TEXT]
        hint = "Upgrade the server; docker-compose.yml names one that works."
        raise UnfitError(f"is version {says}; vrag needs {wanted} or newer", hint)
