"""The embedding half of an ingest: pages are asked for ahead, waited for in order, and embedded in batches."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

import numpy as np

from vrag.embedders.each import embed_each
from vrag.embedders.protocol import Embedder, PageVectors
from vrag.errors import PageError
from vrag.ingest.page_source import EmbeddedPage, PageSource
from vrag.ingest.report import Progress
from vrag.ingest.worklist import PendingDocument
from vrag.ingest.writer import Batch, Embedded, Tried
from vrag.pages.page import Page
from vrag.runtime.batching import batched
from vrag.runtime.timing import OCR, READING, count, timed

_LEAST = 8  # pages written at once, however few the model embeds at once
_HOPELESS = 24  # pages in a row that cannot be embedded: it is the model, not the pages


@dataclass(frozen=True, slots=True)
class _AskedPage:
    """A page that was asked for; page 0, which is none, stands for a document without missing pages."""

    document: PendingDocument
    number: int
    page: Future[Page] | Future[EmbeddedPage] | None
    is_last: bool


@dataclass(slots=True)
class PageEmbedding:
    """Reads and embeds the pages of one run.

    Args:
        embedder: Makes vectors of pages that come without.
        source: Reads pages.
        most_numbers: Numbers that a page's multivector must have fewer of; None for no limit.
        progress: Told of every page that is waited for.
    """

    embedder: Embedder
    source: PageSource
    most_numbers: int | None
    progress: Progress
    _fruitless: int = 0
    _changed: set[str] = field(default_factory=set)

    def batches(self, documents: Sequence[PendingDocument]) -> Iterator[Batch]:
        """The missing pages of the documents, tried, in order.

        A batch goes across documents: a folder of one-page files fills a GPU as one long document does. It is whole
        batches of the model's, and enough that a write is worth it.

        Raises:
            Exception: The model's own, once it fails on everything.
        """
        size = self.embedder.batch_size
        for asked in batched(self._ask(documents), -(-_LEAST // size) * size):
            yield self._tried(asked)

    def _ask(self, documents: Sequence[PendingDocument]) -> Iterator[_AskedPage]:
        """Pages in order, with a bounded number in flight at the source."""
        waiting: deque[_AskedPage] = deque()
        for document in documents:
            numbers = document.missing or (0,)
            for number in numbers:
                page = self.source.load(document.source.path, number) if number else None
                waiting.append(_AskedPage(document, number, page, number == numbers[-1]))
                if len(waiting) >= self.source.in_flight:
                    yield waiting.popleft()
        yield from waiting

    def _tried(self, asked: Sequence[_AskedPage]) -> Batch:
        """Wait for the pages of a batch and embed them; documents whose file is not what it was are left out."""
        arrived = [(one, self._wait(one)) for one in asked if one.document.doc_id not in self._changed]
        here = {one.document.doc_id: one.document for one, read in arrived if read is not None}
        new = [document for document in here.values() if not document.source.unchanged()]
        self._changed.update(document.doc_id for document in new)
        kept = [(one, read) for one, read in arrived if one.document.doc_id not in self._changed]
        vectors = iter(self._embedded([read for _, read in kept if isinstance(read, (Page, EmbeddedPage))]))
        found = [next(vectors) if isinstance(read, (Page, EmbeddedPage)) else read for _, read in kept]
        tried = [Tried(one.document, one.number, it, one.is_last) for (one, _), it in zip(kept, found, strict=True)]
        return Batch(tried, new)

    def _wait(self, asked: _AskedPage) -> Page | EmbeddedPage | PageError | None:
        if asked.page is None:
            return None
        self.progress.reading(asked.document.source.path, asked.number)
        try:
            with timed(READING):
                read = asked.page.result()
        except PageError as error:
            self.progress.read(slow=False)
            return error
        seconds = (read.page if isinstance(read, EmbeddedPage) else read).seconds
        self.progress.read(slow=OCR in seconds)
        for stage, spent in seconds.items():
            count(stage, spent)
        return read

    def _embedded(self, pages: Sequence[Page | EmbeddedPage]) -> list[Embedded | PageError]:
        """Pages with their vectors, or why one has none; those that come with theirs are not embedded again."""
        made = iter(embed_each(self.embedder, [page for page in pages if isinstance(page, Page)]))
        found = [(one, next(made)) if isinstance(one, Page) else (one.page, one.vectors) for one in pages]
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
        if self.most_numbers is not None and rows * dim >= self.most_numbers:
            most = (self.most_numbers - 1) // dim
            return PageError(
                f"It has {rows} vectors of {dim} numbers, and a Qdrant server takes at most {most} of a page.",
                "Cut the page up, or keep the index in a folder.",
            )
        return replace(page, image=None), vectors
