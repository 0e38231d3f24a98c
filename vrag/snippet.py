"""The words of a page that answer a query best."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from vrag.grid import FloatArray, Grid
from vrag.pages.page import Words

WIDTH = 24
_WORDS_OF_PATCH = 6


def snippet(
    query: FloatArray,
    full: FloatArray,
    grid: Grid,
    words: Words,
    width: int = WIDTH,
    rows: tuple[int, int] | None = None,
) -> str:
    """The run of `width` words with the highest MaxSim; empty when the page has no words.

    Args:
        query: float32 [m, d].
        full: float32 [n, d].
        grid: Where the n rows lie; a word stands for the row nearest to it, be that row a word or a patch.
        words: The page's words in reading order.
        width: Words in the snippet.
        rows: First row and end of the region to take it from; None for the whole page.
    """
    count = len(words)
    if not count:
        return ""
    nearest = nearest_rows(words.boxes, grid.boxes)
    similarities = query @ full[nearest].T
    if rows is not None:
        similarities[:, (nearest < rows[0]) | (nearest >= rows[1])] = similarities.min()
    start = best_window(similarities, width)
    text = " ".join(words.texts[start : start + width])
    return f"{'… ' if start else ''}{text}{' …' if start + width < count else ''}"


def nearest_rows(boxes: FloatArray, rows: FloatArray) -> npt.NDArray[np.intp]:
    """For each of k boxes [k, 4] the one of n row boxes [n, 4] whose middle is nearest: int [k]."""
    gaps = _middles(boxes)[:, None, :] - _middles(rows)[None, :, :]
    nearest: npt.NDArray[np.intp] = (gaps**2).sum(axis=2).argmin(axis=1)
    return nearest


def best_window(similarities: FloatArray, width: int) -> int:
    """Start of the window of `width` columns of float32 [m, n] whose row maxima add up to most."""
    n = similarities.shape[1]
    if n <= width:
        return 0
    windows = np.lib.stride_tricks.sliding_window_view(similarities, width, axis=1)
    return int(windows.max(axis=2).sum(axis=0).argmax())


def _middles(boxes: FloatArray) -> FloatArray:
    middles: FloatArray = (boxes[:, :2] + boxes[:, 2:]) * np.float32(0.5)
    return middles


def row_texts(rows: npt.NDArray[np.intp], grid: Grid, words: Words) -> list[str]:
    """What stands at each row: the word whose row it is, or the words whose middle the patch holds."""
    if not len(words):
        return [""] * len(rows)
    if grid.is_free:
        return [words.texts[i] for i in nearest_rows(grid.boxes[rows], words.boxes)]
    middles = _middles(words.boxes)
    return [" ".join(_inside(grid.boxes[row], middles, words)) for row in rows]


def _inside(box: FloatArray, middles: FloatArray, words: Words) -> Iterator[str]:
    held = ((middles >= box[:2]) & (middles <= box[2:])).all(axis=1)
    for i in np.flatnonzero(held)[:_WORDS_OF_PATCH]:
        yield words.texts[i]
