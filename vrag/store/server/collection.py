"""One collection of a server: requests to it, and how it is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from qdrant_client import models

from vrag.errors import StoreError
from vrag.store.interface import VectorField
from vrag.store.layout import ServerLayout
from vrag.store.server.border import check_count, terms
from vrag.store.server.connect import Connection
from vrag.store.server.grpc_points import GrpcPoints
from vrag.store.server.messages import IDF, RestPoints, vector_params
from vrag.store.server.retry import Retry
from vrag.store.server.server_faults import UNREADABLE, Fault

T = TypeVar("T")
FULL, CONTEXT = UNPOOLED = "full", "context"  # vectors that have no quantized form: what they score is final
_KINDS: Mapping[str, Any] = {
    "keyword": models.PayloadSchemaType.KEYWORD,
    "integer": models.PayloadSchemaType.INTEGER,
    "float": models.PayloadSchemaType.FLOAT,
    "datetime": models.PayloadSchemaType.DATETIME,
    "text": models.TextIndexParams(
        type=models.TextIndexType.TEXT,
        tokenizer=models.TokenizerType.WORD,
        lowercase=True,
        ascii_folding=True,
        phrase_matching=True,
        max_token_len=64,
    ),
}


class Collection:
    """For all threads. Every request is tried again as the connection's `Retry` says.

    Args:
        connection: From `connect`; closed with the collection.
        name: Of the collection.
    """

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection: Connection | None = connection
        self.name = name
        self._shards: int | None = None

    @property
    def connection(self) -> Connection:
        """The open one."""
        if self._connection is None:
            raise StoreError("The index is closed.")
        return self._connection

    def read(self, request: Callable[[Any], T], doing: str, size: int | None = None) -> T:
        """The answer to a search or a look-up.

        Args:
            request: Of the client library's object; may be run many times.
            doing: What it does, for the message.
            size: Bytes the answer may have; None for a short one.

        Raises:
            StoreError: There is no answer in time, or none that can be read.
        """
        return self._call(self.connection.read, request, doing, size)

    def write(self, request: Callable[[Any], T], doing: str) -> T:
        """The answer to a change, which waits longer for a server that is away; else as `read`."""
        return self._call(self.connection.write, request, doing)

    def points(self, client: Any) -> GrpcPoints | RestPoints:
        """How points are written and read."""
        connection = self.connection
        return GrpcPoints(client, connection.read.seconds) if connection.wire == "grpc" else RestPoints(client)

    def exists(self) -> bool:
        """Whether it is there."""
        return self.read(lambda c: bool(c.collection_exists(self.name)), "connecting")

    def shards(self) -> int:
        """Its shards, which it keeps for good: asked once."""
        if self._shards is None:
            self._shards = max(check_count(self._info().config.params.shard_number or 1), 1)
        return self._shards

    def make(self, fields: Mapping[str, VectorField], layout: ServerLayout) -> None:
        """Make it, unless it is there.

        Args:
            fields: Named vectors by name.
            layout: Shards, replicas, and where vectors live.

        Raises:
            StoreError: It exists with other vectors, or the server fails.
        """
        if not self.exists():
            self._create(list(fields.values()), layout)
        there = self._info().config.params.vectors
        sizes = {name: params.size for name, params in there.items()} if isinstance(there, dict) else {}
        wanted = {name: field.kept_dim for name, field in fields.items() if field.kind != "sparse"}
        if sizes != wanted:
            raise StoreError(
                f"The collection {self.name!r} exists with other vectors: {sizes}, not {wanted}.",
                "Use another one: --collection NAME.",
            )

    def index_key(self, key: str, kind: str) -> None:
        """Index a payload key."""
        schema = _KINDS[kind]
        self.write(lambda c: c.create_payload_index(self.name, key, schema, wait=True), f"indexing {key!r}")

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.close()

    def _call(self, retry: Retry, request: Callable[[Any], T], doing: str, size: int | None = None) -> T:
        def attempt(client: Any) -> T:
            with terms(size):
                return request(client)

        try:
            return retry.call(self.connection.nodes, attempt, doing)
        except UNREADABLE as error:  # the client library's own checks, and what it stumbles over
            fault = Fault(f"could not be understood: {error}", "Is it a Qdrant server, and is it new enough?")
            raise retry.sentence(fault, doing) from (None if retry.secret else error)

    def _info(self) -> Any:
        return self.read(lambda c: c.get_collection(self.name), "connecting")

    def _create(self, fields: Sequence[VectorField], layout: ServerLayout) -> None:
        request = {
            "vectors_config": {one.name: _params(one, layout) for one in fields if one.kind != "sparse"},
            "sparse_vectors_config": {one.name: IDF for one in fields if one.kind == "sparse"},
            "shard_number": layout.shards,
            "replication_factor": layout.replication,
            "write_consistency_factor": layout.write_consistency,
            "on_disk_payload": True,
        }
        try:
            self.write(lambda c: c.create_collection(self.name, **request), "creating the collection")
        except StoreError:
            if not self.exists():  # else an answer got lost, and the next attempt found the collection made
                raise


def _params(field: VectorField, layout: ServerLayout) -> models.VectorParams:
    return vector_params(field, replace(layout, quantization="none") if field.name == CONTEXT else layout, FULL)
