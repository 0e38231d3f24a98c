"""Stages of a cascade over bits: the pages that may take part, their scores, the best of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vrag.bits.cache import BitCache, PageTable
from vrag.bits.exact import ExactPages
from vrag.bits.portable import IntArray
from vrag.bits.scoring import PackedPages
from vrag.grid import FloatArray
from vrag.payload import PAGE
from vrag.store.base import Condition, Selection, Store

_WIDER = 3  # times the limit are scored in full after signs were compared with signs
_LONG = 128  # rows of a page, on average, from which that pays
_ANY_PAGE = Condition("kind", (PAGE,))
Scores = dict[str, float]


@dataclass(frozen=True, slots=True)
class BitStage:
    """One scoring of packed bits.

    Args:
        vector: Named vector with bits.
        query: float32 [m, d], weighted rows.
        limit: Pages let through.
    """

    vector: str
    query: FloatArray
    limit: int


def best_pages(
    cache: BitCache, store: Store, stages: Sequence[BitStage], selection: Selection
) -> list[tuple[str, float]]:
    """The best pages of a selection by estimated MaxSim, best first; equal scores in order of id.

    Args:
        cache: Up to date with `store`.
        store: Asked for the ids when the selection is by more than ids or documents.
        stages: At least one; each scores what the one before let through, the last one's scores are given back.
        selection: Pages that take part.
    """
    table = cache.table()
    pages = selected(table, store, selection)
    for stage in stages:
        pages, scores = _ranked(table, cache.pages(stage.vector), stage, np.sort(pages))
    return [(table.ids[page], score) for page, score in zip(pages.tolist(), scores.tolist(), strict=True)]


def _ranked(table: PageTable, packed: PackedPages, stage: BitStage, pages: IntArray) -> tuple[IntArray, FloatArray]:
    """Positions and scores of the pages that a stage lets through, best first."""
    limit = stage.limit
    pages = _by_signs(packed, stage.query, pages, _WIDER * limit)
    scores = packed.maxsim(stage.query, pages)
    found = np.isfinite(scores)  # a page without this vector cannot be found by it
    pages, scores = pages[found], scores[found]
    if len(scores) > limit:
        least = np.partition(scores, len(scores) - limit)[len(scores) - limit]
        pages, scores = pages[scores >= least], scores[scores >= least]
    order = np.lexsort((table.order[pages], -scores))[:limit]
    return pages[order], scores[order]


def _by_signs(packed: PackedPages, query: FloatArray, pages: IntArray, limit: int) -> IntArray:
    """The `limit` best pages by the signs of the query, a third of the work; all where that would not pay."""
    if len(pages) <= limit or packed.rows[-1] < _LONG * len(packed):
        return pages
    scores = packed.maxsim(query, pages, planes=1)
    return np.sort(pages[np.argpartition(-scores, limit)[:limit]])


def scores_of(scorer: PackedPages | ExactPages, table: PageTable, query: FloatArray, ids: Sequence[str]) -> Scores:
    """MaxSim of given pages by id, estimated or exact; those that the cache does not have are left out."""
    known = [page for page in ids if page in table.position]
    positions = np.array([table.position[page] for page in known], np.int64)
    return dict(zip(known, scorer.maxsim(query, positions).tolist(), strict=True))


def selected(table: PageTable, store: Store, selection: Selection) -> IntArray:
    """Positions of the selected pages, in order; the store is asked only where the table does not know."""
    if selection == Selection((_ANY_PAGE,)):
        return np.flatnonzero(table.alive).astype(np.int64)
    ids = selection.ids
    if ids is None or selection != Selection(ids=ids):
        ids = frozenset(record.id for record in store.scroll(selection, keys=()))
    return np.array(sorted(table.position[page] for page in ids if page in table.position), np.int64)
