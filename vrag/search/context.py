"""What documents say of themselves answers a query's words on every page of theirs (`vrag.catalog.contexts`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from vrag.catalog.contexts import context_id
from vrag.grid import FloatArray
from vrag.pipeline.pipeline import CONTEXT
from vrag.runtime.memo import Memo
from vrag.search.similarity import similarities
from vrag.store.interface import Selection, StageRequest, Store

CONTEXT_WEIGHT = np.float32(0.9)  # against what a page itself answers; measured on both development sets
_CACHED = 4096


class Answering(Protocol):
    """Tells what documents' contexts answer."""

    def answers(self, query: FloatArray, doc_ids: Sequence[str]) -> FloatArray:
        """What each document's context answers: float32 [m, docs]; minus infinity where it has none.

        Args:
            query: float32 [m, d].
            doc_ids: Documents, which may repeat.
        """
        ...


class NoContexts:
    """Documents that say nothing of themselves, as the pipeline has it (keeps `Answering`)."""

    def answers(self, query: FloatArray, doc_ids: Sequence[str]) -> FloatArray:
        """Minus infinity, float32 [m, docs]."""
        return np.full((len(query), len(doc_ids)), -np.inf, np.float32)


class Contexts:
    """The contexts of a store's documents, kept once they were read: `Answering` where nobody else writes.

    Args:
        store: Where their records are.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self._known: Memo[FloatArray | None] = Memo(_CACHED)

    def answers(self, query: FloatArray, doc_ids: Sequence[str]) -> FloatArray:
        """As `Answering` has it."""
        known = self._known.get(doc_ids, self._read)
        columns = {doc: similarities(query, rows).max(axis=1) for doc, rows in known.items() if rows is not None}
        return _in_order(columns, doc_ids, len(query))

    def forget(self) -> None:
        """Read again: documents have changed."""
        self._known.forget()

    def _read(self, doc_ids: Sequence[str]) -> dict[str, FloatArray | None]:
        points = {doc: context_id(doc) for doc in doc_ids}
        found = self.store.fetch(points.values(), [CONTEXT])
        return {doc: found[point].vectors.get(CONTEXT) if point in found else None for doc, point in points.items()}


class ContextsInEngine:
    """The contexts of a server's documents, of one query: `Answering` without moving them.

    MaxSim of a single row is its best similarity, so one request with a question for every row tells all there is to
    know. What was answered is kept for the query alone: other processes write too.

    Args:
        store: Where their records are.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self._known: dict[bytes, dict[str, FloatArray]] = {}  # by the query's rows

    def answers(self, query: FloatArray, doc_ids: Sequence[str]) -> FloatArray:
        """As `Answering` has it."""
        known = self._known.setdefault(query.tobytes(), {})
        if missing := [doc for doc in dict.fromkeys(doc_ids) if doc not in known]:
            known.update(self._asked(query, missing))
        return _in_order(known, doc_ids, len(query))

    def _asked(self, query: FloatArray, doc_ids: Sequence[str]) -> dict[str, FloatArray]:
        points = {context_id(doc): doc for doc in doc_ids}
        asked = [StageRequest(CONTEXT, row[None], len(points)) for row in query]
        columns = {doc: np.full(len(query), -np.inf, np.float32) for doc in doc_ids}
        for j, found in enumerate(self.store.query_each(asked, Selection(ids=frozenset(points)), ())):
            for point in found:
                if point.id in points:
                    columns[points[point.id]][j] = point.score
        return columns


def _in_order(columns: Mapping[str, FloatArray], doc_ids: Sequence[str], rows: int) -> FloatArray:
    """The weighted columns of documents; minus infinity for those that have none."""
    nothing = np.full(rows, -np.inf, np.float32)
    found = [columns.get(doc, nothing) for doc in doc_ids]
    return CONTEXT_WEIGHT * np.stack(found, axis=1) if found else nothing[:, None][:, :0]
