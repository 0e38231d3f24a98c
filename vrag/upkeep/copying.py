"""The one way in which an index is copied: every record into another store, as it is or made anew.

What the target has already is left alone, so a copy that was cut off goes on when it is started again. Documents come
first, marked as incomplete, and once more at the end: a copy that was cut off can be searched, and says what it lacks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from vrag.catalog.documents import KEYS
from vrag.catalog.kinds import ARRIVING, DOCUMENT, PAGE
from vrag.catalog.metadata import index_metadata
from vrag.errors import StoreError
from vrag.places.facts import Facts
from vrag.places.place import INDEX, Place
from vrag.runtime.batching import batched
from vrag.store.interface import Condition, Record, Selection, Store

_BATCH = 8  # records copied at once: what a crash can cost
_DOCUMENTS_AT_ONCE = 256  # they have no vectors
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
        """Named vectors that records are read with, compared by, and read back with after they were written.

        Where there are none, payloads alone are compared, and what was written is not read back.
        """
        ...

    def same(self, record: Record, there: Record) -> bool:
        """Whether the target's record is the one that would be made of the source's."""
        ...

    def made(self, records: Sequence[Record]) -> list[Record]:
        """What is written for these records of the source."""
        ...


@dataclass(slots=True)
class Tally:
    """What a copy has done.

    Args:
        pages: Pages of the source.
        written: Records that were written.
        pages_written: Pages among them.
        unchanged: Records that were there already.
        here: SHA-256 over the vectors that were compared, of the source.
        there: The same of the target.
    """

    pages: int = 0
    written: int = 0
    pages_written: int = 0
    unchanged: int = 0
    here: Any = field(default_factory=hashlib.sha256)
    there: Any = field(default_factory=hashlib.sha256)


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
        documents = list(self.source.scroll(_DOCUMENTS))
        left = (INDEX, DOCUMENT, *self.transform.without)
        rest = Selection((Condition("kind", left, negate=True),))
        self.progress.starting(len(documents) + self.source.count(rest))
        self._announce(documents)
        seen = {record.id for record in documents}
        for batch in batched(self.source.scroll(rest, self.transform.vectors), _BATCH):
            self._bring(batch)
            seen.update(record.id for record in batch if self.drops)
        for batch in batched(documents, _DOCUMENTS_AT_ONCE):
            self._bring(batch, is_summed=False)
        if self.drops and (gone := {record.id for record in self.target.scroll(_CONTENT, keys=())} - seen):
            self.target.delete(Selection(ids=frozenset(gone)))
        return self.tally

    def _announce(self, documents: Sequence[Record]) -> None:
        for batch in batched(documents, _DOCUMENTS_AT_ONCE):
            known = self.target.fetch([record.id for record in batch])
            new = [record for record in batch if record.id not in known]
            self.target.upsert([Record(r.id, {**r.payload, "complete": False}) for r in new])

    def _bring(self, batch: Sequence[Record], is_summed: bool = True) -> None:
        found = self._there(batch)
        wanting = [r for r in batch if r.id not in found or not self.transform.same(r, found[r.id])]
        if wanting:
            self.target.upsert(self.transform.made(wanting))
            if self.transform.vectors:
                found |= self._read_back(wanting)
        if self.transform.vectors and is_summed:
            for record in batch:
                self.tally.here.update(digest(record))
                self.tally.there.update(digest(found[record.id]))
        self._count(batch, wanting)
        for store in (self.source, self.target):
            store.trim()
        self.progress.done(len(batch))

    def _there(self, records: Sequence[Record]) -> dict[str, Record]:
        return self.target.fetch([record.id for record in records], self.transform.vectors)

    def _read_back(self, written: Sequence[Record]) -> dict[str, Record]:
        found = self._there(written)
        for record in written:
            if record.id not in found or not self.transform.same(record, found[record.id]):
                raise StoreError(
                    f"Record {record.id} at {self.name} is not what was written.",
                    "Start the copy again; if that does not help, another program writes there.",
                )
        return found

    def _count(self, batch: Sequence[Record], written: Sequence[Record]) -> None:
        self.tally.pages += sum(map(is_page, batch))
        self.tally.written += len(written)
        self.tally.pages_written += sum(map(is_page, written))
        self.tally.unchanged += len(batch) - len(written)


def is_page(record: Record) -> bool:
    """Whether a record is a page's, visible or not yet."""
    return record.payload.get("kind") in (PAGE, ARRIVING)


def digest(record: Record) -> bytes:
    """SHA-256 of a record's id and vectors, as float16 numbers: the same on every engine."""
    total = hashlib.sha256(record.id.encode())
    for name, array in sorted(record.vectors.items()):
        total.update(f"{name}{array.shape}".encode())
        total.update(np.ascontiguousarray(array, np.float16).tobytes())
    for name, terms in sorted(record.sparse.items()):
        order = np.argsort(terms.indices)
        total.update(f"{name}{len(order)}".encode())
        total.update(terms.indices[order].tobytes() + terms.values[order].astype(np.float16).tobytes())
    return total.digest()


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
        return target.create(goal, pipeline.schema(goal.dim), KEYS, pipeline.server)
    there = target.facts()
    there.require_same(goal, target.name, "Choose another place for the copy.", but)
    pipeline = there.to_pipeline(target.name)
    return target.open(pipeline.schema(there.dim), pipeline.server)
