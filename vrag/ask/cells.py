"""Tables: quotes whose words stand in one row, or above it at the head of a column, but not one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vrag.ask.tokens import Tokens, has_digit, tokens_of
from vrag.grid import FloatArray
from vrag.pages.page import Words

_CELLS = 1.0  # gap between words, in heights of a line, from which they are cells
MOST_HEADS = 100  # cells above a row that may be heads of its columns, the nearest
MOST_STEPS = 5000  # in putting a quote together that are tried: cells that repeat have very many ways
_MOST_WORDS = 60  # of a quote that is looked for in cells
Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Cell:
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

    def overlaps(self, other: _Cell) -> bool:
        """Whether both stand in one column."""
        return min(self.right, other.right) > max(self.left, other.left)


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


def row_order(boxes: FloatArray) -> Indices:
    """Order of words with boxes [n, 4] row by row across the page: int64 [n]."""
    rows = visual_rows(boxes)
    return np.concatenate(rows) if rows else np.zeros(0, np.int64)


def in_cells(said: Tokens, words: Words) -> Indices | None:
    """The words of the cells that a quote is put together from; None when it is not.

    They are whole cells of one row, in whatever order, and heads above: a head belongs to a number below it that the
    quote has too, and a quote has at least a number and a word of its row.
    """
    if not 2 <= len(said) <= _MOST_WORDS or not any(map(has_digit, said.keys)):
        return None
    wanted, above, steps = frozenset(said.keys), list[_Cell](), MOST_STEPS
    for row in visual_rows(words.boxes):
        cells = _cells_of(row, words)
        found, steps = _composed(said.keys, cells, above, steps)
        if found is not None:
            return np.unique(np.concatenate([cell.words for cell in found]))
        above = [*above, *(cell for cell in cells if wanted.issuperset(cell.keys))][-MOST_HEADS:]
    return None


def _cells_of(row: Indices, words: Words) -> list[_Cell]:
    """The cells of a row, a symbol before a number with it; what has no token is in none."""
    boxes = words.boxes[row]
    gaps = boxes[1:, 0] - np.maximum.accumulate(boxes[:, 2])[:-1]
    height = float(np.median(boxes[:, 3] - boxes[:, 1]))
    cells: list[_Cell] = []
    for part in np.split(row, np.flatnonzero(gaps > _CELLS * height) + 1):
        keys = tokens_of([words.texts[i] for i in part]).keys
        if cells and not any(map(str.isalnum, "".join(cells[-1].keys))):
            part, keys = np.concatenate([cells[-1].words, part]), cells.pop().keys + keys
        if keys:
            box = words.boxes[part]
            cells.append(_Cell(part, keys, float(box[:, 0].min()), float(box[:, 2].max())))
    return cells


def _composed(
    keys: tuple[str, ...], row: Sequence[_Cell], above: Sequence[_Cell], steps: int
) -> tuple[list[_Cell] | None, int]:
    """Cells of a row, and heads from above it, that say `keys` one after the other, and steps that are left.

    None when there are no such cells, or none was found in as many steps.
    """
    ways: list[tuple[int, tuple[_Cell, ...]]] = [(0, ())]
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


def _said_at(keys: tuple[str, ...], start: int, cell: _Cell) -> int:
    """How many keys from `start` are the cell's, with or without its symbols; 0 when they are not."""
    for said in (cell.keys, tuple(key for key in cell.keys if any(map(str.isalnum, key)))):
        if said and keys[start : start + len(said)] == said:
            return len(said)
    return 0


def _belongs(chosen: Sequence[_Cell], row: Sequence[_Cell]) -> bool:
    """Whether numbers and a label are of the row, and each head stands over the number it is said of."""
    here = [cell for cell in chosen if any(cell is one for one in row)]
    heads = [cell for cell in chosen if not any(cell is one for one in row)]
    values = [cell for cell in here if any(map(has_digit, cell.keys))]
    if not values or len(values) == len(here):
        return False
    if len(values) == 1:
        values = values * len(heads)
    return not heads or (len(heads) == len(values) and all(h.overlaps(v) for h, v in zip(heads, values, strict=True)))
