"""The words of a page as passages: how it is cut up, and how what was chosen is shown (`vrag.search.best_passages`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vrag.grid import Box, FloatArray, Grid
from vrag.pages.headings import heads_above, is_heading
from vrag.pages.page import Words
from vrag.pages.sentences import Span, sentences
from vrag.search.best_passages import HEAD_WORDS, MOST, Cuts, best_passages
from vrag.search.similarity import similarities

_WORDS_OF_PATCH = 6
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PassageParts:
    """What passages of a page are made of.

    Args:
        words: The page's words in reading order.
        cuts: Sentences and lines of at most `MOST` words, in order.
        rows: int64 [u, 2], first row and end of each span in the page's multivector; empty where it has no row.
    """

    words: Words
    cuts: Cuts
    rows: IntArray


def cut(words: Words, most: int = MOST, head: int = HEAD_WORDS, spans: Sequence[Span] | None = None) -> Cuts:
    """Words cut into sentences and lines, those of more than `most` words into equal parts; see `Cuts`.

    Args:
        words: In reading order.
        most: Words of a part.
        head: Words that begin a page.
        spans: Their sentences and lines, where these are known.
    """
    parts: list[Span] = []
    for start, end in sentences(words) if spans is None else spans:
        count = -(-(end - start) // most)
        edges = [start + (end - start) * i // count for i in range(count + 1)]
        parts += zip(edges[:-1], edges[1:], strict=True)
    return Cuts(parts, np.array([is_heading(words, part) for part in parts], np.bool_), most, head)


def pieces(words: Words, grid: Grid, sentences: Sequence[Span] | None = None) -> PassageParts:
    """A page of words cut up; its rows are words, so that every sentence is a run of rows."""
    cuts = cut(words, spans=sentences)
    spans = cuts.spans
    edges = np.array([spans[0][0], *(end for _, end in spans)] if spans else [0], np.int64)
    rows = np.searchsorted(_word_of_row(grid, words), edges)
    return PassageParts(words, cuts, np.stack([rows[:-1], rows[1:]], axis=1))


def passages_of_words(
    query: FloatArray,
    full: FloatArray,
    grid: Grid,
    words: Words,
    context: FloatArray | None,
    cuts: Cuts,
    count: int = 1,
) -> list[Span]:
    """The best passages among words of a page, whatever its rows are; see `best_passages`.

    Args:
        query: float32 [m, d].
        full: float32 [n, d].
        grid: Where the n rows lie; a word stands for the row nearest to it, be that row a word or a patch.
        words: In reading order, at least one.
        context: float32 [m], what the document's context answers; None for nothing.
        cuts: Of the words.
        count: Passages wanted.
    """
    of_words = similarities(query, full[nearest_rows(words.boxes, grid.boxes)])
    maxima = np.maximum.reduceat(of_words, [start for start, _ in cuts.spans], axis=1)
    return best_passages(maxima, np.linalg.norm(query, axis=1), context, cuts, count)


def words_within(words: Words, box: Box | FloatArray) -> Words:
    """The words whose middle lies in a box."""
    middles, edges = _middles(words.boxes), np.asarray(box, np.float32)
    held = np.asarray(((middles >= edges[:2]) & (middles <= edges[2:])).all(axis=1), np.bool_)
    texts = tuple(text for text, is_held in zip(words.texts, held.tolist(), strict=True) if is_held)
    return Words(texts, words.boxes[held], words.lines[held])


def shown_spans(words: Words, passage: Span, spans: Sequence[Span] | None = None) -> list[Span]:
    """What is shown of a page, in reading order: the heads of the passage's first table row, and the passage."""
    heads = heads_above(words, sentences(words) if spans is None else spans, passage)
    if heads and heads[-1][1] == passage[0]:
        passage = heads.pop()[0], passage[1]
    return [*heads, passage]


def passage_text(words: Words, passage: Span, sentences: Sequence[Span] | None = None) -> str:
    """The words of a passage with its heads, and signs of what is left out before, between and behind."""
    spans = shown_spans(words, passage, sentences)
    text = " … ".join(" ".join(words.texts[slice(*span)]) for span in spans)
    return f"{'… ' if spans[0][0] else ''}{text}{' …' if passage[1] < len(words) else ''}"


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


def _word_of_row(grid: Grid, words: Words) -> IntArray:
    """The word of each row, int64 [n], never decreasing: rows are words in reading order, without some."""
    there = set(_codes(grid.boxes).tolist())
    kept = [word for word, code in enumerate(_codes(words.boxes).tolist()) if code in there]
    if len(kept) == len(grid):
        return np.array(kept, np.int64)
    return np.sort(nearest_rows(grid.boxes, words.boxes))  # two words in one place, or a page without words


def _codes(boxes: FloatArray) -> npt.NDArray[np.uint64]:
    """Boxes [k, 4] as one number each."""
    return np.rint(boxes * 65535).astype(np.uint16).view(np.uint64).ravel()
