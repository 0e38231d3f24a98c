"""Does the index hold what it says? Every page is read and compared with its document's record and the schema."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from vrag.bits.beside import bits_damage, make_bits_again
from vrag.cascade.bm25 import TEXT
from vrag.catalog.contexts import CONTEXTS, lacking_contexts
from vrag.catalog.documents import CURRENT, Document
from vrag.catalog.kinds import ARRIVING, PAGE
from vrag.catalog.page_record import WORDS, is_changed, pooled_again
from vrag.catalog.payload import page_grid, page_place, page_words
from vrag.catalog.stored import Stored
from vrag.errors import StoreError
from vrag.grid import FloatArray
from vrag.pipeline.pipeline import CONTEXT, FULL
from vrag.runtime.batching import batched
from vrag.store.checks import fits
from vrag.store.edge.manifest import accept_loss, loss
from vrag.store.interface import Condition, Record, Selection, VectorField
from vrag.upkeep.bits_check import BitsCheck
from vrag.upkeep.problem import Problem

_AT_ONCE = 16  # pages whose vectors are held as numbers of Python at a time
_LENGTH = 0.05  # by how much a row's length may differ from 1: of bfloat16 numbers it differs by 0.004


class VerifyProgress(Protocol):
    """What a check tells while it runs."""

    def checked(self) -> None:
        """One more page is."""


@dataclass(slots=True)
class Verifier:
    """Checks the pages of an index.

    Args:
        stored: The index.
        progress: Told of every page; what it raises ends the check.
    """

    stored: Stored
    progress: VerifyProgress | None = None
    _bits_are_damaged: bool = False
    _known: dict[str, Document] = field(default_factory=dict)
    _found: dict[str, set[int]] = field(default_factory=dict)

    def problems(self) -> Iterator[Problem]:
        """What is wrong with the store, then with pages, then what is missing of documents."""
        if lost := loss(self.stored.store):
            yield Problem("", None, lost)
        self._bits_are_damaged = False
        for sentence in bits_damage(self.stored.store):
            self._bits_are_damaged = True
            yield Problem("", None, f"the bits, which are made from the pages, are damaged: {sentence}")
        self._known = {document.doc_id: document for document in self.stored.documents.all()}
        self._found = {doc_id: set() for doc_id in self._known}
        pages = Selection((Condition("kind", (PAGE, ARRIVING)),))
        terms = [TEXT] if self.stored.pipeline.text else []
        bits = BitsCheck.of(self.stored)
        for record in self._told(self.stored.store.scroll(pages, [*(wanted.name for wanted in self._dense()), *terms])):
            document = self._known.get(str(record.payload.get("doc_id")))
            if document is None:
                yield Problem("", None, "a page of a document that is not known", record_id=record.id)
                continue
            number = record.payload.get("page")
            page = number if isinstance(number, int) else 0
            problem = self._of_page(record, document, page)
            if problem:
                yield Problem(document.paths[0], page, problem, document.doc_id, record.id)
            else:
                self._found[document.doc_id].add(page)
                bits.expect(record)
                if pooled := self._of_pooled(record):
                    yield Problem(document.paths[0], page, pooled, document.doc_id, record.id, derived=True)
                if dict(record.payload.get("meta") or {}) != dict(document.meta):
                    yield Problem(document.paths[0], page, "its metadata is not its document's", document.doc_id)
        yield from self._of_bits(bits)
        yield from self._of_contexts()
        yield from self._of_documents()

    def _told(self, records: Iterator[Record]) -> Iterator[Record]:
        for record in records:
            if self.progress is not None:
                self.progress.checked()
            yield record

    def repair(self, problems: Sequence[Problem]) -> list[str]:
        """Make pooled vectors again; throw away what else is wrong, and mark its documents to be completed.

        Returns:
            Files to ingest again, as far as they are there.
        """
        with self.stored.exchanging():
            return self._repair(problems)

    def _repair(self, problems: Sequence[Problem]) -> list[str]:
        accept_loss(self.stored.store)
        contexts = self._derive([one.record_id for one in problems if one.derived and one.record_id])
        others = [problem for problem in problems if not problem.derived]
        records = frozenset(problem.record_id for problem in others if problem.record_id) | contexts
        if records:
            self.stored.store.delete(Selection(ids=records))
        affected = {problem.doc_id for problem in others if problem.doc_id}
        for doc_id in affected:
            self.stored.documents.describe(replace(self._known[doc_id], complete=False))
        if self._bits_are_damaged:
            make_bits_again(self.stored.store)
        paths = (path for doc_id in sorted(affected) for path in self._known[doc_id].paths)
        return [path for path in paths if Path(path).is_file()]

    def _derive(self, ids: Sequence[str]) -> set[str]:
        """Make again what pages have besides `full`; those ids that are contexts instead."""
        contexts = set()
        for some in batched(ids, _AT_ONCE):
            for key, record in self.stored.store.fetch(some, [FULL]).items():
                if record.payload.get("kind") == CONTEXT:
                    contexts.add(key)
                else:
                    self.stored.store.upsert([pooled_again(record, self.stored.pipeline, self.stored.mean)])
            self.stored.store.trim()
        return contexts

    def _of_page(self, record: Record, document: Document, page: int) -> str:
        """What is wrong with a page's record; empty when nothing is."""
        if not 1 <= page <= document.pages:
            return f"the document has no page {page}, only {document.pages}"
        if record.id != self.stored.page_id(document.doc_id, page):
            return "it was made by another model"
        if (record.payload["kind"] == PAGE) != (document.state == CURRENT):
            return "it is not as visible as its document"
        return self._of_payload(record) or self._of_vector(record, FULL)

    def _of_pooled(self, record: Record) -> str:
        """What is wrong with the vectors that are made from `full` and from the words; empty when nothing is."""
        names = (wanted.name for wanted in self._dense() if wanted.name != FULL)
        problem = next(filter(None, (self._of_vector(record, name) for name in names)), "")
        return problem or ("its terms are not those that were written" if is_changed(record, TEXT) else "")

    def _dense(self) -> list[VectorField]:
        """Vectors that every page must have; a page without words has no terms."""
        fields = self.stored.pipeline.schema(self.stored.dim)
        return [wanted for wanted in fields if wanted.kind != "sparse" and wanted.name != CONTEXT]

    def _of_payload(self, record: Record) -> str:
        try:
            page_words(record.payload)
            grid = page_grid(record.payload)
        except StoreError as error:
            return f"its words or boxes are damaged ({error.message})"
        full = record.vectors.get(FULL)
        if full is not None and full.ndim == 2 and len(full) != max(len(grid), 1):
            return f"it has {len(full)} vectors for {len(grid)} places on the page"
        if is_changed(record, WORDS):
            return "its words are not those that were written"
        return ""

    def _of_vector(self, record: Record, name: str) -> str:
        """What is wrong with a vector by the schema, by its sum, and for want of one by what models promise."""
        (wanted,) = (one for one in self._dense() if one.name == name)
        array = record.vectors.get(name)
        if array is None or not fits(array, wanted):
            shape = "nothing" if array is None else f"shape {list(array.shape)}"
            return f"vector {name} has {shape}, not dimension {wanted.dim}"
        if not np.isfinite(array).all():
            return f"vector {name} has values that are not finite"
        if is_changed(record, name):
            return f"vector {name} is not what was written"
        if name == FULL and not self.stored.pipeline.keeps_bits_alone and not _is_unit(array):
            return f"vector {name} has rows that are not of unit length"
        return ""

    def _of_bits(self, bits: BitsCheck) -> Iterator[Problem]:
        """Bits that travel with pages and are not those of their vectors; they are made again."""
        for page, says in bits.problems():
            doc_id, number = page_place(page.payload)
            yield Problem(self._known[doc_id].paths[0], number, says, doc_id, page.id, derived=True)

    def _of_contexts(self) -> Iterator[Problem]:
        """What documents say of themselves where it is not what was written, or not there; it is made again."""
        if not self.stored.pipeline.has_context:
            return
        for record in self.stored.store.scroll(CONTEXTS, [CONTEXT]):
            document = self._known.get(str(record.payload.get("doc_id")))
            if document is None:
                yield Problem("", None, "the context of a document that is not known", record_id=record.id)
            elif is_changed(record, CONTEXT):
                says = "what its name and title say is not what was written"
                yield Problem(document.paths[0], None, says, document.doc_id, record.id, derived=True)
        whole = {doc_id for doc_id, pages in self._found.items() if 1 in pages}  # the others have a problem already
        for doc_id, _, _ in lacking_contexts(self.stored):
            if doc_id in whole:
                says = "what its name and title say is missing"
                yield Problem(self._known[doc_id].paths[0], None, says, doc_id, derived=True)

    def _of_documents(self) -> Iterator[Problem]:
        failed = self.stored.failures().by_document()
        for doc_id, document in self._known.items():
            there = self._found[doc_id] | failed.get(doc_id, {}).keys()
            for page in sorted(set(range(1, document.pages + 1)) - there):
                reason = "it is missing" if document.complete else "it was not indexed yet"
                yield Problem(document.paths[0], page, reason, doc_id, self.stored.page_id(doc_id, page))


def _is_unit(rows: FloatArray) -> bool:
    """Whether every row has length 1, as far as number formats go, or is the zeros of an empty page."""
    lengths = np.linalg.norm(rows.astype(np.float64), axis=-1)
    return bool(((np.abs(lengths - 1) < _LENGTH) | (lengths == 0)).all())
