"""Tables: quotes whose words stand in one row, or above it at the head of a column, but not one after the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vrag.ask.haystack import Indices
from vrag.ask.heads import heads_of
from vrag.ask.table_rows import Cell, PageRows
from vrag.ask.tokens import Tokens, has_digit

MOST_STEPS = 20_000  # in putting a quote together that are tried: cells that repeat have very many ways
_HEADS = 10  # steps that looking for the heads of a cell takes
_MOST_WORDS = 60  # of a quote that is looked for in cells


class StepsLeft:
    """Steps that are left for all parts of a quote."""

    def __init__(self) -> None:
        self._left = MOST_STEPS

    def take(self, count: int) -> bool:
        """Whether there are as many; they are gone then."""
        self._left -= count
        return self._left >= 0


def in_cells(said: Tokens, page: PageRows, steps: StepsLeft, first: int = 0) -> Indices | None:
    """The words of the cells that a quote is put together from; None when it is not.

    They are whole cells of one row, in whatever order, and heads of it: a head belongs to a number below it that the
    quote has too, and a quote has at least a number and a word of its row.

    Args:
        said: The quote.
        page: Its page.
        steps: That are left.
        first: Row of the page from which on it is looked for.
    """
    if not 2 <= len(said) <= _MOST_WORDS or not any(map(has_digit, said.keys)):
        return None
    wanted = frozenset(said.keys)
    for i, row in enumerate(page.rows[first:], first):
        if not row.has_value or not any(wanted.issuperset(cell.keys) for cell in row.cells):
            continue
        if not steps.take(_HEADS * len(row.cells)):
            return None
        usable = [cell for cell in (*row.cells, *heads_of(row, page, i)) if wanted.issuperset(cell.plain)]
        found = _composed(said.keys, row.cells, usable, steps)
        if found is not None:
            return np.unique(np.concatenate([cell.words for cell in found]))
    return None


def _composed(
    keys: tuple[str, ...], row: Sequence[Cell], usable: Sequence[Cell], steps: StepsLeft
) -> list[Cell] | None:
    """Cells of a row, and heads from above it, that say `keys` one after the other.

    None when there are no such cells, or none was found in as many steps as were left.
    """
    ways: list[tuple[int, tuple[Cell, ...]]] = [(0, ())]
    while ways and steps.take(len(usable)):
        done, chosen = ways.pop()
        if done == len(keys):
            if _belongs(chosen, row):
                return list(chosen)
            continue
        for cell in usable:
            size = _said_at(keys, done, cell)
            if size and not any(cell is other for other in chosen):
                ways.append((done + size, (*chosen, cell)))
    return None


def _said_at(keys: tuple[str, ...], start: int, cell: Cell) -> int:
    """How many keys from `start` are the cell's, with or without its symbols; 0 when they are not."""
    for said in (cell.keys, cell.plain):
        if said and keys[start : start + len(said)] == said:
            return len(said)
    return 0


def _belongs(chosen: Sequence[Cell], row: Sequence[Cell]) -> bool:
    """Whether numbers and a label are of the row, and each head stands over the number it is said of."""
    here = [cell for cell in chosen if any(cell is one for one in row)]
    heads = [cell for cell in chosen if not any(cell is one for one in row)]
    values = [cell for cell in here if any(map(has_digit, cell.keys))]
    if not values or len(values) == len(here):
        return False
    if len(values) == 1:
        values = values * len(heads)
    return not heads or (len(heads) == len(values) and all(h.overlaps(v) for h, v in zip(heads, values, strict=True)))
