"""Heads of a table: words that name the column or the group of a row that stands below them, maybe not directly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vrag.ask.haystack import Indices
from vrag.ask.table_rows import Cell, PageRows, TableRow
from vrag.ask.tokens import Tokens
from vrag.pages.headings import MOST_LINES

MOST_HEADS = 100  # of a row, the nearest
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
    end = next((i for i, one in enumerate(page.rows) if one.middle >= row.middle - _NEAR), len(page.rows))
    return _said_by(sorted(heads_of(row, page, end), key=lambda cell: int(cell.words[0])), said)


def heads_of(row: TableRow, page: PageRows, end: int) -> list[Cell]:
    """The heads of a row: what stands over a cell of it, up from the rows of values above it to the next such row.

    Args:
        row: Of a table.
        page: Where it stands.
        end: How many rows of the page are above it; the last `MOST_LINES` count.

    Returns:
        At most `MOST_HEADS`, the nearest first.
    """
    cells = page.cells
    first, last = np.searchsorted(cells.rows, (max(0, end - MOST_LINES), end)).tolist()
    left, right = cells.edges[first:last].T
    rows, heads = cells.rows[first:last], set[int]()
    values = np.flatnonzero(cells.has_value[:end])
    may_be = ~cells.has_value[rows]
    for cell in row.cells:
        over = np.flatnonzero(may_be & (np.minimum(right, cell.right) > np.maximum(left, cell.left)))
        if len(over):
            above = values[: np.searchsorted(values, rows[over[-1]])]  # rows of values over the nearest head
            over = over[rows[over] > above[-1]] if len(above) else over
            heads.update((first + over).tolist())
    return [cells.cells[i] for i in sorted(heads, reverse=True)[:MOST_HEADS]]


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
