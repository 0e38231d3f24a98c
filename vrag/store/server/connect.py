"""Connections to a Qdrant server: gRPC where it answers, REST where it does not."""

from __future__ import annotations

import logging
import math
import os
import re
import ssl
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qdrant_client import QdrantClient

from vrag.errors import StoreError
from vrag.runtime.budget import seconds_left
from vrag.store.server.address import KEY_ENV, Server
from vrag.store.server.border import ANSWER_BYTES, hidden, hold_to_terms
from vrag.store.server.retry import Retry

MINIMUM = (1, 16)  # the client library speaks to servers since then
_GRPC_TRIAL = 3.0  # seconds for gRPC to answer before REST is used
_TEXT = 40  # characters of a version that a message repeats
_REFUSALS = 3  # of a first contact, when nobody listens: a wrong address is told soon
# Answers come uncompressed: a server spends nine tenths of its time on packing vectors, which hardly shrink.
_GRPC_ENCODINGS, _GRPC_SIZE = "grpc.compression_enabled_algorithms_bitset", "grpc.max_receive_message_length"
_LOG = logging.getLogger("vrag")


@dataclass(frozen=True, slots=True)
class Connection:
    """An open way to a server.

    Args:
        client: The client library's object.
        read: How long a search or a look-up tries.
        write: How long a write tries.
        wire: "grpc" or "rest".
    """

    client: QdrantClient
    read: Retry
    write: Retry
    wire: str


def connect(server: Server) -> Connection:
    """Open a connection, after the server has answered and is new enough.

    Raises:
        StoreError: Not reachable, an older server than needed, or not a Qdrant server.
    """
    if server.exposes_key:
        _LOG.warning("%s would cross the network to %s unencrypted: use an https:// address.", KEY_ENV, server.host)
    seconds_left(server.timeout)  # a trial of gRPC, which is shorter, does not decide what a command may take
    if server.grpc:
        connection = _over_grpc(server)
        if connection is not None:
            return connection
    connection = _connection(server, "rest")
    first = _retry(server, server.timeout, _REFUSALS)
    _check_version(server, first.call(connection.client.info, "connecting").version)
    return connection


def _over_grpc(server: Server) -> Connection | None:
    connection = _connection(server, "grpc")
    try:
        trial = _retry(server, min(_GRPC_TRIAL, server.timeout), 1)
        version = trial.call(connection.client.info, "connecting").version
    except StoreError:
        connection.client.close()
        return None
    _check_version(server, version)
    return connection


def _connection(server: Server, wire: str) -> Connection:
    options: dict[str, Any] = {
        "prefer_grpc": wire == "grpc",
        "grpc_port": server.grpc,
        "grpc_options": {_GRPC_ENCODINGS: 1, _GRPC_SIZE: ANSWER_BYTES},  # the first bit alone: no compression
        "headers": {"accept-encoding": "identity"} if wire == "rest" else None,
        "event_hooks": {"response": [hold_to_terms]},
    }
    authority = os.environ.get("SSL_CERT_FILE")
    if authority and server.url.startswith("https"):
        options["verify"] = ssl.create_default_context(cafile=authority)
        options["grpc_options"]["root_certificates"] = Path(authority).read_bytes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library warns of any key over http; ours knows what is local
        client = QdrantClient(
            url=server.url,
            api_key=server.api_key,
            timeout=math.ceil(server.timeout),
            check_compatibility=False,
            **options,
        )
    return Connection(client, _retry(server, server.timeout), _retry(server, server.patience), wire)


def _retry(server: Server, seconds: float, refusals: int = 1000) -> Retry:
    return Retry(server.url, seconds, refusals=refusals, secret=server.api_key)


def _check_version(server: Server, version: str) -> None:
    found = re.match(r"(\d{1,4})\.(\d{1,4})\b", version)
    if found is None or (int(found[1]), int(found[2])) < MINIMUM:
        wanted, says = ".".join(map(str, MINIMUM)), hidden(version, server.api_key)[:_TEXT]
        raise StoreError(
            f"The Qdrant server at {server.url} is version {says}; vrag needs {wanted} or newer.",
            "Upgrade the server; docker-compose.yml names one that works.",
        )
