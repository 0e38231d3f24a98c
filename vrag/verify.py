"""Does the index hold what it says? Every page is read and compared with its document's record and the schema."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from vrag.documents import CURRENT, Document, Documents, page_id
from vrag.failures import Failures
from vrag.grid import FloatArray
from vrag.payload import ARRIVING, PAGE, page_grid, page_words
from vrag.pipeline import CONTEXT, FULL, Pipeline
from vrag.store.base import Condition, Record, Selection, Store, VectorField
from vrag.store.manifest import accept_loss, loss


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is not as it should be.

    Args:
        path: The document's first file; empty when the document is not known.
        page: From 1; None when it is about the document.
        problem: What is wrong.
        doc_id: The document.
        record_id: The record to throw away; empty when there is none.
    """

    path: str
    page: int | None
    problem: str
    doc_id: str = ""
    record_id: str = ""


@dataclass(slots=True)
class Verifier:
    """Checks the pages of a store.

    Args:
        store: Of the index.
        documents: Of the store.
        pipeline: Says which vectors there must be.
        dim: Of every vector.
        model_key: Part of every page's id.
    """

    store: Store
    documents: Documents
    pipeline: Pipeline
    dim: int
    model_key: str
    _known: dict[str, Document] = field(default_factory=dict)
    _found: dict[str, set[int]] = field(default_factory=dict)

    def problems(self) -> Iterator[Problem]:
        """What is wrong with the store, then with pages, then what is missing of documents."""
        if lost := loss(self.store):
            yield Problem("", None, lost)
        self._known = {document.doc_id: document for document in self.documents.all()}
        self._found = {doc_id: set() for doc_id in self._known}
        pages = Selection((Condition("kind", (PAGE, ARRIVING)),))
        for record in self.store.scroll(pages, [wanted.name for wanted in self._dense()]):
            document = self._known.get(str(record.payload.get("doc_id")))
            if document is None:
                yield Problem("", None, "a page of a document that is not known", record_id=record.id)
                continue
            page = int(record.payload.get("page") or 0)
            problem = self._of_page(record, document, page)
            if problem:
                yield Problem(document.paths[0], page, problem, document.doc_id, record.id)
            else:
                self._found[document.doc_id].add(page)
                if dict(record.payload.get("meta") or {}) != dict(document.meta):
                    yield Problem(document.paths[0], page, "its metadata is not its document's", document.doc_id)
        yield from self._of_documents()

    def repair(self, problems: Sequence[Problem]) -> list[str]:
        """Throw away what is wrong, and mark its documents to be completed.

        Returns:
            Files to ingest again.
        """
        accept_loss(self.store)
        records = frozenset(problem.record_id for problem in problems if problem.record_id)
        if records:
            self.store.delete(Selection(ids=records))
        affected = {problem.doc_id for problem in problems if problem.doc_id}
        for doc_id in affected:
            self.documents.describe(replace(self._known[doc_id], complete=False))
        return [path for doc_id in sorted(affected) for path in self._known[doc_id].paths]

    def _of_page(self, record: Record, document: Document, page: int) -> str:
        """What is wrong with a page's record; empty when nothing is."""
        if not 1 <= page <= document.pages:
            return f"the document has no page {page}, only {document.pages}"
        if record.id != page_id(document.doc_id, page, self.model_key):
            return "it was made by another model"
        if (record.payload["kind"] == PAGE) != (document.state == CURRENT):
            return "it is not as visible as its document"
        return self._of_payload(record) or self._of_vectors(record.vectors)

    def _dense(self) -> list[VectorField]:
        """Vectors that every page must have; a page without words has no terms."""
        fields = self.pipeline.schema(self.dim)
        return [wanted for wanted in fields if wanted.kind != "sparse" and wanted.name != CONTEXT]

    def _of_payload(self, record: Record) -> str:
        try:
            words, grid = page_words(record.payload), page_grid(record.payload)
        except (KeyError, TypeError, ValueError, zlib.error) as error:
            return f"its words or boxes are damaged ({error})"
        if not len(words) == len(words.boxes) == len(words.lines):
            return "it has another number of boxes than of words"
        full = record.vectors.get(FULL)
        if full is not None and full.ndim == 2 and len(full) != max(len(grid), 1):
            return f"it has {len(full)} vectors for {len(grid)} places on the page"
        return ""

    def _of_vectors(self, vectors: Mapping[str, FloatArray]) -> str:
        for wanted in self._dense():
            array = vectors.get(wanted.name)
            if array is None or not _fits(array, wanted):
                shape = "nothing" if array is None else f"shape {list(array.shape)}"
                return f"vector {wanted.name} has {shape}, not dimension {wanted.dim}"
            if not np.isfinite(array).all():
                return f"vector {wanted.name} has values that are not finite"
        return ""

    def _of_documents(self) -> Iterator[Problem]:
        failed = Failures(self.store).by_document()
        for doc_id, document in self._known.items():
            there = self._found[doc_id] | failed.get(doc_id, {}).keys()
            for page in sorted(set(range(1, document.pages + 1)) - there):
                reason = "it is missing" if document.complete else "it was not indexed yet"
                yield Problem(document.paths[0], page, reason, doc_id)


def _fits(array: FloatArray, wanted: VectorField) -> bool:
    return array.ndim == 1 + (wanted.kind == "multi") and array.shape[-1] == wanted.dim and array.size > 0
