"""The service: one open index that many people and programs use at once, whichever door they come in by."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from vrag.ask.answer import Step, steps
from vrag.ask.following import History
from vrag.ask.writing import write
from vrag.catalog.documents import Document
from vrag.errors import UsageError
from vrag.index import Index
from vrag.ingest.ingest_options import IngestOptions
from vrag.ingest.pruning import Gone
from vrag.ingest.report import IngestReport, Progress
from vrag.llm.llm import Llm
from vrag.pages.page import Words
from vrag.pipeline.pipeline import Pipeline
from vrag.runtime.memo import Memo
from vrag.search.hit import Hit
from vrag.serve.jobs import Job, Jobs, Steps
from vrag.store.interface import Condition, Selection
from vrag.upkeep.copying import CopyProgress
from vrag.upkeep.problem import Problem
from vrag.upkeep.repool import RepoolReport

if TYPE_CHECKING:
    from PIL.Image import Image

Work = Callable[[Steps], Any]
Removed = Callable[[Sequence[Document]], None]
_FRESH_S = 0.5  # for which what was counted is believed where others write as well
_ANYTHING = "page"  # a query; what it finds does not matter


class ReadOnlyError(UsageError):
    """The service was started to be searched, and not to be changed."""


class Service:
    """An index for any number of readers and one writer at a time; any thread may call any method.

    Args:
        index: Open, and the service's own until it is closed.
        searches: Searches that compute at the same time; by default one a core. The others wait for their turn.
        read_only: Refuse whatever changes the index.
        llm: Writes answers; without one they are quotes alone.
    """

    def __init__(
        self, index: Index, searches: int | None = None, read_only: bool = False, llm: Llm | None = None
    ) -> None:
        self.index = index
        self.read_only = read_only
        self.llm = llm
        self.started = datetime.now(timezone.utc)
        self.jobs = Jobs()
        self._contents: Memo[str] = Memo(1, _FRESH_S)
        self._callers, self._left = 0, time.monotonic()
        self._counting = threading.Lock()
        self._places = threading.BoundedSemaphore(searches or os.cpu_count() or 1)

    @contextmanager
    def searching(self) -> Iterator[None]:
        """One of the places for work of the CPU, as soon as one is free."""
        with self._places:
            yield

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Another process is being answered meanwhile."""
        with self._counting:
            self._callers += 1
        try:
            yield
        finally:
            with self._counting:
                self._callers -= 1
                self._left = time.monotonic()

    @property
    def idle_s(self) -> float:
        """Seconds since the last other process was answered; 0 while one is, or a job is not done."""
        with self._counting:
            idle = 0.0 if self._callers else time.monotonic() - self._left
        return idle if all(job.status().has_ended for job in self.jobs.all()) else 0.0

    def ask(
        self, question: str, k: int, where: Sequence[str], history: History = (), by_model: bool = True
    ) -> Generator[Step, None, None]:
        """The steps of an answer, as `Index.ask_stream`; no place for work is held while the model writes.

        Args:
            question: In words.
            k: Pages to look at.
            where: Filters.
            history: The conversation before.
            by_model: Whether the service's model answers, where it has one.
        """
        if self.llm is not None and by_model:
            yield from write(_Placed(self), self.llm, question, k, where, history)
            return
        with self.searching():
            answer = self.index.ask(question, k, where, None, history)
        yield from steps(answer)

    def contents(self) -> str:
        """Another text when documents came or went since it was asked, whoever changed them.

        It is made at most twice a second, of counts: one document in the place of another with as many pages is seen
        only on its way. Empty where nobody but this service writes, and its jobs tell what changes.
        """
        return self._contents.get([_ANYTHING], self._count)[_ANYTHING] if self.index.stored.on_server else ""

    def _count(self, keys: Sequence[str]) -> dict[str, str]:
        text = f"{self.index.documents.count()} documents, {self.index.page_count} pages"
        return dict.fromkeys(keys, text)

    def warm_up(self) -> None:
        """Have read, in a thread, what the first search would wait for; whatever fails, that search says."""

        def search() -> None:
            with self.searching(), suppress(Exception):
                if self.index.page_count:
                    self.index.search(_ANYTHING, 1)

        threading.Thread(target=search, name="vrag-warm-up", daemon=True).start()

    def ingest(
        self,
        paths: Sequence[str | os.PathLike[str]],
        recursive: bool = True,
        renderer: str | None = None,
        workers: int | None = None,
        options: IngestOptions | None = None,
        ray: str | None = None,
        listener: Progress | None = None,
    ) -> Job:
        """Index files and folders of this machine; arguments as of `Index.ingest`.

        Args:
            paths: Absolute.
            recursive: Whether folders are searched to the bottom.
            renderer: Tried first.
            workers: Processes that read pages.
            options: How to treat what is known already, and metadata.
            ray: Address of a Ray cluster, or "local".
            listener: Told of every step.

        Raises:
            ReadOnlyError: Nothing may change here.
        """
        where = [os.path.abspath(path) for path in paths]
        report = IngestReport(index=self.index.place.name)

        def work(progress: Steps) -> None:
            self.index.ingest(where, recursive, renderer, workers, progress, report, options, ray)

        names = [os.path.basename(path) for path in where]
        job = Job("ingest", names, work, lambda: where, listener=listener)
        job.found = report
        return self._submit(job)

    def remove(self, documents: Sequence[Document], removed: Removed = lambda _: None) -> Job:
        """Remove documents with all their pages.

        Args:
            documents: Of the index.
            removed: Told of them as they were when they went, with every path that they had come to have.

        Raises:
            ReadOnlyError: Nothing may change here.
        """
        ids = [document.doc_id for document in documents]

        def work(_: Steps) -> dict[str, Any]:
            left = self._known(ids)
            self.index.remove(left)
            removed(left)
            return {"removed": [os.path.basename(d.paths[0]) for d in left], "pages": sum(d.pages for d in left)}

        return self._submit_quick("remove", documents, work)

    def set_metadata(self, document: Document, values: Mapping[str, Any]) -> Job:
        """Give a document metadata.

        Args:
            document: Of the index.
            values: As `Index.set_metadata`.

        Raises:
            ReadOnlyError: Nothing may change here.
        """

        def work(_: Steps) -> dict[str, Any]:
            changed = [self.index.set_metadata(known, values) for known in self._known([document.doc_id])]
            return {"changed": [os.path.basename(one.paths[0]) for one in changed]}

        return self._submit_quick("metadata", [document], work)

    def forget(self, gone: Sequence[Gone]) -> Job:
        """Forget files that are gone; the job finds the number of documents that went with their last file.

        Raises:
            ReadOnlyError: Nothing may change here.
        """
        names = [os.path.basename(one.path) for one in gone]
        documents = [one.document for one in gone if one.document is not None]

        def work(_: Steps) -> int:
            return self.index.forget(gone)

        def paths() -> list[str]:
            return [*(one.path for one in gone), *self._paths_of(documents)]

        return self._submit(Job("forget", names, work, paths, is_quick=True))

    def verify(self, repair: bool = False) -> Job:
        """Check every page, and with `repair` make again what is wrong.

        Raises:
            ReadOnlyError: It is to repair, and nothing may change here.
        """

        def work(progress: Steps) -> list[Problem]:
            return self.index.verify(repair, progress)

        job = Job("verify", (), work, tuple)
        return self._submit(job) if repair else self.jobs.submit(job)

    def compact(self) -> Job:
        """Give back the space of what was removed.

        Raises:
            ReadOnlyError: Nothing may change here.
        """

        def work(_: Steps) -> tuple[int, int]:
            return self.index.compact()

        return self._submit(Job("compact", (), work, tuple))

    def repool(self, pipeline: Pipeline, listener: CopyProgress | None = None) -> Job:
        """Give the index the pooled vectors and cascades of another pipeline; it is searched meanwhile.

        Raises:
            ReadOnlyError: Nothing may change here.
        """

        def work(progress: Steps) -> RepoolReport:
            return self.index.repool(pipeline, progress)

        return self._submit(Job("repool", [pipeline.name], work, tuple, listener=listener))

    def close(self) -> None:
        """Stop the jobs at a page, and close the index."""
        self.jobs.close()
        self.index.close()

    def _known(self, doc_ids: Sequence[str]) -> list[Document]:
        """Those documents, as they are now; some may have gone meanwhile."""
        chosen = Selection((Condition("doc_id", tuple(doc_ids)),))
        return self.index.documents.selected(chosen) if doc_ids else []

    def _submit_quick(self, kind: str, documents: Sequence[Document], work: Work) -> Job:
        names = [os.path.basename(document.paths[0]) for document in documents]
        return self._submit(Job(kind, names, work, lambda: self._paths_of(documents), is_quick=True))

    def _paths_of(self, documents: Sequence[Document]) -> list[str]:
        """Where documents were, and where they are now."""
        now = self._known([document.doc_id for document in documents])
        return [path for document in (*documents, *now) for path in document.paths]

    def _submit(self, job: Job) -> Job:
        if self.read_only:
            raise ReadOnlyError("This service is read only.", "Start it without --read-only to change the index.")
        return self.jobs.submit(job)


class _Placed:
    """The index as an answer looks at it: whatever computes takes one of the service's places."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def search(self, query: str, k: int = 10, cascade: str | None = None, where: str | Sequence[str] = ()) -> list[Hit]:
        """As `Index.search`."""
        with self._service.searching():
            return self._service.index.search(query, k, cascade, where)

    def page_words(self, doc: str, page: int) -> Words:
        """As `Index.page_words`."""
        with self._service.searching():
            return self._service.index.page_words(doc, page)

    def page_image(self, doc: str, page: int, *, width: int) -> Image:
        """As `Index.page_image`."""
        with self._service.searching():
            return self._service.index.page_image(doc, page, width=width)
