"""What one query sees beside the store: looked at once, whatever others write meanwhile."""

from __future__ import annotations

from functools import cached_property

from vrag.bits.beside import view_of
from vrag.bits.kernels import compiled
from vrag.bits.kernels.portable import IntArray
from vrag.bits.view import BitsView
from vrag.cascade.bm25 import TEXT
from vrag.grid import FloatArray
from vrag.search.plan import Beside
from vrag.store.interface import SparseVector, Store


class Glance:
    """One query's look at what is kept beside a store.

    Args:
        store: Where the pages are.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._words: tuple[IntArray, FloatArray] | None = None

    @cached_property
    def view(self) -> BitsView | None:
        """Bits, rows and terms; None for a server, which keeps nothing there."""
        return view_of(self._store)

    @cached_property
    def beside(self) -> Beside:
        """What a plan may score there."""
        if self.view is None:
            return Beside()
        is_compiled = compiled.kernels() is not None
        return Beside(tuple(self.view.packed), is_compiled, TEXT in self.view.terms, tuple(self.view.exact))

    def word_scores(self, query: SparseVector) -> tuple[IntArray, FloatArray]:
        """Positions in the view of all pages with a word of the query, int64 [p], and their scores, float32 [p]."""
        assert self.view is not None
        if self._words is None:
            self._words = self.view.terms[TEXT].scores(query, self.view.table.alive)
        return self._words
