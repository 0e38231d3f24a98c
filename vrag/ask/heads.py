"""Heads of a table: words that name the column or the group of a row that stands below them, maybe not directly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from vrag.ask.table_rows import Cell, Indices, PageRows, TableRow
from vrag.ask.tokens import Tokens
from vrag.pages.headings import MOST_LINES

_NEAR = 1e-4  # of a page, between heights that are one


def heads_over(said: Tokens, page: PageRows, below: Indices) -> Indices | None:
    """The words of heads that say `said` one after the other, of what is below; None when no heads do.

    Args:
        said: What heads are said to be.
        page: The page.
        below: int64 [k], k >= 1, words of a row, maybe with others around it; its first row with a value is meant.
    """
    row = next((row for row in page.rows_of(below) if row.has_value), None)
    if row is None:
        return None
    above = [one for one in page.rows if one.middle < row.middle - _NEAR]
    return _said_by(sorted(heads_of(row, above), key=lambda cell: int(cell.words[0])), said)


def heads_of(row: TableRow, above: Sequence[TableRow]) -> list[Cell]:
    """The heads of a row: what stands over a cell of it, up from the rows of values above it to the next such row.

    Args:
        row: Of a table.
        above: The rows above it, from the top of the page; the last `MOST_LINES` count.
    """
    found = {int(head.words[0]): head for cell in row.cells for head in _over(cell, above[-MOST_LINES:])}
    return list(found.values())


def _over(cell: Cell, above: Sequence[TableRow]) -> Iterator[Cell]:
    """The heads of a cell, the nearest first."""
    is_named = False
    for row in reversed(above):
        if row.has_value:
            if is_named:
                return
            continue
        over = [head for head in row.cells if head.overlaps(cell)]
        is_named |= bool(over)
        yield from over


def _said_by(heads: Sequence[Cell], said: Tokens) -> Indices | None:
    """The words of the heads that say something one after the other."""
    for first in range(len(heads)):
        rest, cells = said.keys, list[Cell]()
        for cell in heads[first:]:
            if not rest or rest[: len(cell.keys)] != cell.keys:
                break
            rest = rest[len(cell.keys) :]
            cells.append(cell)
        if cells and not rest:
            return np.unique(np.concatenate([cell.words for cell in cells]))
    return None
