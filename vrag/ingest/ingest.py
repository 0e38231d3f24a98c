"""Ingest: files become pages, pages become vectors, vectors become records.

Worker processes read and render pages ahead, this thread embeds them, and a thread one batch behind writes them
(`vrag.ingest.writer`): the three overlap. A page is acknowledged when its record is in the store, and a page that is
there is never embedded again, so an interrupted run goes on where it stopped. One bad file or page never stops the
others.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from vrag.catalog.documents import Documents
from vrag.catalog.failures import Failures
from vrag.catalog.metadata import Types
from vrag.embedders.each import embed_each
from vrag.embedders.protocol import Embedder, PageVectors
from vrag.errors import PageError
from vrag.ingest.fleet.page_source import page_source
from vrag.ingest.report import IngestReport, Progress
from vrag.ingest.shares import divide
from vrag.ingest.worklist import Options, Task, Worklist
from vrag.ingest.writer import Batch, Embedded, OneBehind, Tried, Writer
from vrag.pages.files import find_files
from vrag.pages.page import Page
from vrag.pages.workers import PageWorkers
from vrag.pipeline.pipeline import Pipeline
from vrag.runtime.batching import batched
from vrag.runtime.gate import Gate
from vrag.runtime.timing import OCR, OPTIMIZING, READING, count, timed, watching
from vrag.settings import passwords
from vrag.store.interface import Store

_LEAST = 8  # pages written at once, however few the model embeds at once
_HOPELESS = 24  # pages in a row that cannot be embedded: it is the model, not the pages


@dataclass(frozen=True, slots=True)
class _Asked:
    """A page that the workers were asked for; page 0, which is none, stands for a document without missing pages."""

    task: Task
    number: int
    page: Future[Page] | None
    is_last: bool


@dataclass(frozen=True, slots=True)
class Target:
    """The index that pages go into.

    Args:
        store: Where records go.
        documents: The documents of that store.
        failures: What has failed before, and does now.
        gate: Closed to searches for the moment when one document replaces another.
        pipeline: Which pooled vectors to make.
        model_key: Digest of the model's fingerprint, part of every page's id.
        most_numbers: Numbers that a page's multivector must have fewer of; None when the store sets no limit.
    """

    store: Store
    documents: Documents
    failures: Failures
    gate: Gate
    pipeline: Pipeline
    model_key: str
    most_numbers: int | None = None


def prepare(
    target: Target, paths: Sequence[str | os.PathLike[str]], recursive: bool, options: Options, report: IngestReport
) -> tuple[list[Path], Options]:
    """The files that are to be indexed, and the options with all passwords; keys of metadata get their types.

    Args:
        target: Where they go.
        paths: PDFs, images, or folders of them.
        recursive: Whether folders are searched to the bottom.
        options: As given.
        report: Takes down what cannot be read.

    Raises:
        UsageError: A path is missing, there is nothing to index, or metadata of the wrong type is given.
    """
    wanted = [Path(path) for path in paths]
    files = find_files(wanted, recursive, report.unreadable_folder, may_be_empty=options.may_be_empty)
    types = Types(target.store)
    for values in (options.given.for_all, *options.given.table.values()):
        types.fit({key: value for key, value in values.items() if value is not None})
    return files, replace(options, passwords=passwords(options.passwords))


def sourced(
    embedder: Embedder, pipeline: Pipeline, workers: int | None, ray: str | None, options: Options, report: IngestReport
) -> AbstractContextManager[tuple[PageWorkers, Embedder, int]]:
    """What reads pages, what embeds them, and how many pages to ask for at once; from `with` on.

    Args:
        embedder: The index's model.
        pipeline: With the renderer that shall try first.
        workers: Processes that read pages; None for one a core, as far as memory allows.
        ray: Address of a Ray cluster, "local" for one on this machine, None for none.
        options: With all passwords.
        report: Takes down the number of processes.
    """
    spec = replace(pipeline.page_spec(embedder.page_spec), passwords=options.passwords)
    shares = divide(options.max_memory, workers, spec)
    report.workers = 0 if ray else shares.workers
    return page_source(ray, shares, embedder, spec)


@dataclass(slots=True)
class Ingest:
    """One run over a list of files.

    Args:
        target: Where pages go.
        embedder: Makes vectors of pages.
        workers: Read the pages.
        in_flight: Pages asked of the workers at once.
        options: How to treat what is known already.
        progress: Told of every step.
        report: Filled while the work goes on.
    """

    target: Target
    embedder: Embedder
    workers: PageWorkers
    in_flight: int
    options: Options
    progress: Progress
    report: IngestReport
    _fruitless: int = 0

    def run(self, files: Sequence[Path]) -> None:
        """Index the files; the report is filled as the work is done, so that it holds after an interruption too."""
        started = time.perf_counter()
        with watching() as watch:
            try:
                self._run(files)
            finally:
                self.report.seconds = time.perf_counter() - started
                self.report.timing = watch.seconds()

    def _run(self, files: Sequence[Path]) -> None:
        worklist = self._worklist()
        tasks = list(worklist.tasks(files))
        self.progress.embedding(sum(len(task.missing) for task in tasks))
        changed: set[str] = set()
        with OneBehind(self._writer(worklist).write) as writer:
            # Across documents: a folder of one-page files fills a GPU as one long document does.
            for asked in batched(self._load(tasks), self._at_once()):
                writer.put(self._tried(asked, changed))
        if self.report.added:
            with timed(OPTIMIZING):
                self.target.store.optimize()

    def _worklist(self) -> Worklist:
        into = self.target
        about = (into.store, into.documents, into.failures, self.workers)
        return Worklist(*about, self.options, into.model_key, self.progress, self.report)

    def _writer(self, worklist: Worklist) -> Writer:
        into = self.target
        stored = (into.store, into.documents, into.failures, into.gate)
        made = (into.pipeline, self.embedder.mean, into.model_key)
        return Writer(*stored, *made, worklist, self.progress, self.report)

    def _at_once(self) -> int:
        """Pages of a batch: whole batches of the model's, and enough that a write is worth it."""
        size = self.embedder.batch_size
        return -(-_LEAST // size) * size

    def _load(self, tasks: Sequence[Task]) -> Iterator[_Asked]:
        """Pages in order, with a bounded number in flight in the workers."""
        waiting: deque[_Asked] = deque()
        for task in tasks:
            numbers = task.missing or (0,)
            for number in numbers:
                page = self.workers.load(task.source.path, number) if number else None
                waiting.append(_Asked(task, number, page, number == numbers[-1]))
                if len(waiting) >= self.in_flight:
                    yield waiting.popleft()
        yield from waiting

    def _tried(self, asked: Sequence[_Asked], changed: set[str]) -> Batch:
        """Wait for the pages of a batch and embed them.

        Args:
            asked: The batch.
            changed: Ids of documents whose file is not what it was: they are left out. May grow.
        """
        arrived = [(one, self._outcome(one)) for one in asked if one.task.document.doc_id not in changed]
        tasks = {one.task.document.doc_id: one.task for one, outcome in arrived if outcome is not None}
        new = [task for task in tasks.values() if not task.source.unchanged()]
        changed.update(task.document.doc_id for task in new)
        kept = [(one, outcome) for one, outcome in arrived if one.task.document.doc_id not in changed]
        pages = [outcome for _, outcome in kept if isinstance(outcome, Page)]
        vectors = iter(self._embedded(pages))
        found = [next(vectors) if isinstance(outcome, Page) else outcome for _, outcome in kept]
        tried = [Tried(one.task, one.number, it, one.is_last) for (one, _), it in zip(kept, found, strict=True)]
        return Batch(tried, new)

    def _outcome(self, asked: _Asked) -> Page | PageError | None:
        """Wait for a page."""
        if asked.page is None:
            return None
        self.progress.reading(asked.task.source.path, asked.number)
        try:
            with timed(READING):
                page = asked.page.result()
        except PageError as error:
            self.progress.read(slow=False)
            return error
        self.progress.read(slow=OCR in page.seconds)
        for stage, seconds in page.seconds.items():
            count(stage, seconds)
        return page

    def _embedded(self, pages: Sequence[Page]) -> list[Embedded | PageError]:
        """Pages with their vectors, or why one has none.

        Raises:
            Exception: The model's own, once it fails on everything.
        """
        found = zip(pages, embed_each(self.embedder, pages), strict=True)
        return [self._refused(it) if isinstance(it, Exception) else self._checked(page, it) for page, it in found]

    def _refused(self, error: Exception) -> PageError:
        self._fruitless += 1
        if self._fruitless > _HOPELESS:
            raise error
        refused = PageError(f"The model cannot embed it: {error}", "vrag ingest --retry-failed")
        refused.__cause__ = error
        return refused

    def _checked(self, page: Page, vectors: PageVectors) -> Embedded | PageError:
        """The page without its picture, which is not needed any more, and its vectors, when they can be stored."""
        self._fruitless = 0
        rows, dim = vectors.full.shape
        if not np.isfinite(vectors.full).all():
            return PageError("The model gave numbers that are not finite.", "Try another dtype or device.")
        limit = self.target.most_numbers
        if limit is not None and rows * dim >= limit:
            most = (limit - 1) // dim
            return PageError(
                f"It has {rows} vectors of {dim} numbers, and a Qdrant server takes at most {most} of a page.",
                "Cut the page up, or keep the index in a folder.",
            )
        return replace(page, image=None), vectors
