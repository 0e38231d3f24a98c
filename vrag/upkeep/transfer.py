"""Copies of an index from one place to another, without embedding anything again.

Records go as they are. A record that is at the target already, with the same vectors and payload, is
left alone, so a copy that was cut off goes on when it is started again. What was written is read back
and compared, and one checksum over all vectors is taken on both sides.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from vrag.catalog.documents import KEYS
from vrag.catalog.metadata import index_metadata
from vrag.catalog.payload import DOCUMENT, PAGE
from vrag.errors import IndexMismatchError, StoreError
from vrag.pipeline.pipeline import Pipeline, make_pipeline
from vrag.places.facts import Facts
from vrag.places.leftovers import CACHE
from vrag.places.opening import locked, open_store
from vrag.places.place import FACTS_ID, Place
from vrag.runtime.batching import batched
from vrag.store.interface import Condition, Record, Selection, Store
from vrag.store.layout import ServerLayout

_BATCH = 8
_DOCUMENTS = Selection((Condition("kind", (DOCUMENT,)),))


@dataclass(slots=True)
class TransferReport:
    """What a copy did.

    Args:
        source: Where it came from.
        target: Where it went.
        pages: Pages of the source, all of which are at the target now.
        copied: Records written by this run.
        unchanged: Records that were there already.
        extra: Pages at the target that the source does not have; they are left alone.
        checksum: SHA-256 over all vectors of the source, equal to the target's.
    """

    source: str
    target: str
    pages: int = 0
    copied: int = 0
    unchanged: int = 0
    extra: int = 0
    checksum: str = ""


class CopyProgress(Protocol):
    """What a copy tells while it runs."""

    def starting(self, records: int) -> None:
        """So many records are to be looked at."""

    def done(self, records: int) -> None:
        """So many more are at the target."""


def transfer(
    source: Place, target: Place, progress: CopyProgress, layout: ServerLayout | None = None
) -> TransferReport:
    """Copy an index.

    Args:
        source: Holds one.
        target: Holds none, or an earlier copy.
        progress: Told of every step.
        layout: Of a new collection; the recipe's own by default.

    Raises:
        UsageError: There is no index at the source.
        IndexMismatchError: There is an index of another recipe or model at the target.
        BusyError: Another process has one of them open.
        StoreError: A place cannot be used, or what is read back is not what was written.
    """
    source.facts()  # before the target is touched
    report = TransferReport(source.name, target.name)
    with locked(source), locked(target):
        _copy(source, target, progress, layout, report)
    return report


def _copy(
    source: Place, target: Place, progress: CopyProgress, layout: ServerLayout | None, report: TransferReport
) -> None:
    facts = source.facts()
    recipe = make_pipeline(facts.pipeline, facts.table, source.name)
    fields = recipe.schema(facts.dim)
    with (
        closing(open_store(source, recipe, facts.dim)) as read,
        closing(_open_target(target, facts, recipe, layout)) as write,
    ):
        _Copy(read, write, [field.name for field in fields], progress, report).run()
    if target.folder is not None and report.copied:
        shutil.rmtree(target.folder / CACHE, ignore_errors=True)  # made again from what is there now


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


def _open_target(target: Place, facts: Facts, recipe: Pipeline, layout: ServerLayout | None) -> Store:
    chosen = layout or recipe.server
    if not target.holds_index():
        table = {**facts.table, "server": chosen.to_table()} if layout else facts.table
        return target.create(replace(facts, table=table), recipe.schema(facts.dim), KEYS, chosen)
    there = target.facts()
    if _without_server(there) != _without_server(facts):
        raise IndexMismatchError(
            f"The index at {target.name} was made by another recipe or model.", "Choose another place for the copy."
        )
    return target.open(recipe.schema(facts.dim), chosen)


def _without_server(facts: Facts) -> Facts:
    """Facts that must agree: how a server lays pages out is each place's own affair."""
    table = {key: value for key, value in facts.table.items() if key != "server"}
    return replace(facts, table=json.loads(json.dumps(table)))


@dataclass(frozen=True, slots=True)
class _Copy:
    read: Store
    write: Store
    vectors: Sequence[str]
    progress: CopyProgress
    report: TransferReport

    def run(self) -> None:
        """Documents first, marked incomplete, so that a copy cut off is searchable and says what it lacks."""
        index_metadata(self.read, self.write)
        documents = list(self.read.scroll(_DOCUMENTS))
        self.progress.starting(self.read.count(Selection()))
        self._announce(documents)
        here, there = hashlib.sha256(), hashlib.sha256()
        for batch in batched(self._records(), _BATCH):
            found = self._bring(batch)
            for record in batch:
                here.update(digest(record))
                there.update(digest(found[record.id]))
            self.progress.done(len(batch))
        self._bring(documents)
        if self.report.copied:
            self.write.optimize()
        self._check_count(here.hexdigest(), there.hexdigest())

    def _records(self) -> Iterator[Record]:
        for record in self.read.scroll(Selection(), self.vectors):
            if record.id != FACTS_ID and record.payload.get("kind") != DOCUMENT:
                yield record

    def _announce(self, documents: Sequence[Record]) -> None:
        known = self.write.fetch([record.id for record in documents])
        new = [record for record in documents if record.id not in known]
        self.write.upsert([Record(r.id, {**r.payload, "complete": False}) for r in new])

    def _bring(self, batch: Sequence[Record]) -> dict[str, Record]:
        """The batch as it is at the target, after what was missing or different there has been written."""
        ids = [record.id for record in batch]
        found = self.write.fetch(ids, self.vectors)
        wanting = [record for record in batch if not _same(record, found.get(record.id))]
        self.report.unchanged += len(batch) - len(wanting)
        if not wanting:
            return found
        self.write.upsert(wanting)
        self.report.copied += len(wanting)
        written = self.write.fetch([record.id for record in wanting], self.vectors)
        for record in wanting:
            if not _same(record, written.get(record.id)):
                raise StoreError(
                    f"Record {record.id} at {self.report.target} is not what was written.",
                    "Start the copy again; if that does not help, another program writes there.",
                )
        return {**found, **written}

    def _check_count(self, here: str, there: str) -> None:
        pages = Selection((Condition("kind", (PAGE,)),))
        self.report.pages, at_target = self.read.count(pages), self.write.count(pages)
        self.report.extra, self.report.checksum = at_target - self.report.pages, here
        if here != there or self.report.extra < 0:
            raise StoreError(
                f"The copy at {self.report.target} has {at_target} pages with checksum {there[:12]}, "
                f"the source {self.report.pages} with {here[:12]}.",
                "The source changed meanwhile: start the copy again.",
            )


def _same(one: Record, other: Record | None) -> bool:
    return other is not None and one.payload == other.payload and digest(one) == digest(other)
