"""Reading order of text lines that come without one: columns first where there are columns of prose."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from vrag.grid import FloatArray

_MIN_COLUMN_LINES = 3
_FULL_LINE = 0.6  # lines of a column of prose fill most of it; cells of a table do not

Indices = npt.NDArray[np.intp]


def hulls(lines: FloatArray) -> FloatArray:
    """Upright boxes around lines given by their corners [n, 4, 2]: float32 [n, 4], x0, y0, x1, y1."""
    return np.concatenate([lines.min(axis=1), lines.max(axis=1)], axis=1)


def reading_order(boxes: FloatArray) -> Indices:
    """Order in which people read lines with these boxes [n, 4]: int [n], a permutation.

    A block is cut into columns where vertical gaps run through it and all columns look like
    prose, else at its widest horizontal gap; what has neither is read row by row.
    """
    return _order(boxes, np.arange(len(boxes)))


def _order(boxes: FloatArray, block: Indices) -> Indices:
    if len(block) < 2:
        return block
    parts = _columns(boxes, block) or _bands(boxes, block)
    if len(parts) < 2:
        return _by_rows(boxes, block)
    return np.concatenate([_order(boxes, part) for part in parts])


def _columns(boxes: FloatArray, block: Indices) -> Sequence[Indices]:
    """The block cut at all its vertical gaps, when what they separate are columns of prose."""
    by_start, gaps = _gaps(boxes, block, axis=0)
    parts = np.split(by_start, np.flatnonzero(gaps > 0) + 1)
    return parts if len(parts) > 1 and all(_is_prose(boxes[part]) for part in parts) else ()


def _bands(boxes: FloatArray, block: Indices) -> Sequence[Indices]:
    """Above and below the widest horizontal gap."""
    by_start, gaps = _gaps(boxes, block, axis=1)
    widest = int(gaps.argmax())
    return np.split(by_start, [widest + 1]) if gaps[widest] > 0 else ()


def _gaps(boxes: FloatArray, block: Indices, axis: int) -> tuple[Indices, FloatArray]:
    """The block by where its lines start along `axis` (0: x, 1: y), and the gap after each but the last.

    A gap lies between the farthest end so far and the next start; negative where they overlap.
    """
    by_start = block[np.argsort(boxes[block, axis], kind="stable")]
    reached = np.maximum.accumulate(boxes[by_start, axis + 2])
    return by_start, boxes[by_start[1:], axis] - reached[:-1]


def _is_prose(boxes: FloatArray) -> bool:
    """Whether lines fill the width they span together."""
    widths = boxes[:, 2] - boxes[:, 0]
    span = boxes[:, 2].max() - boxes[:, 0].min()
    return len(boxes) >= _MIN_COLUMN_LINES and float(np.median(widths)) >= _FULL_LINE * float(span)


def _by_rows(boxes: FloatArray, block: Indices) -> Indices:
    """Top to bottom, and left to right among lines that share a row."""
    middle = (boxes[:, 1] + boxes[:, 3]) / 2
    rows: list[list[int]] = []
    for i in sorted(block.tolist(), key=lambda i: float(middle[i])):
        if rows and middle[i] < boxes[rows[-1][0], 3]:
            rows[-1].append(i)
        else:
            rows.append([i])
    return np.array([i for row in rows for i in sorted(row, key=lambda i: float(boxes[i, 0]))], np.intp)
