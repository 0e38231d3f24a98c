"""Documents of resampled pages: any number of them, made from those of an index of real pages.

A page keeps the words and the first half of the rows of a real page; the second half are rows of another real page, in
reading order, and every row gets noise. So there are many pages that are nearly alike, which is harder than as many
real ones. The same number gives the same pages.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import PurePath

import numpy as np
import numpy.typing as npt

from vrag import Index
from vrag.bench.vectors import NOISE
from vrag.catalog.contexts import context_id
from vrag.catalog.documents import Document, Documents, page_id
from vrag.catalog.page_record import page_record
from vrag.catalog.payload import page_grid, page_payload, page_words
from vrag.embedders.protocol import PageVectors
from vrag.grid import FloatArray, Grid
from vrag.pages.page import Page, Words
from vrag.pipeline.pipeline import CONTEXT, FULL
from vrag.pooling.poolings import normalise
from vrag.search.where import parse_where
from vrag.store.interface import Record, Store

FEWEST_ROWS = 32  # of a page that is resampled


@dataclass(frozen=True)
class _Source:
    """A real page: its payload's record, and its rows, float16 [n, d]."""

    record: Record
    full: npt.NDArray[np.float16]


@dataclass(frozen=True)
class Copy:
    """A document of resampled pages.

    Args:
        document: As an index knows it.
        source: Id of the real document.
        number: Which copy of it, from 0.
    """

    document: Document
    source: str
    number: int


class Resampled:
    """Documents made from those of an index whose rows are words.

    Args:
        index: Whose pages, model and pipeline are taken; it is only read, and all its rows are kept in memory.
        rows: Most rows of a page; None for as many as the real one has.
    """

    def __init__(self, index: Index, rows: int | None = None) -> None:
        self._pipeline, self._mean, self._key = index.pipeline, index.embedder.mean, index.stored.model_key
        self._rows = rows
        self._pages: dict[str, list[_Source]] = {}
        for record in index.stored.store.scroll(parse_where((), index.documents), [FULL]):
            if len(record.vectors[FULL]) >= FEWEST_ROWS:
                full = record.vectors[FULL].astype(np.float16)
                bare = replace(record, vectors={}, sparse={})
                self._pages.setdefault(record.payload["doc_id"], []).append(_Source(bare, full))
        self._all = [page for pages in self._pages.values() for page in pages]
        self._documents = [document for document in index.documents.all() if document.doc_id in self._pages]
        ids = [context_id(document.doc_id) for document in self._documents]
        self._contexts = index.stored.store.fetch(ids, [CONTEXT] if self._pipeline.has_context else [])

    @property
    def pages(self) -> int:
        """Real pages that are resampled."""
        return len(self._all)

    @property
    def rows_a_page(self) -> float:
        """Mean rows of a page of the first copy of all, and so of any."""
        counts = [len(page.full[: self._rows]) for page in self._all]
        return sum(counts) / len(counts)

    def copies(self, pages: int) -> Iterator[Copy]:
        """Documents that have so many pages together, the last one maybe only a part of it."""
        left, number = pages, 0
        while left > 0:
            for document in self._documents:
                count = min(left, len(self._pages[document.doc_id]))
                if count:
                    yield _copy_of(document, number, count)
                left -= count
            number += 1

    def load(self, index: Index, pages: int, batch: int, tell: Callable[[str], None]) -> tuple[int, float]:
        """Write the documents of so many pages that an index lacks; pages that were written, and the seconds of that.

        Args:
            index: Written to.
            pages: In all.
            batch: Records that are written at once.
            tell: Told after every document.
        """
        there, count, seconds = {document.doc_id for document in index.documents.all()}, 0, 0.0
        for copy in self.copies(pages):
            if copy.document.doc_id not in there:
                seconds += self._write(index.stored.store, copy, batch)
                count += copy.document.pages
                tell(f"{count} pages in {seconds:.0f} s")
        return count, seconds

    def _write(self, store: Store, copy: Copy, batch: int) -> float:
        records = [*self.records(copy)]
        started = time.perf_counter()
        for first in range(0, len(records), batch):
            store.upsert(records[first : first + batch])
        Documents(store).put(copy.document)  # last: what is there is whole
        return time.perf_counter() - started

    def records(self, copy: Copy) -> Iterator[Record]:
        """Records of the pages of a document, and of its context."""
        document = copy.document
        for number, source in enumerate(self._pages[copy.source][: document.pages], 1):
            yield self._page(document.doc_id, number, source, copy.number)
        context = self._contexts.get(context_id(copy.source))
        if context is not None:
            payload = {**context.payload, "doc_id": document.doc_id}
            yield replace(context, id=context_id(document.doc_id), payload=payload)

    def _page(self, doc_id: str, number: int, source: _Source, copy: int) -> Record:
        payload, most = source.record.payload, self._rows
        found, boxes = page_words(payload), page_grid(payload).boxes[:most]
        words = Words(found.texts[:most], found.boxes[:most], found.lines[:most])
        page = Page(number, payload["width"], payload["height"], words, payload["source"], payload["renderer"])
        random = np.random.default_rng([copy, *source.record.id.encode()])
        vectors = PageVectors(self._mixed(random, source.full[:most]), Grid.free(boxes))
        made = {**page_payload(page, vectors.grid, doc_id), "meta": payload.get("meta", {})}
        return page_record(page_id(doc_id, number, self._key), made, vectors, words.texts, self._pipeline, self._mean)

    def _mixed(self, random: np.random.Generator, own: npt.NDArray[np.float16]) -> FloatArray:
        other = self._all[random.integers(len(self._all))].full
        half = len(own) // 2
        drawn = other[np.sort(random.integers(0, len(other), half))]
        rows = np.concatenate([own[: len(own) - half], drawn]).astype(np.float32)
        return normalise(
            rows + random.standard_normal(rows.shape, np.float32) * np.float32(NOISE / rows.shape[1] ** 0.5)
        )


def _copy_of(document: Document, number: int, pages: int) -> Copy:
    doc_id = hashlib.sha256(f"{document.doc_id}:{number}".encode()).hexdigest()
    path = f"/resampled/{number}/{PurePath(document.paths[0]).name}"
    return Copy(Document(doc_id, (path,), pages, complete=True, meta=document.meta), document.doc_id, number)
