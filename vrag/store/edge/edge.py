"""The embedded store: Qdrant Edge, the Rust engine in this process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import qdrant_edge as qe

from vrag.errors import StoreError
from vrag.runtime.forked import never_end
from vrag.runtime.gate import Gate
from vrag.settings import folder_bytes
from vrag.store.checks import check_payload, check_record, check_scored, check_stored
from vrag.store.edge.edge_faults import edge_errors, is_full
from vrag.store.edge.edge_log import RENEWING_BYTES, renew_log, shape_log
from vrag.store.edge.edge_requests import (
    EDGE,
    KEY_INDEXES,
    NOBODY_ID,
    SEGMENT_BYTES,
    config,
    engine_vectors,
    record_of,
    stored_bytes,
)
from vrag.store.edge.edge_rubbish import clear_rubbish
from vrag.store.edge.mapped import release_files
from vrag.store.edge.open_folder import OpenFolder
from vrag.store.edge.space import WRITING_BYTES, reading_bytes, require_space
from vrag.store.interface import (
    FusionRequest,
    Payload,
    Record,
    Request,
    Scored,
    Selection,
    StageRequest,
    VectorField,
)
from vrag.store.packing import packed, unpacked
from vrag.store.translating import filter_of, query_of

if TYPE_CHECKING:
    from typing_extensions import Self

_TOUCHED_BYTES = SEGMENT_BYTES  # read or written before it is taken out of memory
_STEP = 1000  # records read at once
_MORE_TIES = 16  # times as many points beyond the limit, when those so far are all as good as the last within
_STEP_WITH_VECTORS = 16  # a page of 1,024 x 128 comes as 4 MB of Python numbers


class EdgeStore:
    """A `Store` in a folder, for one process at a time; its threads may search at once.

    What it writes is merged into segments of bounded size as it goes, and taken out of memory (`trim`), so that an
    ingest takes the same memory however large the index is.
    """

    def __init__(self, shard: qe.EdgeShard, fields: Sequence[VectorField], folder: Path) -> None:
        self._shard: qe.EdgeShard | None = shard
        self._closed_by: BaseException | None = None  # what a reload failed for
        self._folder = folder
        self._opened = OpenFolder(folder)
        self._fields = {field.name: field for field in fields}
        self._one_writer = threading.RLock()
        self._gate = Gate()  # closed only while no search may be inside the engine
        self._unmerged = 0  # bytes of vectors written since segments were merged
        self._touched = 0  # and since the last trim, with those that were read

    @classmethod
    def create(cls, folder: Path, fields: Sequence[VectorField], keys: dict[str, str]) -> Self:
        """Make a new shard in `folder`.

        Args:
            folder: Created when missing; must hold no shard.
            fields: Named vectors.
            keys: Payload keys to index, as `index_keys` takes them.
        """
        with edge_errors("creating the index"):
            folder.mkdir(parents=True, exist_ok=True)
            store = cls(qe.EdgeShard.create(str(folder), config(fields)), fields, folder)
            store.index_keys(keys)
        return store

    @classmethod
    def open(cls, folder: Path, fields: Sequence[VectorField]) -> Self:
        """Open the shard in `folder`; `StoreError` when another process has it."""
        with edge_errors("opening the index"):
            require_space(folder, reading_bytes(folder))
            shard = qe.EdgeShard.load(str(folder))
            clear_rubbish(folder)
            return cls(shard, fields, folder)

    def upsert(self, records: Sequence[Record]) -> None:
        """Write records after checking that every vector is finite, of the right shape and known."""
        for record in records:
            check_record(record, self._fields)
        records = [packed(record, self._fields) for record in records]
        with self._writing("writing pages", 2 * sum(map(stored_bytes, records))) as shard:  # the log has them too
            points = [qe.Point(r.id, engine_vectors(r), r.payload) for r in records]
            shard.update(qe.UpdateOperation.upsert_points(points))
            self._unmerged += self._touch(records)
            if self._unmerged >= SEGMENT_BYTES:
                self.optimize()

    def loading(self) -> AbstractContextManager[None]:
        """Nothing: segments are merged once enough was written."""
        return nullcontext()

    @property
    def packed(self) -> tuple[str, ...]:
        """Vectors that are kept as bytes."""
        return tuple(name for name, field in self._fields.items() if field.packing)

    def one_writer(self) -> AbstractContextManager[object]:
        """Nobody else writes while the block runs."""
        return self._one_writer

    def query(self, stages: Sequence[Request], selection: Selection, keys: Sequence[str] | None = None) -> list[Scored]:
        """Run the cascade as one request of nested prefetches, the filter on the innermost.

        Equal scores of the last stage come in order of id, and where the limit cuts between them, it is the last ids
        that are left out: the engine's own order is that in which pages were written.
        """
        if not stages:
            raise StoreError("A query needs at least one stage.")
        check_scored(stages, self._fields)
        payload, limit = True if keys is None else list(keys), stages[-1].limit
        if isinstance(stages[-1], FusionRequest) or stages[-1].hnsw or limit is None:
            return _by_score(self._found(stages, selection, payload))
        beyond = 1
        while True:  # nearly always once
            found = self._found([*stages[:-1], replace(stages[-1], limit=limit + beyond)], selection, payload)
            if len(found) < limit + beyond or found[limit - 1].score > found[-1].score:
                return _by_score(found)[:limit]
            beyond *= _MORE_TIES

    def query_each(
        self, stages: Sequence[StageRequest], selection: Selection, keys: Sequence[str] | None = None
    ) -> list[list[Scored]]:
        """Each stage by itself, one after the other."""
        return [self.query([stage], selection, keys) for stage in stages]

    def _found(self, stages: Sequence[Request], selection: Selection, payload: bool | list[str]) -> list[Scored]:
        with self._reading("searching") as shard:
            found = shard.query(qe.QueryRequest(**query_of(stages, selection, EDGE), with_payload=payload))
            return [
                Scored(str(p.id), float(p.score), check_payload(str(p.id), p.payload) if payload else {}) for p in found
            ]

    def fetch(self, ids: Iterable[str], vectors: Sequence[str] = ()) -> dict[str, Record]:
        """Records by id with the named vectors, float32."""
        with self._reading("reading pages") as shard:
            found = shard.retrieve(list(ids), with_payload=True, with_vector=list(vectors) or False)
            records = {str(r.id): unpacked(record_of(r), self._fields) for r in found}
        for record in records.values():
            check_stored(record, self._fields)
        self._touch(records.values())
        return records

    def scroll(
        self, selection: Selection, vectors: Sequence[str] = (), keys: Sequence[str] | None = None
    ) -> Iterator[Record]:
        """All selected records with the named vectors (float32) and payload keys, in order of id."""
        step = _STEP_WITH_VECTORS if vectors else _STEP
        wanted, offset = list(vectors) or False, None
        payload = True if keys is None else list(keys) or False
        while True:
            with self._reading("listing the index") as shard:
                chosen = filter_of(selection, EDGE)
                request = qe.ScrollRequest(offset, step, chosen, with_payload=payload, with_vector=wanted)
                found, offset = shard.scroll(request)
                records = [unpacked(record_of(one), self._fields) for one in found]
            if self._touch(records):
                self.trim()
            yield from records
            if offset is None:
                return

    def count(self, selection: Selection) -> int:
        """Number of selected records."""
        with self._reading("counting") as shard:
            return shard.count(qe.CountRequest(exact=True, filter=filter_of(selection, EDGE)))

    def shards(self) -> int:
        """One."""
        return 1

    def set_payload(self, selection: Selection, payload: Payload) -> None:
        """Set keys of the selected records' payloads."""
        if selection == Selection():
            raise StoreError("Refusing to change everything: name what to change.")
        with self._writing("changing records") as shard:
            chosen = cast("qe.Filter", filter_of(selection, EDGE))
            shard.update(qe.UpdateOperation.set_payload_by_filter(chosen, payload))

    def index_keys(self, keys: Mapping[str, str]) -> None:
        """Index payload keys."""
        with self._writing("indexing payload keys") as shard:
            for key, kind in keys.items():
                shard.update(qe.UpdateOperation.create_field_index(key, KEY_INDEXES[kind]))

    def delete(self, selection: Selection) -> None:
        """Delete the selected records."""
        if selection == Selection():
            raise StoreError("Refusing to delete everything: name what to delete.")
        with self._freeing("deleting") as shard:
            chosen = cast("qe.Filter", filter_of(selection, EDGE))
            shard.update(qe.UpdateOperation.delete_points_by_filter(chosen))

    def optimize(self) -> None:
        """Merge segments, drop deleted points, build graphs."""
        more = min(folder_bytes(self._folder), 2 * SEGMENT_BYTES)
        with self._writing("merging segments", more) as shard:
            shard.flush()
            shard.optimize()
            self._unmerged = 0
            self._release()

    def compact(self) -> None:
        """As `optimize`, and rewrite segments of which something was deleted or replaced: no file has a word of it."""
        with self._one_writer:
            with self._writing("merging segments") as shard:
                # What was replaced stays in the segment that is written to, which is rewritten if it lacks a point.
                shard.update(qe.UpdateOperation.upsert_points([qe.Point(NOBODY_ID, {}, {})]))
                shard.update(qe.UpdateOperation.delete_points([NOBODY_ID]))
            self._reload(thorough=True)
            try:
                self.optimize()
                with self._writing("renewing the log", RENEWING_BYTES) as shard:
                    renew_log(shard, self._folder)
            except BaseException:
                with suppress(StoreError):  # whatever is in the way of this too, the first reason is told
                    self._reload(thorough=False)
                raise
            self._reload(thorough=False)  # cut off before this, it stays thorough until the next time

    def trim(self) -> None:
        """Take the index's files out of this process's memory, once enough of them was read or written."""
        if self._touched >= _TOUCHED_BYTES:
            with self._one_writer:
                self._release()

    def exchange(self, fields: Sequence[VectorField], swap: Callable[[], None]) -> None:
        """Let another shard take this one's place; every request waits meanwhile, and the next one meets the other.

        Args:
            fields: Named vectors of the other.
            swap: Called while the folder is not open, to put the other shard there. When it fails, the shard that is in
                the folder then is opened, and what it raised is raised.
        """
        with self._one_writer, self._gate.changing():
            shard = self._open_shard
            with edge_errors("closing the index"):
                self._opened.require_in_place()
                shard.flush()
            self._shard = None
            self._opened.close()
            try:
                with edge_errors("closing the index"):
                    shard.close()
                swap()
                self._fields = {field.name: field for field in fields}
            finally:  # a swap that failed has left the shard that was there
                self._load()
            self._unmerged = self._touched = 0

    def _load(self) -> None:
        """Open the shard that is in the folder now."""
        try:
            with edge_errors("opening the index"):
                self._shard = qe.EdgeShard.load(str(self._folder))
                self._opened = OpenFolder(self._folder)
                clear_rubbish(self._folder)
        except BaseException as error:
            self._closed_by = error
            raise

    def close(self) -> None:
        """Flush and release the folder.

        Raises:
            StoreError: It is gone; an index that has come to its place is left as it is.
        """
        with self._one_writer, self._gate.changing(), edge_errors("closing the index", self._opened):
            shard, self._shard = self._shard, None
            try:
                if shard is not None:
                    self._end(shard)
            finally:
                self._opened.close()

    def _end(self, shard: qe.EdgeShard) -> None:
        if self._folder.exists() and not self._opened.is_in_place:
            never_end(shard)  # or it would write what it has in memory into the index that is there now
            self._opened.require_in_place()
        try:
            shard.flush()
        except Exception as error:
            if not is_full(error):  # else the log, which has all that was acknowledged, is read next time
                raise
        finally:
            shard.close()

    @property
    def is_open(self) -> bool:
        """Whether `close` has not been called yet."""
        return self._shard is not None

    @property
    def is_in_place(self) -> bool:
        """Whether it is open, and others have not removed its folder, moved it, or put another one there."""
        return self.is_open and self._opened.is_in_place

    @contextmanager
    def _reading(self, doing: str) -> Iterator[qe.EdgeShard]:
        with self._gate.reading(), edge_errors(doing, self._opened):
            yield self._open_shard

    @contextmanager
    def _writing(self, doing: str, more: int = 0) -> Iterator[qe.EdgeShard]:
        """The engine, while there is room for `more` bytes and what any change may need."""
        with self._one_writer, edge_errors(doing, self._opened):
            self._opened.require_in_place()
            require_space(self._folder, WRITING_BYTES + more)
            yield self._open_shard

    @contextmanager
    def _freeing(self, doing: str) -> Iterator[qe.EdgeShard]:
        """The engine, for what must still be possible on a disk that is nearly full."""
        with self._one_writer, edge_errors(doing, self._opened):
            self._opened.require_in_place()
            require_space(self._folder, reading_bytes(self._folder))
            yield self._open_shard

    @property
    def _open_shard(self) -> qe.EdgeShard:
        if self._shard is None:
            why = f": it could not be opened again ({self._closed_by})" if self._closed_by else ""
            raise StoreError(f"The index is closed{why}.") from self._closed_by
        return self._shard

    def _reload(self, thorough: bool) -> None:
        with self._gate.changing(), edge_errors("opening the index"):
            shard = self._open_shard
            shard.flush()
            self._shard = None
            try:
                shard.close()
                shape_log(self._folder, small=thorough)
                self._shard = qe.EdgeShard.load(str(self._folder), config(self._fields.values(), thorough))
                clear_rubbish(self._folder)
            except BaseException as error:
                self._closed_by = error
                raise

    def _touch(self, records: Iterable[Record]) -> int:
        """Bytes of the records' vectors, which are in memory from now on."""
        size = sum(map(stored_bytes, records))
        self._touched += size
        return size

    def _release(self) -> None:
        # Whoever searches holds on to segments that a merge has replaced: they are unmapped when the last search ends.
        with self._gate.changing():
            release_files(self._folder)
        self._touched = 0


def _by_score(points: Sequence[Scored]) -> list[Scored]:
    return sorted(points, key=lambda point: (-point.score, point.id))
