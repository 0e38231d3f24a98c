"""Repooling: new pooled vectors from the stored `full`, without the model and without the files.

It is a copy in which pages are pooled anew. `repool` changes an embedded index: a second shard grows inside it and
takes the place of the first one when it is whole; `repool_open` does so while the index is searched. `repool_into`
makes another index, which is the way for a server, whose collections cannot change places. A run that is cut off
leaves the index as it was; the next one with the same pipeline goes on where it stopped.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from vrag.bits.beside import BitsStore
from vrag.catalog.documents import KEYS
from vrag.catalog.page_record import pooled_again, without_sums
from vrag.catalog.stored import Stored
from vrag.embedders.families import model_mean
from vrag.errors import UsageError, VragError
from vrag.grid import FloatArray
from vrag.pipeline.differences import BITS_ALONE, Cost
from vrag.pipeline.pipeline import CONTEXT, FULL, Pipeline, load_pipeline
from vrag.places.facts import Facts, write_facts
from vrag.places.leftovers import forget_bits
from vrag.places.opening import keep_bits, locked, opened_store
from vrag.places.place import FolderPlace, Place
from vrag.places.swap import DRAFT, finish_swap
from vrag.runtime.parsing import MalformedError, parse_json, read_text
from vrag.settings import INDEX_FILE, SHARD
from vrag.store.interface import Record, Store
from vrag.upkeep.copying import Copier, CopyProgress, Unwatched, is_page, open_target

_OTHERS = "That changes the vectors themselves: leave it out of the pipeline, or ingest into a new folder."
_LOST = "The numbers that these bits were made of were not kept: ingest the files into a new folder."
_TARGET = "target.json"  # the facts that a draft is to have; written once its shard is made


@dataclass(slots=True)
class RepoolReport:
    """What a repooling did.

    Args:
        index: Where the index with the new pipeline is.
        pipeline: Name of the pipeline it now has.
        pages: Pages of the index.
        pooled: Pages pooled by this run; the others were pooled by an earlier one that was cut off, or need no pooling.
        seconds: Wall time.
    """

    index: str
    pipeline: str
    pages: int = 0
    pooled: int = 0
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """As docs/reference/json.md has it."""
        return {**asdict(self), "seconds": round(self.seconds, 3)}


def repool(
    path: str | os.PathLike[str], pipeline: str | Pipeline, progress: CopyProgress | None = None, wait: float = 0.0
) -> RepoolReport:
    """Give the index at `path` the pooled vectors and cascades of another pipeline.

    Args:
        path: Folder of the index; it must not be open.
        pipeline: A pipeline's name, a TOML file, or a `Pipeline`. What it does not say of the model and the page stays
            as the index has it.
        progress: Told after every batch.
        wait: Seconds to wait for another process that has the index open.

    Raises:
        UsageError: There is no index, the pipeline is not valid, or a pooling does not fit the pages.
        IndexMismatchError: The pipeline has another model or other page settings: that needs an ingest.
        BusyError: Another process has the index open.
    """
    started, place = time.perf_counter(), FolderPlace(path, wait)
    _goal(place, pipeline)  # no index, or no such pipeline: nobody waits for that
    with locked(place):
        goal, cost = _goal(place, pipeline)
        report = RepoolReport(place.name, goal.pipeline)
        if cost is Cost.POOLED:
            with opened_store(place) as (_, _, read):
                _pool_draft(place, read, goal, report, progress or Unwatched())
            _swap(place, goal)
        place.write_facts(goal)
    report.seconds = time.perf_counter() - started
    return report


def repool_open(
    place: FolderPlace, stored: Stored, pipeline: str | Pipeline, progress: CopyProgress | None = None
) -> RepoolReport:
    """As `repool`, for an index that is open here, and that nobody writes to meanwhile.

    Searches go on while pages are pooled, and wait only while the new vectors take the place of the old ones.

    Args:
        place: Where the index is.
        stored: What is open of it.
        pipeline: As for `repool`.
        progress: As for `repool`.

    Raises:
        UsageError: The pipeline is not valid, or a pooling does not fit the pages.
        IndexMismatchError: The pipeline has another model or other page settings.
    """
    started = time.perf_counter()
    goal, cost = _goal(place, pipeline)
    report = RepoolReport(place.name, goal.pipeline)
    if cost is Cost.POOLED:
        _pool_draft(place, stored.store, goal, report, progress or Unwatched())
    with stored.changing(), stored.exchanging():
        if cost is Cost.POOLED:
            _exchange(place, stored, goal)
        place.write_facts(goal)
        stored.pipeline = goal.to_pipeline(place.name)
    report.seconds = time.perf_counter() - started
    return report


def repool_into(
    source: Place, target: Place, pipeline: str | Pipeline, progress: CopyProgress | None = None
) -> RepoolReport:
    """Make a second index of the same pages with the pooled vectors and cascades of another pipeline.

    Args:
        source: Holds the index, which is only read.
        target: Holds none, or what an earlier run that was cut off has made there.
        pipeline: As for `repool`.
        progress: As for `repool`.

    Raises:
        UsageError: There is no index, the pipeline is not valid, or a pooling does not fit the pages.
        IndexMismatchError: The pipeline has another model or other page settings, or the target holds another index.
        BusyError: Another process has one of them open.
        StoreError: A place cannot be used.
    """
    if source.name == target.name:
        raise UsageError(f"{source.name} cannot be made into itself.", "Name another place with --into.")
    started = time.perf_counter()
    _goal(source, pipeline)  # before the target is touched
    with locked(source), locked(target):
        goal, _ = _goal(source, pipeline)
        report = RepoolReport(target.name, goal.pipeline)
        with opened_store(source) as (_, _, read), closing(open_target(target, goal)) as write:
            _pool(read, write, goal, report, progress or Unwatched())
    report.seconds = time.perf_counter() - started
    return report


def _goal(place: Place, pipeline: str | Pipeline) -> tuple[Facts, Cost]:
    """What the index at a place is to say of itself, and what that costs."""
    facts = place.facts()
    old = facts.to_pipeline(place.name)
    new = (pipeline if isinstance(pipeline, Pipeline) else load_pipeline(pipeline)).over(old)
    costs = set()
    for one in old.differences(new):
        costs.add(one.cost)
        if one.cost is Cost.EVERYTHING:
            raise one.error(place.name, _LOST if one.key == BITS_ALONE else _OTHERS)
    return replace(facts, pipeline=new.name, table=new.source), Cost.POOLED if Cost.POOLED in costs else Cost.NOTHING


def _pool_draft(place: FolderPlace, read: Store, goal: Facts, report: RepoolReport, progress: CopyProgress) -> None:
    """A second shard beside the first, with all pages pooled anew."""
    draft = place.folder / DRAFT
    try:
        with closing(_open_draft(draft, goal)) as write:
            _pool(read, write, goal, report, progress)
    except VragError:
        shutil.rmtree(draft, ignore_errors=True)  # it would fail again
        raise


def _swap(place: FolderPlace, goal: Facts) -> None:
    """The draft takes the place of the shard, which nobody has open."""
    forget_bits(place.folder)  # they are of terms and vectors that pages have no more, under the same ids
    write_facts(place.folder / DRAFT, goal)
    finish_swap(place.folder)


def _exchange(place: FolderPlace, stored: Stored, goal: Facts) -> None:
    """The same for a shard that is open: it is closed for the moment, and bits are made anew of what is there then."""
    store, new = stored.store, goal.to_pipeline(place.name)
    assert isinstance(store, BitsStore)
    store.bits = None
    try:
        store.exchange(new.schema(stored.dim), lambda: _swap(place, goal))
        stored.pipeline = new
    except BaseException:
        if store.is_open:  # nothing has moved: whoever opens the index next must not finish this without what comes now
            (place.folder / DRAFT / INDEX_FILE).unlink(missing_ok=True)
        raise
    finally:
        keep_bits(place, stored)


def _open_draft(folder: Path, goal: Facts) -> Store:
    """The shard that an earlier run left, when it was to become the same; else a new one."""
    from vrag.store.edge.manifest import ManifestStore

    fields = goal.to_pipeline(str(folder)).schema(goal.dim)
    if _is_to_become(goal, folder / _TARGET):
        return ManifestStore.open(folder / SHARD, fields)
    shutil.rmtree(folder, ignore_errors=True)
    store = ManifestStore.create(folder / SHARD, fields, KEYS)
    (folder / _TARGET).write_text(json.dumps(goal.to_json()), encoding="utf-8")
    return store


def _is_to_become(goal: Facts, file: Path) -> bool:
    """Whether the pages of a draft are those that are wanted, by the file beside it."""
    try:
        planned = Facts.from_json(parse_json(read_text(file)), str(file))
        found = planned.to_pipeline(str(file)).differences(goal.to_pipeline(str(file)))
    except (OSError, MalformedError, VragError):
        return False
    return planned.fingerprint == goal.fingerprint and all(one.cost is Cost.NOTHING for one in found)


def _pool(read: Store, write: Store, goal: Facts, report: RepoolReport, progress: CopyProgress) -> None:
    pipeline = goal.to_pipeline(report.index)
    mean = model_mean(pipeline.model) if any(spec.centred for spec in pipeline.vectors) else None
    tally = Copier(read, write, _PooledAnew(read, pipeline, mean), progress, report.index, drops=True).run()
    report.pages, report.pooled = tally.pages, tally.pages_written
    write.optimize()


@dataclass(frozen=True, slots=True)
class _PooledAnew:
    """Pages with new pooled vectors; documents' contexts as they are, where the pipeline has any."""

    source: Store
    pipeline: Pipeline
    mean: FloatArray | None
    vectors: Sequence[str] = ()  # what is to be pooled is read of pages that are missing alone

    @property
    def without(self) -> Sequence[str]:
        return () if self.pipeline.has_context else (CONTEXT,)

    def same(self, record: Record, there: Record) -> bool:
        """Whether they say the same of a page: sums are of vectors, which this pipeline makes anew."""
        return without_sums(there.payload) == without_sums(record.payload)

    def made(self, records: Sequence[Record]) -> list[Record]:
        # Only where a context is there does the source have that vector.
        has_context = any(record.payload.get("kind") == CONTEXT for record in records)
        names = [FULL, CONTEXT] if has_context else [FULL]
        found = self.source.fetch((r.id for r in records), names).values()
        return [pooled_again(one, self.pipeline, self.mean) if is_page(one) else one for one in found]
