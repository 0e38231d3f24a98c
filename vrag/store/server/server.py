"""The store on a Qdrant server or cluster, through the client library."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from typing import Any

from qdrant_client import models

from vrag.errors import StoreError
from vrag.runtime.ahead import one_ahead
from vrag.runtime.batching import batched
from vrag.store.checks import check_record, check_scored
from vrag.store.interface import Payload, Record, Request, Scored, Selection, StageRequest, VectorField
from vrag.store.layout import ServerLayout
from vrag.store.limits import MULTIVECTOR_LIMIT
from vrag.store.packing import packed, unpacked
from vrag.store.server.border import (
    ANSWER_BYTES,
    SHORT_ANSWER_BYTES,
    UntrustedError,
    check_count,
    check_following,
    check_ids,
    check_points,
)
from vrag.store.server.collection import UNPOOLED, Collection
from vrag.store.server.connect import Connection
from vrag.store.server.indexing import Indexing
from vrag.store.server.messages import ServerSpelling, batches, payload_wanted, record_of, scored_points
from vrag.store.translating import filter_of, query_of

BATCH_BYTES = 12 << 20  # of one write; the server's own limit is 32 MiB unless it is set otherwise
_STEP = 1000
_STEP_WITH_VECTORS = 8
_FEW = 16  # records without vectors that make a short answer


class ServerStore:
    """A `Store` in one collection; any number of processes and threads may use it at once."""

    def __init__(
        self, connection: Connection, collection: str, fields: Sequence[VectorField], layout: ServerLayout | None = None
    ) -> None:
        self._collection = Collection(connection, collection)
        self._fields = {field.name: field for field in fields}
        pooled = {field.name for field in fields}.difference(UNPOOLED)
        self._indexing = Indexing(self._collection.write, collection)
        self.derived: Callable[[Record], Payload] = _nothing  # goes into a record's payload besides
        self._words = ServerSpelling(frozenset(pooled if layout and layout.quantization != "none" else ()))

    @classmethod
    def create(
        cls,
        connection: Connection,
        collection: str,
        fields: Sequence[VectorField],
        keys: Mapping[str, str],
        layout: ServerLayout | None = None,
    ) -> ServerStore:
        """Make the collection, or finish making it.

        Args:
            connection: From `connect`.
            collection: Its name; when it exists it must have these vectors.
            fields: Named vectors.
            keys: Payload keys to index, as `index_keys` takes them.
            layout: Shards, replicas, and where vectors live.

        Raises:
            StoreError: The collection exists with other vectors, or the server fails.
        """
        layout = layout or ServerLayout()
        store = cls(connection, collection, fields, layout)
        store._collection.make(store._fields, layout)
        store.index_keys(keys)
        return store

    def exists(self) -> bool:
        """Whether the collection is there."""
        return self._collection.exists()

    def upsert(self, records: Sequence[Record]) -> None:
        """Write records in requests of bounded size; a fault that passes is waited out."""
        for record in records:
            check_record(record, self._fields)
        derived = [replace(record, payload={**record.payload, **self.derived(record)}) for record in records]
        records = [packed(record, self._fields) for record in derived]
        for record in records:
            _check_limit(record)
        self._indexing.ensure()
        for batch in batches(records, self._open.wire, BATCH_BYTES):
            self._collection.write(partial(self._send, batch), "writing pages")

    def loading(self) -> AbstractContextManager[None]:
        """Segments are merged and indexed after the block, and not while it runs."""
        return self._indexing.deferred()

    def one_writer(self) -> AbstractContextManager[object]:
        """Nothing: a server takes what many write."""
        return nullcontext()

    def query(self, stages: Sequence[Request], selection: Selection, keys: Sequence[str] | None = None) -> list[Scored]:
        """Run the cascade as one request of nested prefetches, the filter on the innermost."""
        if not stages:
            raise StoreError("A query needs at least one stage.")
        check_scored(stages, self._fields)
        request = query_of(stages, selection, self._words)
        request["with_payload"] = payload_wanted(keys)

        def ask(client: Any) -> list[Scored]:
            found = client.query_points(self._collection.name, **request).points
            return scored_points(found, request["limit"], keys)

        return self._collection.read(ask, "searching", ANSWER_BYTES)

    def query_each(
        self, stages: Sequence[StageRequest], selection: Selection, keys: Sequence[str] | None = None
    ) -> list[list[Scored]]:
        """All stages in one request."""
        check_scored(stages, self._fields)
        chosen = filter_of(selection, self._words)
        requests = [self._words.alone(stage, chosen, payload_wanted(keys)) for stage in stages]

        def ask(client: Any) -> list[list[Scored]]:
            answers = client.query_batch_points(self._collection.name, requests)
            if len(answers) != len(requests):
                raise UntrustedError(f"sent {len(answers)} answers to {len(requests)} questions")
            each = zip(answers, stages, strict=True)
            return [scored_points(answer.points, stage.limit, keys) for answer, stage in each]

        return self._collection.read(ask, "searching", ANSWER_BYTES) if requests else []

    def fetch(self, ids: Iterable[str], vectors: Sequence[str] = ()) -> dict[str, Record]:
        """Records by id with the named vectors, float32."""
        size = _STEP_WITH_VECTORS if vectors else _STEP
        found: dict[str, Record] = {}
        for batch in batched(dict.fromkeys(ids), size):
            found.update(self._retrieve(batch, list(vectors)))
        return found

    def scroll(
        self, selection: Selection, vectors: Sequence[str] = (), keys: Sequence[str] | None = None
    ) -> Iterator[Record]:
        """All selected records with the named vectors (float32) and payload keys, in order of id.

        With vectors, the next few are asked for while these are used: at most 16 are in memory.
        """
        request = {
            "scroll_filter": filter_of(selection, self._words),
            "limit": _STEP if all(self._is_sparse(name) for name in vectors) else _STEP_WITH_VECTORS,
            "with_payload": payload_wanted(keys),
            "with_vectors": list(vectors) or False,
        }
        steps = self._steps(request, keys)
        for found in one_ahead(steps) if vectors else steps:
            yield from found

    def _steps(self, request: Mapping[str, Any], keys: Sequence[str] | None) -> Iterator[list[Record]]:
        offset: Any = None
        while True:
            ask = partial(self._list, request, offset, keys)
            found, offset = self._collection.read(ask, "listing the index", ANSWER_BYTES)
            yield found
            if offset is None:
                return

    def count(self, selection: Selection) -> int:
        """Number of selected records."""
        chosen = filter_of(selection, self._words)
        name = self._collection.name
        return self._collection.read(lambda c: check_count(c.count(name, chosen, exact=True).count), "counting")

    def shards(self) -> int:
        """Shards of the collection."""
        return self._collection.shards()

    def set_payload(self, selection: Selection, payload: Payload) -> None:
        """Set keys of the selected records' payloads."""
        chosen = filter_of(selection, self._words)
        if chosen is None:
            raise StoreError("Refusing to change everything: name what to change.")
        name = self._collection.name
        self._collection.write(lambda c: c.set_payload(name, payload, points=chosen, wait=True), "changing records")

    def index_keys(self, keys: Mapping[str, str]) -> None:
        """Index payload keys."""
        for key, kind in keys.items():
            self._collection.index_key(key, kind)

    def delete(self, selection: Selection) -> None:
        """Delete the selected records."""
        chosen = filter_of(selection, self._words)
        if chosen is None:
            raise StoreError("Refusing to delete everything: name what to delete.")
        selector = models.FilterSelector(filter=chosen)
        self._collection.write(lambda c: c.delete(self._collection.name, selector, wait=True), "deleting")

    def optimize(self) -> None:
        """See that the server merges segments and builds graphs, which it does by itself in the background."""
        self._indexing.look_again()

    def compact(self) -> None:
        """Nothing, like `optimize`."""

    def trim(self) -> None:
        """Nothing: pages are in the server's memory."""

    def close(self) -> None:
        """Close the connection."""
        self._collection.close()

    @property
    def _open(self) -> Connection:
        return self._collection.connection

    def _send(self, batch: Sequence[Record], client: Any) -> None:
        self._collection.points(client).upsert(self._collection.name, batch)

    def _is_sparse(self, name: str) -> bool:
        return name in self._fields and self._fields[name].kind == "sparse"

    def _list(
        self, request: Mapping[str, Any], offset: Any, keys: Sequence[str] | None, client: Any
    ) -> tuple[list[Record], Any]:
        found, following = self._collection.points(client).scroll(self._collection.name, offset=offset, **request)
        check_points(found, request["limit"])
        if following is not None:
            check_following(following, offset, found)
        return [self._record(one, keys) for one in found], following

    def _record(self, found: Any, keys: Sequence[str] | None = None) -> Record:
        try:
            record = unpacked(record_of(found, keys), self._fields)
            check_record(record, self._fields)
        except StoreError as error:
            raise UntrustedError(f"sent a record that is none of this index: {error.message}") from error
        return record

    def _retrieve(self, ids: list[str], vectors: list[str]) -> dict[str, Record]:
        def ask(client: Any) -> dict[str, Record]:
            points = self._collection.points(client)
            wanted = {"with_payload": payload_wanted(None), "with_vectors": vectors or False}
            found = points.retrieve(self._collection.name, ids, **wanted)
            check_points(found, len(ids))
            records = {str(one.id): self._record(one) for one in found}
            check_ids(records.keys(), ids)
            return records

        size = ANSWER_BYTES if vectors or len(ids) > _FEW else SHORT_ANSWER_BYTES
        return self._collection.read(ask, "reading pages", size)


def _nothing(_: Record) -> Payload:
    return {}


def _check_limit(record: Record) -> None:
    for name, array in record.vectors.items():
        if array.ndim == 2 and array.size >= MULTIVECTOR_LIMIT:
            most = (MULTIVECTOR_LIMIT - 1) // array.shape[1]
            raise StoreError(
                f"Vector {name!r} of record {record.id} has {array.shape[0]} rows of dimension {array.shape[1]}; "
                f"a Qdrant server takes at most {most}.",
                "Render the pages smaller, or keep the index embedded.",
            )
