"""What documents say of themselves answers a query's words on every page of theirs (`vrag.catalog.contexts`)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vrag.catalog.contexts import context_id
from vrag.grid import FloatArray
from vrag.pipeline.pipeline import CONTEXT
from vrag.runtime.memo import Memo
from vrag.store.interface import Store

CONTEXT_WEIGHT = np.float32(0.9)  # against what a page itself answers; measured on both development sets
_CACHED = 4096


class Contexts:
    """The contexts of a store's documents, kept once they were read.

    Args:
        store: Where their records are.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self._known: Memo[FloatArray | None] = Memo(_CACHED)

    def answers(self, query: FloatArray, doc_ids: Sequence[str]) -> FloatArray:
        """What each document's context answers: float32 [m, docs]; minus infinity where it has none.

        Args:
            query: float32 [m, d].
            doc_ids: Documents, which may repeat.
        """
        nothing = np.full(len(query), -np.inf, np.float32)
        column = {
            doc: nothing if rows is None else CONTEXT_WEIGHT * (query @ rows.T).max(axis=1)
            for doc, rows in self._known.get(doc_ids, self._read).items()
        }
        return np.stack([column[doc] for doc in doc_ids], axis=1) if doc_ids else nothing[:, None][:, :0]

    def forget(self) -> None:
        """Read again: documents have changed."""
        self._known.forget()

    def _read(self, doc_ids: Sequence[str]) -> dict[str, FloatArray | None]:
        points = {doc: context_id(doc) for doc in doc_ids}
        found = self.store.fetch(points.values(), [CONTEXT])
        return {doc: found[point].vectors.get(CONTEXT) if point in found else None for doc, point in points.items()}
