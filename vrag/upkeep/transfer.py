"""Copies of an index from one place to another, without embedding anything again.

Records go as they are. What was written is read back and compared, and one checksum over the sums of all vectors is
taken on both sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from vrag.catalog.kinds import PAGE
from vrag.errors import StoreError
from vrag.places.opening import locked, opened_store
from vrag.places.place import Place
from vrag.store.interface import Condition, Record, Selection, Store
from vrag.store.layout import ServerLayout
from vrag.upkeep.copying import Copier, CopyProgress, Tally, has_vectors, open_target

_PAGES = Selection((Condition("kind", (PAGE,)),))


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
        checksum: SHA-256 over the ids of the source's records and a sum of every vector, equal to the target's.
    """

    source: str
    target: str
    pages: int = 0
    copied: int = 0
    unchanged: int = 0
    extra: int = 0
    checksum: str = ""


def transfer(
    source: Place, target: Place, progress: CopyProgress, layout: ServerLayout | None = None
) -> TransferReport:
    """Copy an index.

    Args:
        source: Holds one.
        target: Holds none, or an earlier copy.
        progress: Told of every step.
        layout: Of a new collection; the pipeline's own by default.

    Raises:
        UsageError: There is no index at the source.
        IndexMismatchError: There is an index of another pipeline or model at the target.
        BusyError: Another process has one of them open.
        StoreError: A place cannot be used, or what is read back is not what was written.
    """
    source.facts()  # before the target is touched
    with locked(source), locked(target), opened_store(source) as (facts, pipeline, read):
        table = {**facts.table, "server": layout.to_table()} if layout else facts.table
        # How a server lays pages out is each place's own affair.
        with closing(open_target(target, replace(facts, table=table), but=("server",))) as write:
            names = [field.name for field in pipeline.schema(facts.dim)]
            tally = Copier(read, write, _AsItIs(read, names), progress, target.name).run()
            if tally.written:
                write.optimize()
            return _report(tally, read, write, TransferReport(source.name, target.name))


@dataclass(frozen=True, slots=True)
class _AsItIs:
    """Every record with all of its vectors."""

    source: Store
    vectors: Sequence[str]
    without: Sequence[str] = ()

    def same(self, record: Record, there: Record) -> bool:
        return record.payload == there.payload

    def made(self, records: Sequence[Record]) -> list[Record]:
        whole = self.source.fetch([record.id for record in records if has_vectors(record)], self.vectors)
        return [*whole.values(), *(record for record in records if not has_vectors(record))]


def _report(tally: Tally, read: Store, write: Store, report: TransferReport) -> TransferReport:
    here, there = tally.here.hexdigest(), tally.there.hexdigest()
    report.copied, report.unchanged, report.checksum = tally.written, tally.unchanged, here
    report.pages, at_target = read.count(_PAGES), write.count(_PAGES)
    report.extra = at_target - report.pages
    if here != there or report.extra < 0:
        raise StoreError(
            f"The copy at {report.target} has {at_target} pages with checksum {there[:12]}, "
            f"the source {report.pages} with {here[:12]}.",
            "The source changed meanwhile: start the copy again.",
        )
    return report
