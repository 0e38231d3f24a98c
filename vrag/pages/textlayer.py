"""From the characters of a text layer to `Words`."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from vrag.grid import FloatArray
from vrag.pages.page import Words

LINE_END_HYPHEN = "\x02"  # PDFium's sign for a hyphen that ends a line; no line break follows it
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_JOINERS = "\u200c\u200d"  # invisible, but part of the spelling in Persian and Indic scripts
_JUNK_CATEGORIES = frozenset({"Co", "Cn", "Cs"})
_MAX_JUNK = 0.3


def group_words(chars: Sequence[str], boxes: FloatArray) -> Words:
    """Words of a stream of characters, split at white space and at line ends.

    Args:
        chars: n characters as the document has them, white space included.
        boxes: float32 [n, 4], shares of the page; those of white space are ignored.
            Words off the page altogether are dropped.
    """
    texts: list[str] = []
    spans: list[tuple[int, int]] = []
    lines: list[int] = []
    for start, stop, line in _runs(chars):
        text = _spelling("".join(chars[start:stop]), boxes[start:stop])
        if text:
            texts.append(text)
            spans.append((start, stop))
            lines.append(line)
    unions = _unions(boxes, spans)
    numbers = np.unique(np.array(lines, np.int32), return_inverse=True)[1]  # consecutive: CR LF breaks twice
    words = Words(tuple(texts), np.clip(unions, 0, 1), numbers.astype(np.int32))
    on_page = (unions[:, 2:] > 0) & (unions[:, :2] < 1)
    return _select(words, on_page[:, 0] & on_page[:, 1])


def readable(words: Words) -> Words:
    """The words that say something; none at all where the layer's letters are lost.

    Fonts without a map to Unicode leave replacement signs and private code points: a bullet here
    and there is dropped, a page of them had better be read from its pixels.
    """
    junk = np.array([0 if text.isascii() else sum(map(_is_junk, text)) for text in words.texts], int)
    length = np.array(list(map(len, words.texts)), int)
    return Words() if junk.sum() > _MAX_JUNK * length.sum() else _select(words, junk < length)


def _select(words: Words, keep: npt.NDArray[np.bool_]) -> Words:
    texts = tuple(text for text, kept in zip(words.texts, keep, strict=True) if kept)
    return Words(texts, words.boxes[keep], words.lines[keep])


def _runs(chars: Sequence[str]) -> Iterator[tuple[int, int, int]]:
    """Runs of characters without white space: start, stop, and the number of the line."""
    start = line = 0
    for i, char in enumerate(chars):
        if char == LINE_END_HYPHEN:
            yield start, i + 1, line
        elif not char.isspace():
            continue
        elif i > start:
            yield start, i, line
        start = i + 1
        line += char in "\r\n" or char == LINE_END_HYPHEN
    if start < len(chars):
        yield start, len(chars), line


def _spelling(text: str, boxes: FloatArray) -> str:
    """The word as people would type it: nothing invisible, one code for a letter, in reading order."""
    if text.isascii() and text.isprintable():
        return text
    joined = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # halves of a code point come apart
    visible = "".join(map(_visible, joined))
    if _is_stored_leftwards(visible, boxes):
        visible = visible[::-1]
    return unicodedata.normalize("NFKC", visible) if any(map(_is_shape, visible)) else visible


def _visible(char: str) -> str:
    if char == LINE_END_HYPHEN:
        return "-"
    category = unicodedata.category(char)
    if category == "Cc":
        return _REPLACEMENT
    return "" if category == "Cf" and char not in _JOINERS else char


def _is_shape(char: str) -> bool:
    """Whether a character is the shape of another: ligatures, Arabic letter forms, letters of formulas."""
    return "\ufb00" <= char <= "\ufdff" or "\ufe70" <= char <= "\ufefc" or "\U0001d400" <= char <= "\U0001d7ff"


def _is_stored_leftwards(text: str, boxes: FloatArray) -> bool:
    """Whether a right-to-left word comes in the order it was painted, from left to right."""
    runs_right = bool(boxes[-1, 0] > boxes[0, 0])
    return runs_right and any(unicodedata.bidirectional(char) in ("R", "AL") for char in text)


def _is_junk(char: str) -> bool:
    return char == _REPLACEMENT or unicodedata.category(char) in _JUNK_CATEGORIES


def _unions(boxes: FloatArray, spans: list[tuple[int, int]]) -> FloatArray:
    """Smallest box around each span of boxes, float32 [len(spans), 4]."""
    if not spans:
        return np.zeros((0, 4), np.float32)
    edges = np.array(spans).ravel()
    padded = np.append(boxes, boxes[-1:], axis=0)  # reduceat wants even the last stop to be an index
    low = np.minimum.reduceat(padded[:, :2], edges)[::2]
    high = np.maximum.reduceat(padded[:, 2:], edges)[::2]
    return np.concatenate([low, high], axis=1)
