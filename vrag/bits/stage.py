"""Stages of a cascade over bits: the pages that may take part, their scores, the best of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vrag.bits.exact import ExactPages
from vrag.bits.kernels.portable import IntArray
from vrag.bits.packed import PackedPages
from vrag.bits.view import BitsView, PageTable
from vrag.grid import FloatArray
from vrag.store.interface import PAGE, Condition, Selection, Store

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


def best_pages(view: BitsView, stages: Sequence[BitStage], pages: IntArray) -> list[tuple[str, float]]:
    """The best of some pages by estimated MaxSim, best first; equal scores in order of id.

    Args:
        view: Of the store's bits.
        stages: At least one; each scores what the one before let through, the last one's scores are given back.
        pages: Positions of those that take part, see `selected`.
    """
    table = view.table
    for stage in stages:
        pages, scores = _ranked(table, view.packed[stage.vector], stage, np.sort(pages))
    return [(table.ids[page], score) for page, score in zip(pages.tolist(), scores.tolist(), strict=True)]


def _ranked(table: PageTable, packed: PackedPages, stage: BitStage, pages: IntArray) -> tuple[IntArray, FloatArray]:
    """Positions and scores of the pages that a stage lets through, best first."""
    limit = stage.limit
    pages = _by_signs(packed, stage.query, pages, _WIDER * limit)
    scores = packed.maxsim(stage.query, pages)
    found = np.isfinite(scores)  # a page without this vector cannot be found by it
    return best_of(table, pages[found], scores[found], limit)


def best_of(table: PageTable, pages: IntArray, scores: FloatArray, limit: int) -> tuple[IntArray, FloatArray]:
    """The best of the pages and their scores, best first; equal scores in order of id, at the limit too."""
    is_good = _as_good(scores, limit)
    pages, scores = pages[is_good], scores[is_good]
    order = np.lexsort((table.order[pages], -scores))[:limit]
    return pages[order], scores[order]


def _by_signs(packed: PackedPages, query: FloatArray, pages: IntArray, limit: int) -> IntArray:
    """The `limit` best pages by the signs of the query, a third of the work; all where that would not pay.

    With them those that are as good as the last: which of them came first says nothing.
    """
    if len(pages) <= limit or int((packed.rows[pages + 1] - packed.rows[pages]).sum()) < _LONG * len(pages):
        return pages
    return pages[_as_good(packed.maxsim(query, pages, planes=1), limit)]


def _as_good(scores: FloatArray, limit: int) -> npt.NDArray[np.bool_]:
    """Which scores are among the `limit` best or equal to the last of them."""
    if len(scores) <= limit:
        return np.ones(len(scores), bool)
    least = np.partition(scores, len(scores) - limit)[len(scores) - limit]
    is_good: npt.NDArray[np.bool_] = scores >= least
    return is_good


def scores_of(scorer: PackedPages | ExactPages, table: PageTable, query: FloatArray, ids: Sequence[str]) -> Scores:
    """MaxSim of given pages by id, estimated or exact; those that the cache does not have are left out."""
    known, positions = table.places(ids)
    return dict(zip(known, scorer.maxsim(query, positions).tolist(), strict=True))


def selected(table: PageTable, store: Store, selection: Selection) -> IntArray:
    """Positions of the selected pages, in order; the store is asked only where the table does not know."""
    if selection == Selection((_ANY_PAGE,)):
        return np.flatnonzero(table.alive).astype(np.int64)
    ids = selection.ids
    if ids is None or selection != Selection(ids=ids):
        ids = frozenset(record.id for record in store.scroll(selection, keys=()))
    return np.sort(table.places(ids)[1])
