"""Ingest: files become pages, pages become vectors, vectors become records.

A page is acknowledged when its record is in the store, and a page that is there is never embedded
again, so an interrupted run goes on where it stopped. One bad file or page never stops the others.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import Protocol

from vrag.documents import Document, Documents, page_id
from vrag.embedders.base import Embedder
from vrag.errors import PageError
from vrag.lexical import TEXT
from vrag.pages.faults import where
from vrag.pages.files import file_digest
from vrag.pages.page import Page
from vrag.pages.workers import PageWorkers
from vrag.payload import page_payload
from vrag.pipeline import FULL, Pipeline
from vrag.store.base import Record, Store

_BATCH = 8  # pages embedded and written at once: what a crash can cost


@dataclass(frozen=True, slots=True)
class Failure:
    """A file (`page` None) or page that could not be indexed, and why."""

    path: str
    page: int | None
    reason: str


@dataclass(slots=True)
class IngestReport:
    """What an ingest did.

    Args:
        documents: Documents of this run that are in the index.
        pages: Their pages that are in the index.
        added: Pages embedded by this run.
        unchanged: Pages that were there already.
        failed: What could not be indexed.
        seconds: Wall time.
        index: Folder of the index.
    """

    index: str
    documents: int = 0
    added: int = 0
    unchanged: int = 0
    failed: list[Failure] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def pages(self) -> int:
        """Pages of this run's documents that are in the index."""
        return self.added + self.unchanged


class Progress(Protocol):
    """What an ingest tells while it runs."""

    def looking(self, files: int) -> None:
        """Files are about to be read and counted."""

    def looked(self) -> None:
        """One more file is counted."""

    def embedding(self, pages: int) -> None:
        """This many pages are about to be embedded."""

    def page(self, ok: bool) -> None:
        """One more page is in the index, or has failed."""


@dataclass(frozen=True, slots=True)
class Task:
    """A document with the pages still to be embedded."""

    document: Document
    path: Path
    missing: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Ingest:
    """One run over a list of files.

    Args:
        store: Where records go.
        documents: The documents of that store.
        embedder: Makes vectors of pages.
        pipeline: Which pooled vectors to make.
        model_key: Digest of the model's fingerprint, part of every page's id.
        workers: Read the pages.
        in_flight: Pages asked of the workers at once.
        progress: Told of every step.
        report: Filled while the work goes on.
    """

    store: Store
    documents: Documents
    embedder: Embedder
    pipeline: Pipeline
    model_key: str
    workers: PageWorkers
    in_flight: int
    progress: Progress
    report: IngestReport

    def run(self, files: Sequence[Path]) -> None:
        """Index the files; the report is filled as the work is done, so that it holds after an interruption too."""
        started = time.perf_counter()
        try:
            tasks = list(self._plan(files))
            self.progress.embedding(sum(len(task.missing) for task in tasks))
            for task, loaded in groupby(self._load(tasks), key=lambda item: item[0]):
                self._index_document(task, (page for _, page in loaded))
            if self.report.added:
                self.store.optimize()
        finally:
            self.report.seconds = time.perf_counter() - started

    def _plan(self, files: Sequence[Path]) -> Iterator[Task]:
        self.progress.looking(len(files))
        planned: set[str] = set()
        for path in files:
            try:
                document = self._register(path)
            except PageError as error:
                self._fail(path, None, error)
            else:
                missing = () if document.doc_id in planned else self._missing(document)
                self.report.documents += 1
                self.report.unchanged += document.pages - len(missing)
                planned.add(document.doc_id)
                if missing:
                    yield Task(document, path, missing)
                else:
                    self._replace_older(document, path)
            self.progress.looked()

    def _register(self, path: Path) -> Document:
        """The record of the file's content, made or told of this path; equal content has one record."""
        doc_id = _digest(path)
        known = self.documents.get(doc_id)
        if known is None:
            document = Document(doc_id, (str(path),), self.workers.inspect(path).result().pages)
        else:
            document = replace(known, paths=_with_path(known.paths, path))
        if document != known:
            self.documents.put(document)
        return document

    def _missing(self, document: Document) -> tuple[int, ...]:
        ids = {self._page_id(document, page): page for page in range(1, document.pages + 1)}
        stored = self.store.fetch(ids).keys()
        return tuple(page for point, page in ids.items() if point not in stored)

    def _load(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Page | PageError]]:
        """Pages in order, with a bounded number in flight in the workers."""
        waiting: deque[tuple[Task, int, Future[Page]]] = deque()
        for task in tasks:
            for number in task.missing:
                waiting.append((task, number, self.workers.load(task.path, number)))
                if len(waiting) >= self.in_flight:
                    yield self._next(waiting)
        while waiting:
            yield self._next(waiting)

    def _next(self, waiting: deque[tuple[Task, int, Future[Page]]]) -> tuple[Task, Page | PageError]:
        task, number, future = waiting.popleft()
        try:
            return task, future.result()
        except PageError as error:
            self._fail(task.path, number, error)
            self.progress.page(ok=False)
            return task, error

    def _index_document(self, task: Task, loaded: Iterator[Page | PageError]) -> None:
        batch: list[Page] = []
        for page in loaded:
            if isinstance(page, Page):
                batch.append(page)
            if len(batch) == _BATCH:
                self._write(task, batch)
                batch = []
        if batch:
            self._write(task, batch)
        # Read again: a copy may have been linked to it since it was planned.
        document = self.documents.get(task.document.doc_id) or task.document
        self.documents.put(replace(document, complete=True))
        self._replace_older(document, task.path)

    def _write(self, task: Task, pages: Sequence[Page]) -> None:
        """Embed, pool and store a batch; when this returns the pages are safe."""
        records = []
        for page, vectors in zip(pages, self.embedder.embed_pages(pages), strict=True):
            pooled = {s.name: s.of_page(vectors, self.embedder.mean) for s in self.pipeline.vectors}
            payload = page_payload(page, vectors.grid, task.document.doc_id)
            sparse = {TEXT: self.pipeline.text.document(page.words.texts)} if self.pipeline.text else {}
            point = self._page_id(task.document, page.number)
            records.append(Record(point, payload, {FULL: vectors.full, **pooled}, sparse))
        self.store.upsert(records)
        self.report.added += len(records)
        for _ in records:
            self.progress.page(ok=True)

    def _replace_older(self, document: Document, path: Path) -> None:
        """A changed file: once its new pages are in, its old content goes."""
        for older in self.documents.at_path(path):
            if older.doc_id != document.doc_id:
                self.documents.unlink(older, path)

    def _fail(self, path: Path, page: int | None, error: PageError) -> None:
        reason = str(error).removeprefix(f"{where(path, page)}: ")
        self.report.failed.append(Failure(str(path), page, reason[:1].upper() + reason[1:]))

    def _page_id(self, document: Document, page: int) -> str:
        return page_id(document.doc_id, page, self.model_key)


def _digest(path: Path) -> str:
    try:
        return file_digest(path)
    except OSError as error:
        raise PageError(f"The file cannot be read: {error.strerror}.", "Check its permissions.") from error


def _with_path(paths: tuple[str, ...], path: Path) -> tuple[str, ...]:
    """Paths with `path` among them; those whose files are gone give way."""
    if str(path) in paths:
        return paths
    return (*(p for p in paths if Path(p).exists()), str(path))
