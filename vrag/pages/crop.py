"""Empty margins cut off a page's picture, so that a model spends its patches on what is printed.

A row or column of pixels at an edge is margin while it is white, all of one shade, or nearly without ink
(arXiv 2602.12510, preprocessing). What is left keeps a border and is never empty: a blank page stays whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from vrag.grid import WHOLE_PAGE, Box

if TYPE_CHECKING:
    from PIL.Image import Image

Pixels = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

_LEAST = 0.1  # of each side of the page: a crop of one rule would be too flat for any model
_FOOT = 0.1  # of the page's height: where a page number may stand


@dataclass(frozen=True, slots=True)
class CropRules:
    """What counts as margin. A share is one of the pixels of a row or column.

    Args:
        white: Pixels brighter than this (of 255) are paper, the others ink.
        white_share: A line with at least this share of paper is margin.
        uniform: A line whose standard deviation is at most this (of 255) is margin: coloured or black edges.
        sides: A column with at most this share of ink is margin.
        content: A row with at most this share of ink is margin.
        text: With `page_number`, so is a row at the foot with at most this share of ink.
        page_number: Whether a page number at the foot is cut off too.
        border: Pixels kept around what is left.
    """

    white: int = 240
    white_share: float = 0.999
    uniform: float = 3.0
    sides: float = 0.001
    content: float = 1e-6
    text: float = 0.05
    page_number: bool = False
    border: int = 8


def crop(picture: Image, rules: CropRules) -> tuple[Image, Box]:
    """The picture without its empty margins, and its box in shares of the page; a blank page stays whole."""
    box = content_pixels(picture, rules)
    if box is None:
        return picture, WHOLE_PAGE
    width, height = picture.size
    x0, x1 = _widened(box[0] - rules.border, box[2] + rules.border, width)
    y0, y1 = _widened(box[1] - rules.border, box[3] + rules.border, height)
    if (x0, y0, x1, y1) == (0, 0, width, height):
        return picture, WHOLE_PAGE
    return picture.crop((x0, y0, x1, y1)), (x0 / width, y0 / height, x1 / width, y1 / height)


def is_blank(picture: Image) -> bool:
    """Whether nothing is printed: every row or every column is margin, by the rules as they are by default."""
    return content_pixels(picture, CropRules()) is None


def content_pixels(picture: Image, rules: CropRules) -> tuple[int, int, int, int] | None:
    """What is not margin, as x0, y0, x1, y1 in pixels with exclusive ends; None for a blank page.

    Ink is counted within what is left: rows first, then columns, then rows again, since a black edge at the side
    hides empty rows above and below. One shade means one along the whole page, or a filled box would be margin.
    """
    gray = np.asarray(picture.convert("L"))
    varied = [gray.std(axis=1 - axis, dtype=np.float32) > rules.uniform for axis in (0, 1)]
    span = [slice(0, gray.shape[0]), slice(0, gray.shape[1])]
    for axis in (0, 1, 0):
        inked = _inked(gray, axis, span, rules) & varied[axis][span[axis]]
        filled = np.flatnonzero(inked)
        if not len(filled):
            return None
        start = span[axis].start
        span[axis] = slice(start + int(filled[0]), start + int(filled[-1]) + 1)
    rows, columns = span
    return columns.start, rows.start, columns.stop, rows.stop


def _inked(gray: Pixels, axis: int, span: list[slice], rules: CropRules) -> Mask:
    """Which rows (axis 0) or columns (axis 1) within `span` of uint8 [h, w] have ink enough to be content."""
    ink = (gray[span[0], span[1]] <= rules.white).mean(axis=1 - axis, dtype=np.float32)
    least = np.full(len(ink), max(rules.sides if axis else rules.content, 1 - rules.white_share), np.float32)
    if rules.page_number and axis == 0:
        foot = np.arange(span[0].start, span[0].stop) >= len(gray) * (1 - _FOOT)
        least[foot] = max(rules.text, 1 - rules.white_share)
    inked: Mask = ink > least
    return inked


def _widened(start: int, stop: int, size: int) -> tuple[int, int]:
    """The span within 0 .. size, made at least `_LEAST` of it long around its middle."""
    start, stop = max(0, start), min(size, stop)
    least = max(1, round(size * _LEAST))
    if stop - start < least:
        start = min(max(0, (start + stop - least) // 2), size - least)
        stop = start + least
    return start, stop
