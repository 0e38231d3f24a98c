"""The passages of a page that answer a query best: what a search shows of a hit, and what an answer quotes.

A passage is a run of whole sentences, or of lines of a table, of at most `MOST` words or as many as are asked for. Its
score is

    sum over query rows j of  |q_j| * max(0, max over rows i of the passage of <u_j, x_i> - c_j)^2

with u_j = q_j / |q_j|, and c_j what the document's own context answers to u_j: a word that says whose the page is says
nothing of the place. The square makes one word that stands there outweigh many that only resemble it. Room that the
passage leaves is filled with the sentences around it, for the answer often is one of them. `eval/snippets.py` measures
how often it is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vrag.grid import Box, FloatArray, Grid
from vrag.pages.page import Words
from vrag.pages.sentences import Span, sentences

MOST = 40
_WORDS_OF_PATCH = 6
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PassageParts:
    """What passages of a page are made of.

    Args:
        words: The page's words in reading order.
        spans: Sentences and lines of at most `MOST` words, in order.
        rows: int64 [u, 2], first row and end of each span in the page's multivector; empty where it has no row.
    """

    words: Words
    spans: Sequence[Span]
    rows: IntArray


def pieces(words: Words, grid: Grid) -> PassageParts:
    """A page of words cut up; its rows are words, so that every sentence is a run of rows."""
    spans = _cut(sentences(words), MOST)
    edges = np.array([spans[0][0], *(end for _, end in spans)] if spans else [0], np.int64)
    rows = np.searchsorted(_word_of_row(grid, words), edges)
    return PassageParts(words, spans, np.stack([rows[:-1], rows[1:]], axis=1))


def best_passages(
    maxima: FloatArray,
    weights: FloatArray,
    context: FloatArray | None,
    spans: Sequence[Span],
    count: int = 1,
    most: int = MOST,
) -> list[Span]:
    """The runs of spans with the greatest scores, as defined above, that share no word; of equal ones the first.

    Args:
        maxima: float32 [m, u], the query rows' best dot products within each of u >= 1 spans.
        weights: float32 [m], lengths of the query's rows.
        context: float32 [m], what the document's context answers; None for nothing.
        spans: Words of each, one following the other; none has more than `most`.
        count: Passages wanted.
        most: Words of a passage.
    """
    least = np.zeros_like(weights) if context is None else np.maximum(context, 0)
    excess = np.maximum(maxima - least[:, None], 0)
    gains: FloatArray = np.asarray(excess**2 / np.maximum(weights, np.float32(1e-12))[:, None], np.float32)
    taken: list[Span] = []
    for first, last in _runs(gains, spans, most):
        if len(taken) == count:
            break
        if all(last < start or first >= end for start, end in taken):
            low = max((end for _, end in taken if end <= first), default=0)
            high = min((start for start, _ in taken if start > last), default=len(spans))
            first, last = _filled(spans, first, last, most, (low, high))
            taken.append((first, last + 1))
    return [(spans[first][0], spans[end - 1][1]) for first, end in taken]


def _runs(gains: FloatArray, spans: Sequence[Span], most: int) -> list[tuple[int, int]]:
    """First and last span of every run of at most `most` words, the best first; of equal ones the shortest, the first.

    Args:
        gains: float32 [m, u], what each row of the query adds to the score of each span.
        spans: Words of each.
        most: Words.
    """
    starts, ends = np.array(spans, np.int64).T
    scores, firsts, lasts, run = [], [], [], gains
    for more in range(len(spans)):
        run = gains if not more else np.maximum(run[:, :-1], gains[:, more:])
        fit = np.flatnonzero(ends[more:] - starts[: len(spans) - more] <= most)
        if not len(fit):
            break
        scores.append(run.sum(axis=0)[fit])
        firsts.append(fit)
        lasts.append(fit + more)
    order = np.argsort(-np.concatenate(scores), kind="stable")
    return list(zip(np.concatenate(firsts)[order].tolist(), np.concatenate(lasts)[order].tolist(), strict=True))


def _filled(spans: Sequence[Span], first: int, last: int, most: int, within: Span) -> tuple[int, int]:
    """Spans `first` to `last` with as many around them as there is room for, on both sides in turn.

    Args:
        spans: Words of each.
        first: The first.
        last: The last.
        most: Words in all.
        within: First span, and the one behind the last, that may be taken.
    """
    is_full = False
    while not is_full:
        is_full = True
        if first > within[0] and spans[last][1] - spans[first - 1][0] <= most:
            first, is_full = first - 1, False
        if last + 1 < within[1] and spans[last + 1][1] - spans[first][0] <= most:
            last, is_full = last + 1, False
    return first, last


def passages_of_words(
    query: FloatArray,
    full: FloatArray,
    grid: Grid,
    words: Words,
    context: FloatArray | None,
    count: int = 1,
    most: int = MOST,
) -> list[Span]:
    """The best passages among words of a page, whatever its rows are; see `best_passages`.

    Args:
        query: float32 [m, d].
        full: float32 [n, d].
        grid: Where the n rows lie; a word stands for the row nearest to it, be that row a word or a patch.
        words: In reading order, at least one.
        context: float32 [m], what the document's context answers; None for nothing.
        count: Passages wanted.
        most: Words of a passage.
    """
    similarities = query @ full[nearest_rows(words.boxes, grid.boxes)].T
    spans = _cut(sentences(words), most)
    maxima = np.maximum.reduceat(similarities, [start for start, _ in spans], axis=1)
    return best_passages(maxima, np.linalg.norm(query, axis=1), context, spans, count, most)


def words_within(words: Words, box: Box | FloatArray) -> Words:
    """The words whose middle lies in a box."""
    middles, edges = _middles(words.boxes), np.asarray(box, np.float32)
    held = np.asarray(((middles >= edges[:2]) & (middles <= edges[2:])).all(axis=1), np.bool_)
    texts = tuple(text for text, is_held in zip(words.texts, held.tolist(), strict=True) if is_held)
    return Words(texts, words.boxes[held], words.lines[held])


def passage_text(words: Words, span: Span) -> str:
    """The words of a passage, with signs of what is left out before and behind it."""
    start, end = span
    text = " ".join(words.texts[start:end])
    return f"{'… ' if start else ''}{text}{' …' if end < len(words) else ''}"


def box_around(boxes: FloatArray) -> Box:
    """The smallest box around boxes [k, 4], k >= 1, to four decimals."""
    low, high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    x0, y0, x1, y1 = (round(float(edge), 4) for edge in (*low, *high))
    return x0, y0, x1, y1


def nearest_rows(boxes: FloatArray, rows: FloatArray) -> npt.NDArray[np.intp]:
    """For each of k boxes [k, 4] the one of n row boxes [n, 4] whose middle is nearest: int [k]."""
    gaps = _middles(boxes)[:, None, :] - _middles(rows)[None, :, :]
    nearest: npt.NDArray[np.intp] = (gaps**2).sum(axis=2).argmin(axis=1)
    return nearest


def row_texts(rows: npt.NDArray[np.intp], grid: Grid, words: Words) -> list[str]:
    """What stands at each row: the word whose row it is, or the words whose middle the patch holds."""
    if not len(words):
        return [""] * len(rows)
    if grid.is_free:
        return [words.texts[i] for i in nearest_rows(grid.boxes[rows], words.boxes)]
    return [" ".join(words_within(words, grid.boxes[row]).texts[:_WORDS_OF_PATCH]) for row in rows]


def _middles(boxes: FloatArray) -> FloatArray:
    middles: FloatArray = (boxes[:, :2] + boxes[:, 2:]) * np.float32(0.5)
    return middles


def _cut(spans: Sequence[Span], most: int) -> list[Span]:
    """The spans, with those of more than `most` words cut into equal parts."""
    parts: list[Span] = []
    for start, end in spans:
        count = -(-(end - start) // most)
        edges = [start + (end - start) * i // count for i in range(count + 1)]
        parts += zip(edges[:-1], edges[1:], strict=True)
    return parts


def _word_of_row(grid: Grid, words: Words) -> IntArray:
    """The word of each row, int64 [n], never decreasing: rows are words in reading order, without some."""
    kept = np.flatnonzero(np.isin(_codes(words.boxes), _codes(grid.boxes)))
    if len(kept) == len(grid):
        return kept
    return np.sort(nearest_rows(grid.boxes, words.boxes))  # two words in one place, or a page without words


def _codes(boxes: FloatArray) -> npt.NDArray[np.uint64]:
    """Boxes [k, 4] as one number each."""
    return np.rint(boxes * 65535).astype(np.uint16).view(np.uint64).ravel()
