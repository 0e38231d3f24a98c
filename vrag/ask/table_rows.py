"""The rows of a table as people see them, and the cells of a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from vrag.ask.haystack import Haystack, Indices
from vrag.ask.tokens import tokens_of
from vrag.grid import FloatArray
from vrag.pages.headings import is_value
from vrag.pages.page import Words

MOST_CELLS = 200  # of a row; what has more is no table
_GAP = 1.0  # gap between words, in heights of a line, from which they are cells


@dataclass(frozen=True, slots=True)
class Cell:
    """Words of a row that stand together.

    Args:
        words: int64 [k], on the page.
        keys: Their tokens' keys.
        plain: The same without symbols.
        left: Of the page, as a share.
        right: Of the page, as a share.
    """

    words: Indices
    keys: tuple[str, ...]
    plain: tuple[str, ...]
    left: float
    right: float

    def overlaps(self, other: Cell) -> bool:
        """Whether both stand in one column."""
        return min(self.right, other.right) > max(self.left, other.left)


@dataclass(frozen=True, slots=True)
class TableRow:
    """What stands on one line across a page.

    Args:
        cells: From left to right; none of signs alone; none at all where there are too many for a table.
        has_value: Whether one of them is a number.
        middle: Height on the page, as a share.
    """

    cells: tuple[Cell, ...]
    has_value: bool
    middle: float


@dataclass(frozen=True, slots=True)
class Cells:
    """The c cells of a page's r rows, as columns.

    Args:
        cells: From the top.
        edges: float64 [c, 2], left and right.
        rows: int64 [c], in which each stands, never decreasing.
        has_value: bool [r], of each row.
    """

    cells: Sequence[Cell]
    edges: npt.NDArray[np.float64]
    rows: Indices
    has_value: npt.NDArray[np.bool_]


class PageRows:
    """A page as it is read and row by row, worked out when it is first asked for.

    Args:
        words: Of the page, in reading order.
    """

    def __init__(self, words: Words) -> None:
        self.words = words

    @cached_property
    def as_read(self) -> Haystack:
        """The words in reading order."""
        return Haystack(self.words.texts, np.arange(len(self.words)))

    @cached_property
    def by_row(self) -> Haystack:
        """The words row by row across the page."""
        order = np.concatenate(self._rows) if self._rows else np.zeros(0, np.int64)
        return Haystack(self.words.texts, order)

    def row_of(self, word: int) -> int:
        """The number of the row in which a word stands."""
        ends = np.cumsum([len(row) for row in self._rows])
        return int(np.searchsorted(ends, self.by_row.places[word], "right"))

    @cached_property
    def rows(self) -> list[TableRow]:
        """The rows, from the top."""
        return [_row(row, self.words) for row in self._rows]

    @cached_property
    def cells(self) -> Cells:
        """The cells of all rows."""
        cells = [cell for row in self.rows for cell in row.cells]
        counts = [len(row.cells) for row in self.rows]
        edges = np.array([(cell.left, cell.right) for cell in cells], np.float64).reshape(-1, 2)
        has_value = np.array([row.has_value for row in self.rows], bool)
        return Cells(cells, edges, np.repeat(np.arange(len(counts)), counts), has_value)

    @cached_property
    def _rows(self) -> list[Indices]:
        return visual_rows(self.words.boxes)

    def rows_of(self, chosen: Indices) -> list[TableRow]:
        """The rows in which some words stand, with these words alone."""
        return [_row(chosen[row], self.words) for row in visual_rows(self.words.boxes[chosen])]


def _row(row: Indices, words: Words) -> TableRow:
    cells = _cells(row, words)
    texts = [[words.texts[i] for i in cell.words.tolist()] for cell in cells]
    has_value = any(any(map(is_value, cell)) and not any(map(str.isalpha, "".join(cell))) for cell in texts)
    return TableRow(tuple(cells), has_value, float(words.boxes[row][:, [1, 3]].mean()))


def visual_rows(boxes: FloatArray) -> list[Indices]:
    """Words with boxes [n, 4] by the row they stand on, whatever the column: top to bottom, left to right."""
    middle = (boxes[:, 1] + boxes[:, 3]) / 2
    rows: list[list[int]] = []
    for i in np.argsort(middle, kind="stable").tolist():
        if rows and middle[i] < boxes[rows[-1][-1], 3] and middle[i] - middle[rows[-1][0]] < boxes[i, 3] - boxes[i, 1]:
            rows[-1].append(i)
        else:
            rows.append([i])
    return [np.array(sorted(row, key=lambda i: float(boxes[i, 0])), np.int64) for row in rows]


def _cells(row: Indices, words: Words) -> list[Cell]:
    """The cells of a row, a symbol before a number with it; what has no token is in none."""
    boxes = words.boxes[row]
    gaps = boxes[1:, 0] - np.maximum.accumulate(boxes[:, 2])[:-1]
    height = float(np.median(boxes[:, 3] - boxes[:, 1]))
    cells: list[Cell] = []
    parts = np.split(row, np.flatnonzero(gaps > _GAP * height) + 1)
    for part in parts if len(parts) <= MOST_CELLS else ():
        keys = tokens_of([words.texts[i] for i in part]).keys
        if cells and not cells[-1].plain:
            part, keys = np.concatenate([cells[-1].words, part]), cells.pop().keys + keys
        if keys:
            box = words.boxes[part]
            plain = tuple(key for key in keys if any(map(str.isalnum, key)))
            cells.append(Cell(part, keys, plain, float(box[:, 0].min()), float(box[:, 2].max())))
    return cells
