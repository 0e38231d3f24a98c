"""The rows of a table as people see them, and the cells of a row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from vrag.ask.tokens import Tokens, tokens_of
from vrag.grid import FloatArray
from vrag.pages.headings import is_value
from vrag.pages.page import Words

_GAP = 1.0  # gap between words, in heights of a line, from which they are cells
Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Cell:
    """Words of a row that stand together.

    Args:
        words: int64 [k], on the page.
        keys: Their tokens' keys.
        left: Of the page, as a share.
        right: Of the page, as a share.
    """

    words: Indices
    keys: tuple[str, ...]
    left: float
    right: float

    def overlaps(self, other: Cell) -> bool:
        """Whether both stand in one column."""
        return min(self.right, other.right) > max(self.left, other.left)


@dataclass(frozen=True, slots=True)
class TableRow:
    """What stands on one line across a page.

    Args:
        cells: From left to right; none of signs alone.
        has_value: Whether one of them is a number.
        middle: Height on the page, as a share.
    """

    cells: tuple[Cell, ...]
    has_value: bool
    middle: float


class PageRows:
    """A page row by row, worked out when it is first asked for.

    Args:
        words: Of the page, in reading order.
    """

    def __init__(self, words: Words) -> None:
        self.words = words

    @cached_property
    def order(self) -> Indices:
        """The words row by row across the page: int64 [n]."""
        return np.concatenate(self._rows) if self._rows else np.zeros(0, np.int64)

    def readings(self) -> Iterator[tuple[Indices, Tokens]]:
        """The words in reading order, then row by row: int64 [n], and their tokens; worked out once, when wanted."""
        yield np.arange(len(self.words)), self._tokens
        yield self.order, self._tokens_by_row

    @cached_property
    def _tokens(self) -> Tokens:
        return tokens_of(self.words.texts)

    @cached_property
    def _tokens_by_row(self) -> Tokens:
        return tokens_of([self.words.texts[i] for i in self.order])

    @cached_property
    def rows(self) -> list[TableRow]:
        """The rows, from the top."""
        return [_row(row, self.words) for row in self._rows]

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
    for part in np.split(row, np.flatnonzero(gaps > _GAP * height) + 1):
        keys = tokens_of([words.texts[i] for i in part]).keys
        if cells and not any(map(str.isalnum, "".join(cells[-1].keys))):
            part, keys = np.concatenate([cells[-1].words, part]), cells.pop().keys + keys
        if keys:
            box = words.boxes[part]
            cells.append(Cell(part, keys, float(box[:, 0].min()), float(box[:, 2].max())))
    return cells
