"""The writing half of an ingest: vectors become records, and a page is told to be there once its record is.

Only this half touches the store, and it runs one batch behind the model, in a thread of its own: pooling and upserts of
one batch take place while the forward pass of the next one runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Generic, TypeVar

from vrag.catalog.documents import CURRENT
from vrag.catalog.failures import Failures
from vrag.catalog.kinds import ARRIVING, PAGE
from vrag.catalog.page_record import page_record
from vrag.catalog.payload import page_payload
from vrag.catalog.replacing import replace_older
from vrag.catalog.stored import Stored
from vrag.embedders.protocol import PageVectors
from vrag.errors import PageError
from vrag.ingest.report import IngestReport, Progress
from vrag.ingest.sources import changed_meanwhile
from vrag.ingest.worklist import PendingDocument, Worklist
from vrag.pages.language import likely_language
from vrag.pages.page import Page
from vrag.runtime.timing import WRITING, timed
from vrag.store.interface import Record

T = TypeVar("T")
Embedded = tuple[Page, PageVectors]


@dataclass(frozen=True, slots=True)
class Tried:
    """A page that was read and embedded, or why it could not be.

    Args:
        pending: Its document.
        number: From 1; 0 stands for a document that has no page left to be embedded.
        found: The page without its picture, and its vectors; None for page 0.
        is_last: Whether it is the last of its document.
    """

    pending: PendingDocument
    number: int
    found: Embedded | PageError | None
    is_last: bool


@dataclass(frozen=True, slots=True)
class Batch:
    """Pages that are written at once.

    Args:
        tried: Pages, in order of documents.
        changed: Documents whose file changed while it was read; none of their pages is in this batch or a later one.
    """

    tried: Sequence[Tried]
    changed: Sequence[PendingDocument] = ()


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes batches.

    Args:
        stored: Where records go.
        failures: Of the index; the worklist adds to them.
        worklist: Takes failures down.
        progress: Told of every page.
        report: Filled.
    """

    stored: Stored
    failures: Failures
    worklist: Worklist
    progress: Progress
    report: IngestReport

    def write(self, batch: Batch) -> None:
        """Pool and store a batch; when this returns its pages are safe, and documents that end in it are whole."""
        for pending in batch.changed:
            self.worklist.fail_file(pending.source.path, changed_meanwhile())
        for tried in batch.tried:
            if isinstance(tried.found, PageError):
                self.worklist.fail_page(tried.pending, tried.number, tried.found)
                self.progress.page(ok=False)
        self._store([tried for tried in batch.tried if isinstance(tried.found, tuple)])
        for tried in batch.tried:
            if tried.is_last:
                self._complete(tried.pending)

    def _store(self, pages: Sequence[Tried]) -> None:
        records = [self._record(tried.pending, *tried.found) for tried in pages if isinstance(tried.found, tuple)]
        if records:
            with timed("store"):
                self.stored.store.upsert(records)
        stored: dict[str, list[int]] = {}
        for tried in pages:
            stored.setdefault(tried.pending.doc_id, []).append(tried.number)
        for doc_id, numbers in stored.items():
            self.failures.clear_pages(doc_id, numbers)
        self.report.added += len(pages)
        for _ in pages:
            self.progress.page(ok=True)

    def _record(self, pending: PendingDocument, page: Page, vectors: PageVectors) -> Record:
        document = pending.document
        kind = PAGE if document.state == CURRENT else ARRIVING
        if language := likely_language(page.words.texts):
            self.report.seems_to_be(language)
        payload = page_payload(page, vectors.grid, document.doc_id, kind)
        payload["meta"] = dict(document.meta)
        point = self.stored.page_id(document.doc_id, page.number)
        with timed("pool"):
            return page_record(point, payload, vectors, page.words.texts, self.stored.pipeline, self.stored.mean)

    def _complete(self, pending: PendingDocument) -> None:
        """Every page was tried: a changed file's old content goes, if there is a page to take its place."""
        # Read again: another document of this run may have taken one of its paths.
        document = replace(self.stored.documents.get(pending.doc_id) or pending.document, complete=True)
        failed = self.failures.by_document().get(document.doc_id, {})
        if document.state == CURRENT or len(failed) < document.pages:
            replace_older(self.stored, document, pending.contested)
            if document.state == CURRENT != pending.document.state:
                self.stored.documents.show(document)  # another process was faster; these were written as arriving
        else:
            self.stored.documents.put(document)


class OneBehind(Generic[T]):
    """Does a piece of work after the other in one thread, while the caller prepares the next; at most one waits.

    At the end of the `with` block everything is done. What the work raises is raised by the next `put`, or there.

    Args:
        work: Done for every value.
    """

    def __init__(self, work: Callable[[T], None]) -> None:
        self._work = work
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="vrag-writer")
        self._under_way: Future[None] | None = None

    def put(self, value: T) -> None:
        """Hand over a value, once the one before it is done."""
        self._wait()
        self._under_way = self._thread.submit(copy_context().run, self._work, value)

    def __enter__(self) -> OneBehind[T]:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """After an exception, as Ctrl-C, what is under way is finished, and the exception stands."""
        try:
            if kind is None:
                self._wait()
        finally:
            self._thread.shutdown()

    def _wait(self) -> None:
        under_way, self._under_way = self._under_way, None
        if under_way is not None:
            with timed(WRITING):
                under_way.result()
