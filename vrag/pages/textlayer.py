"""From the characters of a text layer to `Words`."""

from __future__ import annotations

import unicodedata

import numpy as np
import numpy.typing as npt

from vrag.grid import FloatArray
from vrag.pages.page import Words

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
LINE_END_HYPHEN = "\x02"  # PDFium's sign for a hyphen that ends a line, with no line break after it
_LINE_BREAKS = "\r\n"
_JOINERS = "\u200c\u200d"  # zero width, but part of the spelling in Persian and Indic scripts
_JUNK = {"Co", "Cn", "Cs"}


def group_words(chars: list[str], boxes: FloatArray) -> Words:
    """Words of a stream of characters, split at white space and line ends.

    Args:
        chars: n characters as the reader gives them, white space included.
        boxes: float32 [n, 4], shares of the page; those of white space are ignored.
            Words that lie off the page altogether are dropped.
    """
    texts: list[str] = []
    spans: list[tuple[int, int]] = []
    lines: list[int] = []
    line = 0
    for start, stop, broke in _runs(chars):
        line += broke
        text = _spelling(chars[start:stop], boxes[start:stop])
        if text:
            texts.append(text)
            spans.append((start, stop))
            lines.append(line)
    return _on_page(texts, _unions(boxes, spans), np.array(lines, np.int32))


def _runs(chars: list[str]) -> list[tuple[int, int, bool]]:
    """Runs of characters without white space: start, stop, and whether a new line begins with the run."""
    runs: list[tuple[int, int, bool]] = []
    start, broke = 0, False
    for i, char in enumerate([*chars, "\n"]):
        ends_line = char == LINE_END_HYPHEN
        if not (ends_line or char.isspace()):
            continue
        stop = i + 1 if ends_line else i
        if stop > start:
            runs.append((start, stop, broke))
            broke = False
        start = i + 1
        broke = broke or ends_line or char in _LINE_BREAKS
    return runs


def _spelling(chars: list[str], boxes: FloatArray) -> str:
    """The word as people would type it: no invisible characters, right-to-left scripts in reading order."""
    text = "".join(map(_visible, chars))
    if text.isascii():
        return text
    if _is_stored_leftwards(text, boxes):
        text = text[::-1]
    return unicodedata.normalize("NFKC", text) if any(map(_is_presentation_form, text)) else text


def _visible(char: str) -> str:
    if char == LINE_END_HYPHEN:
        return "-"
    category = unicodedata.category(char)
    if category == "Cc":
        return REPLACEMENT
    return "" if category == "Cf" and char not in _JOINERS else char


def _is_presentation_form(char: str) -> bool:
    """Ligatures and Arabic letter shapes: the same letters as far as reading and searching go."""
    return "\ufb00" <= char <= "\ufdff" or "\ufe70" <= char <= "\ufefc"


def _is_stored_leftwards(text: str, boxes: FloatArray) -> bool:
    """Whether a right-to-left word comes in the order it is painted, left to right."""
    rightmost_last = bool(boxes[-1, 0] > boxes[0, 0])
    return rightmost_last and any(unicodedata.bidirectional(char) in ("R", "AL") for char in text)


def _unions(boxes: FloatArray, spans: list[tuple[int, int]]) -> FloatArray:
    """Smallest box around each span of boxes, float32 [len(spans), 4]."""
    if not spans:
        return np.zeros((0, 4), np.float32)
    edges = np.array(spans).ravel()
    ends = np.append(boxes, boxes[-1:], axis=0)  # reduceat wants every index inside, the last stop too
    low = np.minimum.reduceat(ends[:, :2], edges)[::2]
    high = np.maximum.reduceat(ends[:, 2:], edges)[::2]
    return np.concatenate([low, high], axis=1)


def _on_page(texts: list[str], boxes: FloatArray, lines: npt.NDArray[np.int32]) -> Words:
    """The words of which at least a part is on the page, boxes clipped to it."""
    keep = np.flatnonzero((boxes[:, 2:] > 0).all(axis=1) & (boxes[:, :2] < 1).all(axis=1))
    return Words(tuple(texts[i] for i in keep), np.clip(boxes[keep], 0, 1), lines[keep])


def junk_share(words: Words) -> float:
    """Share of characters that say nothing: replacement signs, private use, unassigned; 0 without words."""
    text = "".join(words.texts)
    junk = sum(char == REPLACEMENT or unicodedata.category(char) in _JUNK for char in text)
    return junk / len(text) if text else 0.0
