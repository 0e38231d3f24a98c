"""One stage of a cascade over bits: the pages that may take part, their scores, the best of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from vrag.bits.cache import BitCache, PageTable
from vrag.bits.portable import IntArray
from vrag.bits.scoring import PackedPages
from vrag.grid import FloatArray
from vrag.payload import PAGE
from vrag.store.base import Condition, Selection, Store

_WIDER = 3  # times the limit are scored in full after signs were compared with signs
_LONG = 128  # rows of a page, on average, from which that pays
_ANY_PAGE = Condition("kind", (PAGE,))


def best_pages(
    cache: BitCache, store: Store, vector: str, query: FloatArray, selection: Selection, limit: int
) -> list[tuple[str, float]]:
    """The `limit` best pages of a selection by estimated MaxSim, best first; equal scores in order of id.

    Args:
        cache: Up to date with `store`.
        store: Asked for the ids when the selection is by more than ids or documents.
        vector: Named vector with bits.
        query: float32 [m, d], weighted rows.
        selection: Pages that take part.
        limit: Pages wanted.
    """
    table = cache.table()
    packed = cache.pages(vector)
    pages = _by_signs(packed, query, selected(table, store, selection), _WIDER * limit)
    scores = packed.maxsim(query, pages)
    found = np.isfinite(scores)  # a page without this vector cannot be found by it
    pages, scores = pages[found], scores[found]
    if len(scores) > limit:
        least = np.partition(scores, len(scores) - limit)[len(scores) - limit]
        pages, scores = pages[scores >= least], scores[scores >= least]
    order = np.lexsort((table.order[pages], -scores))[:limit]
    return [(table.ids[page], score) for page, score in zip(pages[order].tolist(), scores[order].tolist(), strict=True)]


def _by_signs(packed: PackedPages, query: FloatArray, pages: IntArray, limit: int) -> IntArray:
    """The `limit` best pages by the signs of the query, a third of the work; all where that would not pay."""
    if len(pages) <= limit or packed.rows[-1] < _LONG * len(packed):
        return pages
    scores = packed.maxsim(query, pages, planes=1)
    return np.sort(pages[np.argpartition(-scores, limit)[:limit]])


def scores_of(cache: BitCache, vector: str, query: FloatArray, ids: Sequence[str]) -> Mapping[str, float]:
    """Estimated MaxSim of given pages, by id."""
    table = cache.table()
    known = [page for page in ids if page in table.position]
    positions = np.array([table.position[page] for page in known], np.int64)
    scores = cache.pages(vector).maxsim(query, positions)
    return dict(zip(known, scores.tolist(), strict=True))


def selected(table: PageTable, store: Store, selection: Selection) -> IntArray:
    """Positions of the selected pages, in order; the store is asked only where the table does not know."""
    if selection == Selection((_ANY_PAGE,)):
        return np.flatnonzero(table.alive).astype(np.int64)
    ids = selection.ids
    if ids is None or selection != Selection(ids=ids):
        ids = frozenset(record.id for record in store.scroll(selection, keys=()))
    return np.array(sorted(table.position[page] for page in ids if page in table.position), np.int64)
