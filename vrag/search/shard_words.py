"""Word scores of a server whose shards count words each by themselves, as one shard would have given them.

An engine's score by one term is the page's weight of it times what the term is worth in the page's shard:

    idf_s(t) = ln(1 + (N_s - n_s + 1/2) / (n_s + 1/2))   =>   n_s = (N_s + 1) exp(-idf_s) - 1/2

So a question for each of the query's terms, and the pages' weights, tell in how many pages n_s of each shard a term is
(as far as the pages lie there), hence in how many of all. With 200 pages a shard the engine's own scores make every
fiftieth of the top ten another page; with a hundred times as many they hardly differ (docs/reference/server.md).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
import numpy.typing as npt

from vrag.cascade.bm25 import TEXT
from vrag.store.interface import Selection, SparseVector, StageRequest, Store

_SAME = 1e-6  # of a number: what one shard gives a term is the same but for float32's rounding, however large it is
Values = npt.NDArray[np.float64]
TermIds = npt.NDArray[np.uint32]


def even_scores(store: Store, query: SparseVector, ids: Collection[str], pages: int) -> dict[str, float]:
    """Scores of those of the pages that have a term of the query.

    Args:
        store: Where they are.
        query: Terms and weights.
        ids: Of the pages.
        pages: In the whole index.
    """
    weights = page_weights(store, query.indices, ids)
    scores: dict[str, float] = {}
    shards = store.shards()
    for term, weight, found in _by_term(store, query, ids):
        here = {page: (score, weights[page][term]) for page, score in found.items() if term in weights.get(page, {})}
        if here:
            engine, own = np.array([*here.values()]).T
            of_all = _worth(engine / own, pages, shards)
            for page, score in zip(here, (weight * of_all * own).tolist(), strict=True):
                scores[page] = scores.get(page, 0.0) + score
    return scores


def page_weights(store: Store, wanted: TermIds, ids: Collection[str]) -> dict[str, dict[int, float]]:
    """What pages weigh terms, by page and term; a page without any words lacks.

    Args:
        store: Where they are.
        wanted: Ids of the terms.
        ids: Of the pages.
    """
    weights = {}
    for record in store.scroll(Selection(ids=frozenset(ids)), [TEXT], ()):
        terms = record.sparse.get(TEXT)
        if terms is not None and len(terms.indices):
            is_in = np.isin(terms.indices, wanted) & (terms.values != 0)
            weights[record.id] = dict(zip(terms.indices[is_in].tolist(), terms.values[is_in].tolist(), strict=True))
    return weights


def _by_term(store: Store, query: SparseVector, ids: Collection[str]) -> Iterator[tuple[int, float, dict[str, float]]]:
    """Each term of the query, its weight, and the engine's scores of the pages by this term alone."""
    one = np.ones(1, np.float32)
    alone = [
        StageRequest(TEXT, SparseVector(query.indices[i : i + 1], one), len(ids)) for i in range(len(query.indices))
    ]
    each = store.query_each(alone, Selection(ids=frozenset(ids)), ())
    for term, weight, found in zip(query.indices.tolist(), query.values.tolist(), each, strict=True):
        yield term, weight, {point.id: point.score for point in found}


def _worth(in_shards: Values, pages: int, shards: int) -> float:
    """What a term is worth in the whole index, by what it is worth in the shards where it was met."""
    ordered = np.sort(in_shards)
    is_new = np.diff(ordered, prepend=-np.inf) > _SAME * np.abs(ordered)
    with_term = np.clip(((pages / shards + 1) * np.exp(-ordered[is_new]) - 0.5).sum(), 1, pages)
    return float(np.log1p((pages - with_term + 0.5) / (with_term + 0.5)))
