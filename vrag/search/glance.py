"""What one query sees beside the store: looked at once, whatever others write meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Collection

from vrag.bits.beside import kept_alone, view_of
from vrag.bits.kernels import compiled
from vrag.bits.kernels.portable import IntArray
from vrag.bits.stage import selected
from vrag.bits.terms import WordScores
from vrag.bits.view import BitsView
from vrag.cascade.bm25 import TEXT
from vrag.search.known_pages import KnownPages, PagesOfView
from vrag.search.plan import Beside
from vrag.search.shard_words import even_scores
from vrag.store.interface import Selection, SparseVector, StageRequest, Store


class Glance:
    """One query's look at what is kept beside a store.

    Args:
        store: Where the pages are.
        known: What earlier queries have read of pages; None for nothing.
    """

    def __init__(self, store: Store, known: KnownPages | None = None) -> None:
        self._store = store
        self._known = known or KnownPages(store)
        self._pages: PagesOfView | None = None
        self._has_looked = False  # and no `cached_property`: up to Python 3.11 all queries wait for one lock of its
        self._view: BitsView | None = None
        self._beside: Beside | None = None
        self._words: WordScores | None = None
        self._selected: tuple[Selection, IntArray] | None = None
        self._by_engine: dict[str, float | None] = {}

    @property
    def view(self) -> BitsView | None:
        """Bits, rows and terms; None for a server, which keeps nothing there."""
        if not self._has_looked:
            self._view, self._has_looked = view_of(self._store), True
        return self._view

    @property
    def beside(self) -> Beside:
        """What a plan may score there."""
        if self._beside is None:
            self._beside = Beside() if self.view is None else _seen(self.view, kept_alone(self._store))
        return self._beside

    @property
    def pages(self) -> PagesOfView:
        """What was read of the pages of the view."""
        if self._pages is None:
            self._pages = self._known.of(self.view)
        return self._pages

    def selected(self, selection: Selection) -> IntArray:
        """Positions in the view of the selected pages, in order; the branches of a query want the same ones."""
        assert self.view is not None
        if self._selected is None or self._selected[0] != selection:
            self._selected = selection, selected(self.view.table, self._store, selection)
        return self._selected[1]

    def engine_scores(
        self, query: SparseVector, ids: Collection[str], count_pages: Callable[[], int]
    ) -> dict[str, float]:
        """Scores by words from the engine, of pages that have any of the query's.

        What was asked once is kept for the query: its additions, its stages and its explanation want the same scores.

        Args:
            query: Terms and weights.
            ids: Of the pages.
            count_pages: Counts those of the index.
        """
        missing = frozenset(ids) - self._by_engine.keys()
        if missing:
            found = self._asked(query, missing, count_pages)
            self._by_engine |= {page: found.get(page) for page in missing}
        return {page: score for page in ids if (score := self._by_engine[page]) is not None}

    def _asked(self, query: SparseVector, ids: frozenset[str], count_pages: Callable[[], int]) -> dict[str, float]:
        if self._store.shards() > 1:
            return even_scores(self._store, query, ids, count_pages())
        asked = self._store.query([StageRequest(TEXT, query, len(ids))], Selection(ids=ids), ())
        return {point.id: point.score for point in asked}

    def word_scores(self, query: SparseVector) -> WordScores:
        """All pages of the view with a word of the query, and their scores."""
        assert self.view is not None
        if self._words is None:
            self._words = self.view.terms[TEXT].scores(query, self.view.table.alive)
        return self._words


def _seen(view: BitsView, alone: tuple[str, ...]) -> Beside:
    is_compiled = compiled.kernels() is not None
    return Beside(tuple(view.packed), is_compiled, TEXT in view.terms, tuple(view.exact), alone)
