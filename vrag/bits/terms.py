"""The text lane over all pages of an index: BM25 with document frequencies of the pages that are there.

The engine counts deleted and hidden records too, until their segment is rewritten, so that its IDF depends on what
happened to an index before. Here a term's IDF follows from the living pages alone:

    score(page) = sum over the query's terms t of  weight_query(t) * weight_page(t) * idf(t)
    idf(t) = ln(1 + (N - n_t + 1/2) / (n_t + 1/2))

with N pages that have words, n_t of which have t. It is the engine's formula.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from vrag.bits.kernels.portable import IntArray
from vrag.bits.kernels.quantise import BitArray
from vrag.grid import FloatArray
from vrag.store.interface import SparseVector

_HALVES = 1 << 16  # values of half a term's id, by which most that are not looked for are told apart


class WordScores(NamedTuple):
    """What a query's words find.

    Args:
        pages: int64 [p], positions of the living pages that have one of its terms, in order.
        scores: float32 [p], theirs.
        worth: float64 [t], idf of the query's terms, in their order.
    """

    pages: IntArray
    scores: FloatArray
    worth: npt.NDArray[np.float64]

    def of(self, pages: IntArray) -> FloatArray:
        """Scores of given pages, float32 [p]; NaN for those that have none of the terms.

        Args:
            pages: int64 [p], their positions.
        """
        place = np.searchsorted(self.pages, pages)
        is_there = np.append(self.pages, -1)[place] == pages
        return np.where(is_there, np.append(self.scores, np.float32(0))[place], np.float32(np.nan))


@dataclass(frozen=True, slots=True)
class TermPages:
    """The terms of all pages.

    Args:
        pairs: uint32 [t, 2], id of a term and the bits of its float32 weight, page after page.
        starts: int64 [pages + 1], first pair of each page and the end.
    """

    pairs: BitArray
    starts: IntArray

    def scores(self, query: SparseVector, alive: npt.NDArray[np.bool_]) -> WordScores:
        """The living pages that have a term of the query, with their scores.

        Args:
            query: Terms and weights.
            alive: bool [pages].
        """
        order = np.argsort(query.indices)
        terms, weights = query.indices[order], query.values[order]
        at, which = self._matches(terms)
        pages = np.searchsorted(self.starts, at, "right") - 1
        at, which, pages = (array[alive[pages]] for array in (at, which, pages))
        count = int((alive & (np.diff(self.starts) > 0)).sum())
        frequency = np.bincount(which, minlength=len(terms))
        idf = np.log1p((count - frequency + 0.5) / (frequency + 0.5))
        parts = (idf * weights)[which] * self.pairs[at, 1].view(np.float32)
        is_first = np.diff(pages, prepend=-1) > 0  # pairs come page after page
        found, place = pages[is_first], np.cumsum(is_first) - 1
        worth = np.empty(len(terms))
        worth[order] = idf
        return WordScores(found.astype(np.int64), np.bincount(place, parts, len(found)).astype(np.float32), worth)

    def weights(self, page: int, terms: npt.NDArray[np.uint32]) -> FloatArray | None:
        """What a page weighs terms, float32 [t], 0 for those that it lacks; None for a page without any term.

        Args:
            page: Its position.
            terms: uint32 [t], their ids.
        """
        pairs = self.pairs[self.starts[page] : self.starts[page + 1]]
        if not len(pairs):
            return None
        place = np.searchsorted(pairs[:, 0], terms).clip(max=len(pairs) - 1)
        weights: FloatArray = np.where(pairs[place, 0] == terms, pairs[place, 1].view(np.float32), np.float32(0))
        return weights

    def _matches(self, terms: npt.NDArray[np.uint32]) -> tuple[IntArray, IntArray]:
        """Places among the pairs that have one of the sorted terms, and which of them: int64 [matches] both."""
        if not len(terms):
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        may_be = np.zeros(_HALVES, bool)
        may_be[_first_half(terms)] = True
        at = np.flatnonzero(may_be[_first_half(self.pairs)[::2]])
        which = np.searchsorted(terms, self.pairs[at, 0]).clip(max=len(terms) - 1)
        is_one = terms[which] == self.pairs[at, 0]
        return at[is_one], which[is_one]


def _first_half(values: BitArray) -> npt.NDArray[np.uint16]:
    """The first half, as it lies in memory, of each of the numbers uint32: no number is worked out, which is faster."""
    return np.asarray(values).reshape(-1).view(np.uint16)[::2]


def paired(vector: SparseVector | None) -> BitArray:
    """A page's terms as `TermPages` has them, uint32 [terms, 2], in order of id, whatever order they came in."""
    if vector is None:
        return np.zeros((0, 2), np.uint32)
    order = np.argsort(vector.indices)
    values = vector.values[order].astype(np.float32).view(np.uint32)
    return np.stack([vector.indices[order].astype(np.uint32), values], axis=1)
