"""Which lines of a page are rows of a table, and which are headings, that name what follows them."""

from __future__ import annotations

import re

from vrag.pages.page import Words
from vrag.pages.sentences import Span

_VALUE = re.compile(r"[(+$€£¥₹\u2212\u2010-\u2014-]*\d(?:[\d.,]*\d)?[)%x*]*|[\u2212\u2013\u2014-]|[$€£¥₹%()]+")
_YEAR = re.compile(r"(?:19|20)\d\d[,:]?")
_STOPS = frozenset(".;,!?\u3002\uff01\uff1f")
MOST_OF_HEADING = 12  # words


def is_row(words: Words, span: Span) -> bool:
    """Whether a span is a row of a table: a line of several words that ends in a value, which a year is not."""
    start, end = span
    boxes, texts = words.boxes[start:end], words.texts[start:end]
    if end - start < 2 or boxes[-1, 1] >= boxes[0, 3] or _YEAR.fullmatch(texts[-1]):
        return False
    return _VALUE.fullmatch(texts[-1]) is not None and any(map(_is_number, texts))


def is_heading(words: Words, span: Span) -> bool:
    """Whether a span names what follows it: it is short, no row of a table, and does not end as a sentence does."""
    start, end = span
    return end - start <= MOST_OF_HEADING and words.texts[end - 1][-1] not in _STOPS and not is_row(words, span)


def _is_number(text: str) -> bool:
    return any(map(str.isdigit, text)) and _VALUE.fullmatch(text) is not None and _YEAR.fullmatch(text) is None
