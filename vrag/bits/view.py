"""What one query sees of the cache: everything as of one commit, whatever others write meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vrag.bits.exact import ExactPages
from vrag.bits.kernels.portable import IntArray
from vrag.bits.packed import PackedPages
from vrag.bits.terms import TermPages


@dataclass(frozen=True, slots=True)
class PageTable:
    """Pages in the order of the bits.

    Args:
        ids: Record ids.
        alive: bool [pages]; False where the store has the page no more.
        position: Place of each living id.
        order: int64 [pages], where each id stands among all, sorted as text.
    """

    ids: tuple[str, ...]
    alive: npt.NDArray[np.bool_]
    position: Mapping[str, int]
    order: IntArray

    @classmethod
    def of(cls, ids: list[str], position: Mapping[str, int]) -> PageTable:
        """The table of these ids, of which those with a position are alive."""
        alive = np.zeros(len(ids), bool)
        alive[list(position.values())] = True
        order = np.argsort(np.argsort(np.array(ids, "S"), kind="stable"), kind="stable")
        return cls(tuple(ids), alive, dict(position), order)

    def places(self, ids: Iterable[str]) -> tuple[list[str], IntArray]:
        """Those of the ids that are living pages, and their positions, int64."""
        known = [page for page in ids if page in self.position]
        return known, np.array([self.position[page] for page in known], np.int64)


@dataclass(frozen=True, slots=True)
class BitsView:
    """Table and data of one commit. Files that a later one replaces stay mapped for as long as the view is held.

    Args:
        table: The pages.
        packed: Bits by named vector.
        exact: Rows by named vector, where they are kept.
        terms: Terms by named vector.
    """

    table: PageTable
    packed: Mapping[str, PackedPages]
    exact: Mapping[str, ExactPages]
    terms: Mapping[str, TermPages]

    def __len__(self) -> int:
        """Living pages."""
        return len(self.table.position)
