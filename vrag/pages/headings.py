"""Which lines of a page are rows of a table, and which are headings, that name what follows them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np

from vrag.grid import FloatArray
from vrag.pages.page import Words
from vrag.pages.sentences import Span

_VALUE = re.compile(r"[(+$€£¥₹\u2212\u2010-\u2014-]*\d(?:[\d.,]*\d)?[)%x*]*|[\u2212\u2013\u2014-]|[$€£¥₹%()]+")
_YEAR = re.compile(r"(?:19|20)\d\d[,:]?")
_STOPS = frozenset(".;,!?\u3002\uff01\uff1f")
MOST_OF_HEADING = 12  # words
MOST_OF_HEADS = 20  # words that are shown above a row
MOST_LINES = 100  # above a row in which its heads are looked for


def is_row(words: Words, span: Span) -> bool:
    """Whether a span is a row of a table: a line of several words that ends in a value, which a year is not."""
    start, end = span
    last = words.texts[end - 1]
    if end - start < 2 or not _VALUE.fullmatch(last) or _YEAR.fullmatch(last):
        return False
    return bool(words.boxes[end - 1, 1] < words.boxes[start, 3]) and any(map(is_value, words.texts[start:end]))


def is_heading(words: Words, span: Span) -> bool:
    """Whether a span names what follows it: it is short, no row of a table, and does not end as a sentence does."""
    start, end = span
    return end - start <= MOST_OF_HEADING and words.texts[end - 1][-1] not in _STOPS and not is_row(words, span)


def heads_above(words: Words, spans: Sequence[Span], passage: Span) -> list[Span]:
    """The lines above a passage that name the columns and the group of its first table row, in order; adjacent ones as
    one, at most `MOST_OF_HEADS` words. None where the passage has no row, or begins with its heads.

    Args:
        words: Of the page, in reading order.
        spans: Its sentences and lines, one following the other.
        passage: Words of some of them.
    """
    rows = (i for i, span in enumerate(spans) if passage[0] <= span[0] < passage[1] and is_row(words, span))
    first = next(rows, None)
    found, room = list[Span](), MOST_OF_HEADS
    for start, end in _heads(words, spans, first) if first is not None else ():
        room -= end - start
        if room < 0:
            break
        if end <= passage[0]:
            found.append((start, found.pop()[1]) if found and found[-1][0] == end else (start, end))
    return found[::-1]


def _heads(words: Words, spans: Sequence[Span], row: int) -> Iterator[Span]:
    """The heads of a row from the nearest up: the name of its group, and the lines over its values."""
    columns, is_headed = _columns(words, spans[row]), False
    for i in range(row - 1, max(-1, row - 1 - MOST_LINES), -1):
        if is_row(words, spans[i]):
            if is_headed:
                return
            continue
        is_over = _is_over(words, spans[i], columns)
        if not is_heading(words, spans[i]) or (is_headed and not is_over):
            return
        if is_over or i == row - 1:
            is_headed |= is_over
            yield spans[i]


def _columns(words: Words, row: Span) -> FloatArray:
    """Left and right edges of the values of a row: float32 [k, 2]."""
    values = [i for i in range(*row) if is_value(words.texts[i])]
    return words.boxes[values][:, [0, 2]]


def _is_over(words: Words, line: Span, columns: FloatArray) -> bool:
    """Whether a word of a line stands over a value."""
    edges = words.boxes[slice(*line)][:, [0, 2]]
    low, high = np.maximum(edges[:, None, 0], columns[None, :, 0]), np.minimum(edges[:, None, 1], columns[None, :, 1])
    return bool((high > low).any())


def is_value(text: str) -> bool:
    """Whether a word is a number as tables have them, with sign, currency or per cent; a year is none."""
    return any(map(str.isdigit, text)) and _VALUE.fullmatch(text) is not None and _YEAR.fullmatch(text) is None
