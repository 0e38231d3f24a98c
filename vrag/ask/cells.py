"""Tables: quotes whose words stand in one row, or above it at the head of a column, but not one after the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vrag.ask.heads import heads_of
from vrag.ask.table_rows import Cell, Indices, PageRows
from vrag.ask.tokens import Tokens, has_digit
from vrag.pages.headings import MOST_LINES

MOST_HEADS = 100  # of a row that are tried, the nearest
MOST_STEPS = 5000  # in putting a quote together that are tried: cells that repeat have very many ways
_MOST_WORDS = 60  # of a quote that is looked for in cells


def in_cells(said: Tokens, page: PageRows) -> Indices | None:
    """The words of the cells that a quote is put together from; None when it is not.

    They are whole cells of one row, in whatever order, and heads of it: a head belongs to a number below it that the
    quote has too, and a quote has at least a number and a word of its row.
    """
    if not 2 <= len(said) <= _MOST_WORDS or not any(map(has_digit, said.keys)):
        return None
    wanted, steps = frozenset(said.keys), MOST_STEPS
    for i, row in enumerate(page.rows):
        if not row.has_value or not any(wanted.issuperset(cell.keys) for cell in row.cells):
            continue
        steps -= MOST_LINES  # heads are looked for in as many
        if steps <= 0:
            break
        above = page.rows[max(0, i - MOST_LINES) : i]
        heads = [head for head in heads_of(row, above) if wanted.issuperset(head.keys)]
        found, steps = _composed(said.keys, row.cells, heads[:MOST_HEADS], steps)
        if found is not None:
            return np.unique(np.concatenate([cell.words for cell in found]))
    return None


def _composed(
    keys: tuple[str, ...], row: Sequence[Cell], above: Sequence[Cell], steps: int
) -> tuple[list[Cell] | None, int]:
    """Cells of a row, and heads from above it, that say `keys` one after the other, and steps that are left.

    None when there are no such cells, or none was found in as many steps.
    """
    ways: list[tuple[int, tuple[Cell, ...]]] = [(0, ())]
    while ways and steps:
        done, chosen = ways.pop()
        steps -= 1
        if done == len(keys):
            if _belongs(chosen, row):
                return list(chosen), steps
            continue
        for cell in (*row, *above):
            size = _said_at(keys, done, cell)
            if size and not any(cell is other for other in chosen):
                ways.append((done + size, (*chosen, cell)))
    return None, steps


def _said_at(keys: tuple[str, ...], start: int, cell: Cell) -> int:
    """How many keys from `start` are the cell's, with or without its symbols; 0 when they are not."""
    for said in (cell.keys, tuple(key for key in cell.keys if any(map(str.isalnum, key)))):
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
