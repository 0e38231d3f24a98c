"""What a query's terms are worth in an index (their idf), and what single pages weigh them.

Beside an embedded index both are counted over its pages. A server is asked for the best page of each term alone: its
score is the term's idf times the page's weight of it, and a term without such a page is on none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vrag.bits.view import BitsView
from vrag.cascade.bm25 import TEXT
from vrag.grid import FloatArray
from vrag.search.glance import Glance
from vrag.search.shard_words import page_weights
from vrag.store.interface import Scored, Selection, SparseVector, StageRequest, Store


@dataclass(frozen=True, slots=True)
class TermWorth:
    """Of t terms.

    Args:
        worth: float64 [t], idf.
        weights: float32 [t] by id of a page's record, 0 for what the page lacks; pages without words are left out.
    """

    worth: npt.NDArray[np.float64]
    weights: Mapping[str, FloatArray]


def term_worth(
    store: Store, glance: Glance, terms: SparseVector, pages: Sequence[str], count_pages: Callable[[], int]
) -> TermWorth:
    """What a query's terms are worth, and weigh on pages.

    Args:
        store: Where the pages are.
        glance: Of the query.
        terms: Its terms.
        pages: Ids of their records.
        count_pages: Counts the pages of the index.
    """
    view = glance.view
    if view is None or TEXT not in view.terms:
        return _asked(store, terms, pages, count_pages)
    return TermWorth(glance.word_scores(terms).worth, _kept(view, terms, pages))


def _kept(view: BitsView, terms: SparseVector, pages: Sequence[str]) -> dict[str, FloatArray]:
    position = view.table.position
    found = {page: view.terms[TEXT].weights(position[page], terms.indices) for page in pages if page in position}
    return {page: weights for page, weights in found.items() if weights is not None}


def _asked(store: Store, terms: SparseVector, pages: Sequence[str], count_pages: Callable[[], int]) -> TermWorth:
    one = np.ones(1, np.float32)
    alone = [StageRequest(TEXT, SparseVector(terms.indices[i : i + 1], one), 1) for i in range(len(terms.indices))]
    best = [found[0] if found else None for found in store.query_each(alone, Selection(), ())]
    weights = page_weights(store, terms.indices, {*pages, *(point.id for point in best if point)})
    shards = store.shards()
    engine = [_in_shard(point, term, weights) for point, term in zip(best, terms.indices.tolist(), strict=True)]
    # A single shard's scores say what a term is worth; how many pages there are matters to the others alone.
    count = count_pages() if shards > 1 or None in engine else 0
    worth = [value if value is not None and shards == 1 else _worth(value, count, shards) for value in engine]
    columns = {page: np.array([weights[page].get(t, 0.0) for t in terms.indices.tolist()], np.float32)
               for page in pages if page in weights}  # fmt: skip
    return TermWorth(np.array(worth, np.float64), columns)


def _in_shard(best: Scored | None, term: int, weights: Mapping[str, Mapping[int, float]]) -> float | None:
    """What a term is worth in the shard of its best page; None where it has none."""
    weight = weights.get(best.id, {}).get(term) if best else None
    return best.score / weight if best and weight else None


def _worth(in_shard: float | None, pages: int, shards: int) -> float:
    """What a term is worth in the whole index, by what it is worth in one of equal shards; None: it is on no page."""
    with_term = 0.0
    if in_shard is not None:
        with_term = np.clip(((pages / shards + 1) * np.exp(-in_shard) - 0.5) * shards, 1, pages)
    return float(np.log1p((pages - with_term + 0.5) / (with_term + 0.5)))
