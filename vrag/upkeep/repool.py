"""Repooling: new pooled vectors from the stored `full`, without the model and without the files.

`repool` changes an embedded index: a second shard grows inside it and takes the place of the first one when it is
whole. `repool_into` makes another index, which is the way for a server, whose collections cannot change places. A run
that is cut off leaves the index as it was; the next one with the same recipe goes on where it stopped.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vrag.catalog.documents import KEYS
from vrag.catalog.metadata import index_metadata
from vrag.catalog.page_record import page_record, without_sums
from vrag.catalog.payload import ARRIVING, PAGE, page_grid, page_words
from vrag.embedders.families import model_mean
from vrag.embedders.protocol import PageVectors
from vrag.errors import IndexMismatchError, UsageError, VragError
from vrag.grid import FloatArray
from vrag.pipeline.differences import Cost
from vrag.pipeline.pipeline import CONTEXT, FULL, Pipeline, load_pipeline, make_pipeline
from vrag.places.facts import Facts, write_facts
from vrag.places.opening import locked, open_store
from vrag.places.place import FACTS_ID, FolderPlace, Place
from vrag.places.swap import DRAFT, finish_swap
from vrag.runtime.batching import batched
from vrag.runtime.parsing import MalformedError, parse_json, read_text
from vrag.settings import INDEX_FILE, SHARD
from vrag.store.interface import Condition, Record, Selection, Store

_BATCH = 16  # records copied at once: what a crash can cost
_TARGET = "target.json"  # what a draft is to become; written once its shard is made


@dataclass(slots=True)
class RepoolReport:
    """What a repooling did.

    Args:
        index: Where the index with the new recipe is.
        pipeline: Name of the recipe it now has.
        pages: Pages of the index.
        pooled: Pages pooled by this run; the others were pooled by an earlier one that was cut off, or need no pooling.
        seconds: Wall time.
    """

    index: str
    pipeline: str
    pages: int = 0
    pooled: int = 0
    seconds: float = 0.0


Watch = Callable[[int, int], None]


def repool(
    path: str | os.PathLike[str], pipeline: str | Pipeline, watch: Watch | None = None, wait: float = 0.0
) -> RepoolReport:
    """Give the index at `path` the pooled vectors and cascades of another recipe.

    Args:
        path: Folder of the index; it must not be open.
        pipeline: A recipe's name, a TOML file, or a `Pipeline`. What it does not say of the model and the page stays
            as the index has it.
        watch: Told after every batch how many pages are done, and how many there are.
        wait: Seconds to wait for another process that has the index open.

    Raises:
        UsageError: There is no index, the recipe is not valid, or a pooling does not fit the pages.
        IndexMismatchError: The recipe has another model or other page settings: that needs an ingest.
        BusyError: Another process has the index open.
    """
    started, place = time.perf_counter(), FolderPlace(path, wait)
    folder = place.folder
    _recipes(place, pipeline)  # no index, or no such recipe: nobody waits for that
    with locked(place):
        facts, old, new = _recipes(place, pipeline)
        report = RepoolReport(place.name, new.name)
        if any(one.cost is Cost.POOLED for one in old.differences(new)):
            _rebuild(folder, facts, old, new, report, watch or _nobody)
        write_facts(folder, replace(facts, pipeline=new.name, table=new.source))
    report.seconds = time.perf_counter() - started
    return report


def repool_into(source: Place, target: Place, pipeline: str | Pipeline, watch: Watch | None = None) -> RepoolReport:
    """Make a second index of the same pages with the pooled vectors and cascades of another recipe.

    Args:
        source: Holds the index, which is only read.
        target: Holds none, or what an earlier run that was cut off has made there.
        pipeline: As for `repool`.
        watch: As for `repool`.

    Raises:
        UsageError: There is no index, the recipe is not valid, or a pooling does not fit the pages.
        IndexMismatchError: The recipe has another model or other page settings, or the target holds another index.
        BusyError: Another process has one of them open.
        StoreError: A place cannot be used.
    """
    if source.name == target.name:
        raise UsageError(f"{source.name} cannot be made into itself.", "Name another place with --into.")
    started = time.perf_counter()
    _recipes(source, pipeline)  # before the target is touched
    with locked(source), locked(target):
        report = _repool_into(source, target, pipeline, watch or _nobody)
    report.seconds = time.perf_counter() - started
    return report


def _repool_into(source: Place, target: Place, pipeline: str | Pipeline, watch: Watch) -> RepoolReport:
    facts, old, new = _recipes(source, pipeline)
    report = RepoolReport(target.name, new.name)
    goal = replace(facts, pipeline=new.name, table=new.source)
    with (
        closing(open_store(source, old, facts.dim)) as read,
        closing(_open_target(target, goal, new)) as write,
    ):
        _Copy(read, write, new, _mean(new), report, watch).run()
        write.optimize()
    return report


def _recipes(place: Place, pipeline: str | Pipeline) -> tuple[Facts, Pipeline, Pipeline]:
    """What the index at a place says of itself, the recipe it has, and the one it is to have."""
    facts = place.facts()
    where = str(place.folder / INDEX_FILE) if place.folder else place.name
    old = make_pipeline(facts.pipeline, facts.table, where)
    new = (pipeline if isinstance(pipeline, Pipeline) else load_pipeline(pipeline)).over(old)
    for one in old.differences(new):
        if one.cost is Cost.EVERYTHING:
            hint = "That changes the vectors themselves: leave it out of the pipeline, or ingest into a new folder."
            raise one.error(place.name, hint)
    return facts, old, new


def _open_target(target: Place, goal: Facts, new: Pipeline) -> Store:
    if not target.holds_index():
        return target.create(goal, new.schema(goal.dim), KEYS, new.server)
    if target.facts().to_json() != json.loads(json.dumps(goal.to_json())):
        raise IndexMismatchError(
            f"There is an index of another recipe or model at {target.name}.", "Choose another place for the new one."
        )
    return target.open(new.schema(goal.dim), new.server)


def _nobody(done: int, pages: int) -> None:
    pass


def _rebuild(folder: Path, facts: Facts, old: Pipeline, new: Pipeline, report: RepoolReport, watch: Watch) -> None:
    from vrag.store.manifest import ManifestStore, require_whole

    source = ManifestStore.open(folder / SHARD, old.schema(facts.dim))
    try:
        require_whole(source, str(folder))
        target = _open_draft(folder / DRAFT, new, facts)
        try:
            _Copy(source, target, new, _mean(new), report, watch).run()
            target.optimize()
        finally:
            target.close()
    except VragError:
        shutil.rmtree(folder / DRAFT, ignore_errors=True)  # it would fail again
        raise
    finally:
        source.close()
    write_facts(folder / DRAFT, replace(facts, pipeline=new.name, table=new.source))
    finish_swap(folder)


def _open_draft(folder: Path, new: Pipeline, facts: Facts) -> Store:
    """The shard that an earlier run left, when it was to become the same; else a new one."""
    from vrag.store.manifest import ManifestStore

    tables = {key: new.source.get(key) for key in ("vectors", "text")}
    goal = {**tables, "model": facts.fingerprint.digest, "dim": facts.dim}
    fields = new.schema(facts.dim)
    if _read_goal(folder / _TARGET) == goal:
        return ManifestStore.open(folder / SHARD, fields)
    shutil.rmtree(folder, ignore_errors=True)
    store = ManifestStore.create(folder / SHARD, fields, KEYS)
    (folder / _TARGET).write_text(json.dumps(goal), encoding="utf-8")
    return store


def _read_goal(file: Path) -> Any:
    try:
        return parse_json(read_text(file))
    except (OSError, MalformedError):
        return None


@dataclass(frozen=True, slots=True)
class _Copy:
    """Every record of one store into another, pages with new pooled vectors; what is there already is left alone."""

    source: Store
    target: Store
    pipeline: Pipeline
    mean: FloatArray | None
    report: RepoolReport
    watch: Watch

    def run(self) -> None:
        """Copy what is missing or has changed, then drop what the source no longer has."""
        index_metadata(self.source, self.target)
        records, seen = filter(self._is_kept, self.source.scroll(Selection())), set[str]()
        contexts = Selection((Condition("kind", (CONTEXT,)),))
        total = self.source.count(Selection()) - (0 if self.pipeline.has_context else self.source.count(contexts))
        for batch in batched(records, _BATCH):
            self._copy(batch)
            seen.update(record.id for record in batch)
            self.report.pages += sum(map(_is_page, batch))
            self.watch(len(seen), total)
        gone = frozenset(record.id for record in self.target.scroll(Selection())) - seen - {FACTS_ID}
        if gone:
            self.target.delete(Selection(ids=gone))

    def _copy(self, batch: Sequence[Record]) -> None:
        there = self.target.fetch(record.id for record in batch)
        missing = [r for r in batch if r.id not in there or not _same(there[r.id], r)]
        if not missing:
            return
        # Only where a context is there does the source have that vector.
        names = [FULL, *([CONTEXT] if any(map(_is_context, missing)) else [])]
        full = self.source.fetch((record.id for record in missing), names)
        self.target.upsert([self._pooled(record) for record in full.values()])
        self.source.trim()
        self.report.pooled += sum(map(_is_page, missing))

    def _is_kept(self, record: Record) -> bool:
        is_wanted = self.pipeline.has_context or not _is_context(record)
        return is_wanted and record.id != FACTS_ID

    def _pooled(self, record: Record) -> Record:
        if not _is_page(record):
            return record
        page = PageVectors(record.vectors[FULL], page_grid(record.payload))
        words = page_words(record.payload).texts
        return page_record(record.id, record.payload, page, words, self.pipeline, self.mean)


def _same(there: Record, record: Record) -> bool:
    """Whether they say the same of a page: sums are of vectors, which this recipe makes anew."""
    return without_sums(there.payload) == without_sums(record.payload)


def _is_context(record: Record) -> bool:
    return record.payload.get("kind") == CONTEXT


def _is_page(record: Record) -> bool:
    return record.payload.get("kind") in (PAGE, ARRIVING)


def _mean(pipeline: Pipeline) -> FloatArray | None:
    return model_mean(pipeline.model) if any(spec.centred for spec in pipeline.vectors) else None
