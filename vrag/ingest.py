"""Ingest: files become pages, pages become vectors, vectors become records.

A page is acknowledged when its record is in the store, and a page that is there is never embedded
again, so an interrupted run goes on where it stopped. One bad file or page never stops the others.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import numpy as np

from vrag.documents import CURRENT, Documents, page_id
from vrag.embedders.base import Embedder, PageVectors
from vrag.errors import PageError
from vrag.failures import Failures
from vrag.gate import Gate
from vrag.lexical import TEXT
from vrag.pages.page import Page
from vrag.pages.workers import PageWorkers
from vrag.payload import ARRIVING, PAGE, page_payload
from vrag.pipeline import FULL, Pipeline
from vrag.replacing import replace_older
from vrag.report import Failure, IngestReport, Progress
from vrag.sources import changed_meanwhile
from vrag.store.base import Record, Store
from vrag.timing import WAITING, timed, watching
from vrag.worklist import Options, Task, Worklist

__all__ = ["Failure", "Ingest", "IngestReport", "Options", "Progress"]

_BATCH = 8  # pages embedded and written at once: what a crash can cost
_HOPELESS = 3  # batches without a single page embedded: it is the model, not the pages


@dataclass(slots=True)
class Ingest:
    """One run over a list of files.

    Args:
        store: Where records go.
        documents: The documents of that store.
        failures: What has failed before, and does now.
        gate: Closed to searches for the moment when one document replaces another.
        embedder: Makes vectors of pages.
        pipeline: Which pooled vectors to make.
        model_key: Digest of the model's fingerprint, part of every page's id.
        workers: Read the pages.
        in_flight: Pages asked of the workers at once.
        options: How to treat what is known already.
        progress: Told of every step.
        report: Filled while the work goes on.
    """

    store: Store
    documents: Documents
    failures: Failures
    gate: Gate
    embedder: Embedder
    pipeline: Pipeline
    model_key: str
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
        for task, loaded in groupby(self._load(tasks), key=lambda item: item[0]):
            self._index_document(worklist, task, loaded)
        if self.report.added:
            with timed("store"):
                self.store.optimize()

    def _worklist(self) -> Worklist:
        about = (self.store, self.documents, self.failures, self.workers)
        return Worklist(*about, self.options, self.model_key, self.progress, self.report)

    def _load(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, int, Future[Page] | None]]:
        """Pages in order, with a bounded number in flight in the workers; a task without pages comes as page 0."""
        waiting: deque[tuple[Task, int, Future[Page] | None]] = deque()
        for task in tasks:
            for number in task.missing or (0,):
                asked = self.workers.load(task.source.path, number) if number else None
                waiting.append((task, number, asked))
                if len(waiting) >= self.in_flight:
                    yield waiting.popleft()
        yield from waiting

    def _index_document(
        self, worklist: Worklist, task: Task, loaded: Iterator[tuple[Task, int, Future[Page] | None]]
    ) -> None:
        # Batches are the same whether or not a run was interrupted, and so is what a model makes of them.
        for _, block in groupby(loaded, key=lambda item: (item[1] - 1) // _BATCH):
            outcomes = [(number, _outcome(asked)) for _, number, asked in block if asked is not None]
            if outcomes and not task.source.unchanged():
                worklist.fail_file(task.source.path, changed_meanwhile())
                return
            for number, outcome in outcomes:
                if isinstance(outcome, PageError):
                    self._fail(worklist, task, number, outcome)
            self._write(worklist, task, [outcome for _, outcome in outcomes if isinstance(outcome, Page)])
        self._complete(task)

    def _fail(self, worklist: Worklist, task: Task, number: int, error: PageError) -> None:
        worklist.fail_page(task, number, error)
        self.progress.page(ok=False)

    def _complete(self, task: Task) -> None:
        """Every page was tried: a changed file's old content goes, if there is a page to take its place."""
        # Read again: another document of this run may have taken one of its paths.
        document = replace(self.documents.get(task.document.doc_id) or task.document, complete=True)
        failed = self.failures.by_document().get(document.doc_id, {})
        if document.state == CURRENT or len(failed) < document.pages:
            replace_older(self.documents, self.gate, document, task.contested)
        else:
            self.documents.put(document)

    def _write(self, worklist: Worklist, task: Task, pages: Sequence[Page]) -> None:
        """Embed, pool and store a batch; when this returns the pages are safe."""
        records = []
        for page, vectors in self._embedded(pages) if pages else ():
            if isinstance(vectors, PageError):
                self._fail(worklist, task, page.number, vectors)
            else:
                records.append(self._record(task, page, vectors))
        if records:
            with timed("store"):
                self.store.upsert(records)
            self.failures.clear_pages(task.document.doc_id, [int(record.payload["page"]) for record in records])
        self.report.added += len(records)
        for _ in records:
            self.progress.page(ok=True)

    def _embedded(self, pages: Sequence[Page]) -> list[tuple[Page, PageVectors | PageError]]:
        """Vectors of a batch; when the model fails on it, page by page, so that one costs no other.

        Raises:
            Exception: The model's own, once it fails on everything.
        """
        try:
            found: list[tuple[Page, PageVectors | PageError]] = [
                (page, _finite(vectors)) for page, vectors in zip(pages, self.embedder.embed_pages(pages), strict=True)
            ]
        except Exception as error:
            if len(pages) > 1:
                return [pair for page in pages for pair in self._embedded([page])]
            self._fruitless += 1
            if self._fruitless > _HOPELESS * _BATCH:
                raise
            return [(pages[0], PageError(f"The model cannot embed it: {error}", "vrag ingest --retry-failed"))]
        self._fruitless = 0
        return found

    def _record(self, task: Task, page: Page, vectors: PageVectors) -> Record:
        with timed("pool"):
            pooled = {s.name: s.of_page(vectors, self.embedder.mean) for s in self.pipeline.vectors}
        document = task.document
        kind = PAGE if document.state == CURRENT else ARRIVING
        payload = page_payload(page, vectors.grid, document.doc_id, kind)
        payload["meta"] = dict(document.meta)
        sparse = {TEXT: self.pipeline.text.document(page.words.texts)} if self.pipeline.text else {}
        point = page_id(document.doc_id, page.number, self.model_key)
        return Record(point, payload, {FULL: vectors.full, **pooled}, sparse)


def _outcome(asked: Future[Page]) -> Page | PageError:
    try:
        with timed(WAITING):
            return asked.result()
    except PageError as error:
        return error


def _finite(vectors: PageVectors) -> PageVectors | PageError:
    if np.isfinite(vectors.full).all():
        return vectors
    return PageError("The model gave numbers that are not finite.", "Try another dtype or device.")
