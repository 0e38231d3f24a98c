"""The embedded store: Qdrant Edge, the Rust engine in this process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import qdrant_edge as qe

from vrag.errors import StoreError
from vrag.store.base import Record, Request, Scored, Selection, VectorField
from vrag.store.checks import check_record
from vrag.store.edge_requests import (
    IDF,
    KEY_INDEXES,
    engine_filter,
    engine_vectors,
    nested,
    record_of,
    vector_params,
)

if TYPE_CHECKING:
    from typing_extensions import Self

_STEP = 1000  # records read at once
_STEP_WITH_VECTORS = 16  # a page of 1,024 x 128 comes as 4 MB of Python numbers


@contextmanager
def _edge_errors(doing: str) -> Iterator[None]:
    """The border where the engine's plain exceptions become `StoreError`."""
    try:
        yield
    except StoreError:
        raise
    except Exception as error:  # the engine raises nothing more specific than Exception
        text = str(error)
        if "WouldBlock" in text:
            raise StoreError(
                "The index is open in another process.",
                "Wait for it to end, or use a Qdrant server when several processes must work at once.",
            ) from error
        if "No space left" in text or "StorageFull" in text:
            raise StoreError(
                f"The disk is full ({doing}).", "Free some space and run the same command again."
            ) from error
        raise StoreError(f"Qdrant Edge failed while {doing}: {text.strip()[:300]}") from error


class EdgeStore:
    """A `Store` in a folder, for one process at a time; its threads may search at once."""

    def __init__(self, shard: qe.EdgeShard, fields: Sequence[VectorField]) -> None:
        self._shard: qe.EdgeShard | None = shard
        self._fields = {field.name: field for field in fields}

    @classmethod
    def create(cls, folder: Path, fields: Sequence[VectorField], keys: dict[str, str]) -> Self:
        """Make a new shard in `folder`.

        Args:
            folder: Created when missing; must hold no shard.
            fields: Named vectors.
            keys: Payload keys to index, each "keyword", "integer" or "text".
        """
        with _edge_errors("creating the index"):
            folder.mkdir(parents=True, exist_ok=True)
            dense = {f.name: vector_params(f) for f in fields if f.kind != "sparse"}
            sparse = {f.name: IDF for f in fields if f.kind == "sparse"}
            shard = qe.EdgeShard.create(str(folder), qe.EdgeConfig(vectors=dense, sparse_vectors=sparse))
            for key, kind in keys.items():
                shard.update(qe.UpdateOperation.create_field_index(key, KEY_INDEXES[kind]))
        return cls(shard, fields)

    @classmethod
    def open(cls, folder: Path, fields: Sequence[VectorField]) -> Self:
        """Open the shard in `folder`; `StoreError` when another process has it."""
        with _edge_errors("opening the index"):
            return cls(qe.EdgeShard.load(str(folder)), fields)

    def upsert(self, records: Sequence[Record]) -> None:
        """Write records after checking that every vector is finite, of the right shape and known."""
        for record in records:
            check_record(record, self._fields)
        points = [qe.Point(r.id, engine_vectors(r), r.payload) for r in records]
        with _edge_errors("writing pages"):
            self._open_shard.update(qe.UpdateOperation.upsert_points(points))

    def query(self, stages: Sequence[Request], selection: Selection, keys: Sequence[str] | None = None) -> list[Scored]:
        """Run the cascade as one request of nested prefetches, the filter on the innermost."""
        if not stages:
            raise StoreError("A query needs at least one stage.")
        request = nested(stages, engine_filter(selection), True if keys is None else list(keys))
        with _edge_errors("searching"):
            found = self._open_shard.query(request)
        return [Scored(str(point.id), float(point.score), point.payload or {}) for point in found]

    def fetch(self, ids: Iterable[str], vectors: Sequence[str] = ()) -> dict[str, Record]:
        """Records by id with the named vectors, float32."""
        with _edge_errors("reading pages"):
            found = self._open_shard.retrieve(list(ids), with_payload=True, with_vector=list(vectors) or False)
        return {str(r.id): record_of(r) for r in found}

    def scroll(
        self, selection: Selection, vectors: Sequence[str] = (), keys: Sequence[str] | None = None
    ) -> Iterator[Record]:
        """All selected records with the named vectors (float32) and payload keys, in order of id."""
        step = _STEP_WITH_VECTORS if vectors else _STEP
        wanted, offset = list(vectors) or False, None
        payload = True if keys is None else list(keys) or False
        while True:
            request = qe.ScrollRequest(
                offset=offset, limit=step, filter=engine_filter(selection), with_payload=payload, with_vector=wanted
            )
            with _edge_errors("listing the index"):
                found, offset = self._open_shard.scroll(request)
            yield from map(record_of, found)
            if offset is None:
                return

    def count(self, selection: Selection) -> int:
        """Number of selected records."""
        with _edge_errors("counting"):
            return self._open_shard.count(qe.CountRequest(exact=True, filter=engine_filter(selection)))

    def delete(self, selection: Selection) -> None:
        """Delete the selected records."""
        chosen = engine_filter(selection)
        if chosen is None:
            raise StoreError("Refusing to delete everything: name what to delete.")
        with _edge_errors("deleting"):
            self._open_shard.update(qe.UpdateOperation.delete_points_by_filter(chosen))

    def optimize(self) -> None:
        """Merge segments, drop deleted points, build graphs."""
        with _edge_errors("optimizing"):
            self._open_shard.flush()
            self._open_shard.optimize()

    def close(self) -> None:
        """Flush and release the folder."""
        if self._shard is not None:
            shard, self._shard = self._shard, None
            with _edge_errors("closing the index"):
                shard.flush()
                shard.close()

    @property
    def is_open(self) -> bool:
        """Whether `close` has not been called yet."""
        return self._shard is not None

    @property
    def _open_shard(self) -> qe.EdgeShard:
        if self._shard is None:
            raise StoreError("The index is closed.")
        return self._shard
