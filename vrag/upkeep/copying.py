"""The one way in which an index is copied: every record into another store, as it is or made anew.

What the target has already is left alone, so a copy that was cut off goes on when it is started again: payloads are
compared, which hold a sum of every vector, and vectors themselves only where they do not. What is written is read back.
Documents come first, marked as incomplete, and once more at the end: a copy that was cut off can be searched, and says
what it lacks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from vrag.catalog.kinds import ARRIVING, DOCUMENT, PAGE
from vrag.catalog.metadata import index_metadata
from vrag.catalog.page_record import SUMS, sum_of
from vrag.errors import StoreError
from vrag.pipeline.pipeline import CONTEXT
from vrag.places.facts import Facts
from vrag.places.opening import make_store, open_store
from vrag.places.place import INDEX, Place
from vrag.runtime.ahead import in_order
from vrag.runtime.batching import batched
from vrag.store.interface import Condition, Record, Selection, Store

_LISTED = 64  # records without vectors that are compared at once
_BATCH = 8  # records that are read, written and read back together
_AT_ONCE = 4  # such batches in progress: 32 pages are in memory, and are what a crash can cost
_WITH_VECTORS = (PAGE, ARRIVING, CONTEXT)  # kinds of record
_CONTENT = Selection((Condition("kind", (INDEX,), negate=True),))
_DOCUMENTS = Selection((Condition("kind", (DOCUMENT,)),))


class CopyProgress(Protocol):
    """What a copy tells while it runs."""

    def starting(self, records: int) -> None:
        """So many records are to be looked at."""

    def done(self, records: int) -> None:
        """So many more are at the target."""


class Unwatched:
    """A `CopyProgress` for nobody."""

    def starting(self, records: int) -> None:
        """Nothing."""

    def done(self, records: int) -> None:
        """Nothing."""


class Transform(Protocol):
    """What becomes of the records of a source."""

    @property
    def without(self) -> Sequence[str]:
        """Values of the payload's `kind` that are left behind."""
        ...

    @property
    def vectors(self) -> Sequence[str]:
        """Named vectors that records are compared by, and read back with after they were written.

        Where there are none, payloads alone are compared, and what was written is not read back.
        """
        ...

    def same(self, record: Record, there: Record) -> bool:
        """Whether the target's record is the one that would be made of the source's, by all but vectors."""
        ...

    def made(self, records: Sequence[Record]) -> list[Record]:
        """What is written for these records of the source, which come without vectors; called by several threads."""
        ...


@dataclass(slots=True)
class Tally:
    """What a copy has done.

    Args:
        pages: Pages of the source.
        written: Records that were written.
        pages_written: Pages among them.
        unchanged: Records that were there already.
        here: SHA-256 over the digests of what was compared, of the source.
        there: The same of the target.
    """

    pages: int = 0
    written: int = 0
    pages_written: int = 0
    unchanged: int = 0
    here: Any = field(default_factory=hashlib.sha256)
    there: Any = field(default_factory=hashlib.sha256)


@dataclass(slots=True)
class _Brought:
    """A batch that is at the target.

    Args:
        records: Of the source, without vectors.
        digests: By id, here and there.
        written: What was not there before.
    """

    records: Sequence[Record]
    digests: dict[str, tuple[bytes, bytes]]
    written: Sequence[Record] = ()


@dataclass(frozen=True, slots=True)
class Copier:
    """A copy from one store into another.

    Args:
        source: Is only read.
        target: Empty, or left by an earlier copy.
        transform: What becomes of a record.
        progress: Told of every batch.
        name: Of the target, for error messages.
        drops: Whether what the source has not is deleted at the target.
    """

    source: Store
    target: Store
    transform: Transform
    progress: CopyProgress
    name: str
    drops: bool = False
    tally: Tally = field(default_factory=Tally)

    def run(self) -> Tally:
        """Copy what is missing or different.

        Raises:
            StoreError: A store fails, or what is read back is not what was written.
        """
        index_metadata(self.source, self.target)
        with self.target.loading():
            self._copy_all()
        return self.tally

    def _copy_all(self) -> None:
        documents = list(self.source.scroll(_DOCUMENTS))
        left = (INDEX, DOCUMENT, *self.transform.without)
        rest = Selection((Condition("kind", left, negate=True),))
        self.progress.starting(len(documents) + self.source.count(rest))
        self._announce(documents)
        seen = {record.id for record in documents}
        for brought in in_order(self._brought, self._listed(rest), _AT_ONCE):
            self._count(brought)
            seen.update(record.id for record in brought.records if self.drops)
        for batch in batched(documents, _LISTED):
            self._count(self._brought((batch, self._there(batch))))
        if self.drops and (gone := {record.id for record in self.target.scroll(_CONTENT, keys=())} - seen):
            self.target.delete(Selection(ids=frozenset(gone)))

    def _announce(self, documents: Sequence[Record]) -> None:
        for batch in batched(documents, _LISTED):
            known = self._there(batch)
            new = [record for record in batch if record.id not in known]
            self.target.upsert([Record(r.id, {**r.payload, "complete": False}) for r in new])

    def _listed(self, selection: Selection) -> Iterator[tuple[list[Record], dict[str, Record]]]:
        """Records of the source, few at a time, and those of the target, both without vectors."""
        for listed in batched(self.source.scroll(selection), _LISTED):
            there = self._there(listed)
            for batch in batched(listed, _BATCH):
                yield batch, there

    def _there(self, records: Sequence[Record]) -> dict[str, Record]:
        """What the target has of these, with vectors where they have any."""
        vectors = self.transform.vectors if any(record.vectors or record.sparse for record in records) else ()
        return self.target.fetch([record.id for record in records], vectors)

    def _brought(self, listed: tuple[list[Record], dict[str, Record]]) -> _Brought:
        """See that these records are at the target; several threads do so at once."""
        records, there = listed
        alike = {r.id for r in records if r.id in there and self.transform.same(r, there[r.id])}
        sums = {r.id: self._stated(r) for r in records if r.id in alike}
        brought = _Brought(records, {key: (digest, digest) for key, digest in sums.items() if digest is not None})
        self._copy([record for record in records if record.id not in brought.digests], alike, brought)
        return brought

    def _stated(self, record: Record) -> bytes | None:
        """The digest of a record by the sums in its payload; None where those do not say it."""
        if not self.transform.vectors or not has_vectors(record):
            return digest(record.id, {})
        sums = record.payload.get(SUMS)
        return digest(record.id, {name: sums.get(name, 0) for name in self.transform.vectors}) if sums else None

    def _copy(self, records: Sequence[Record], alike: Container[str], brought: _Brought) -> None:
        """Write records that are not at the target, and read them back; those that are alike may be there."""
        made = self.transform.made(records) if records else []
        here = self._digests(made)
        there = self._digests(self._there([record for record in made if record.id in alike]).values())
        brought.written = [record for record in made if there.get(record.id) != here[record.id]]
        if brought.written:
            self.target.upsert(brought.written)
            there |= self._read_back(brought.written, here) if self.transform.vectors else here
        brought.digests |= {key: (digest, there[key]) for key, digest in here.items()}

    def _digests(self, records: Iterable[Record]) -> dict[str, bytes]:
        names = self.transform.vectors
        return {one.id: digest(one.id, {name: sum_of(one, name) for name in names}) for one in records}

    def _read_back(self, written: Sequence[Record], here: Mapping[str, bytes]) -> dict[str, bytes]:
        found = self._there(written)
        there = self._digests(found.values())
        for record in written:
            if here[record.id] != there.get(record.id) or not self.transform.same(record, found[record.id]):
                raise StoreError(
                    f"Record {record.id} at {self.name} is not what was written.",
                    "Start the copy again; if that does not help, another program writes there.",
                )
        return there

    def _count(self, brought: _Brought) -> None:
        tally, records = self.tally, brought.records
        for record in records:
            here, there = brought.digests.get(record.id, (b"", b""))
            tally.here.update(here)
            tally.there.update(there)
        tally.pages += sum(map(is_page, records))
        tally.written += len(brought.written)
        tally.pages_written += sum(map(is_page, brought.written))
        tally.unchanged += len(records) - len(brought.written)
        for store in (self.source, self.target):
            store.trim()
        self.progress.done(len(records))


def is_page(record: Record) -> bool:
    """Whether a record is a page's, visible or not yet."""
    return record.payload.get("kind") in (PAGE, ARRIVING)


def has_vectors(record: Record) -> bool:
    """Whether a record is of a kind that has vectors."""
    return record.payload.get("kind") in _WITH_VECTORS


def digest(record_id: str, sums: Mapping[str, int]) -> bytes:
    """SHA-256 of a record's id and the sums of its vectors (`sum_of`; 0: it has none): the same on every engine."""
    there = sorted((name, value) for name, value in sums.items() if value)
    return hashlib.sha256(repr((record_id, there)).encode()).digest()


def open_target(target: Place, goal: Facts, but: Sequence[str] = ()) -> Store:
    """The store at a place that holds no index yet, or an earlier copy.

    Args:
        target: Locked.
        goal: What the copy says of itself.
        but: Keys that a pipeline there may say otherwise.

    Raises:
        IndexMismatchError: The index there is another one.
    """
    if not target.holds_index():
        pipeline = goal.to_pipeline(target.name)
        return make_store(target, goal, pipeline)
    there = target.facts()
    there.require_same(goal, target.name, "Choose another place for the copy.", but)
    pipeline = there.to_pipeline(target.name)
    return open_store(target, pipeline, there.dim, incomplete=True)
