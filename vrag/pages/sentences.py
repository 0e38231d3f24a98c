"""Words into what can be read by itself: sentences of running text, lines of tables, headings and labels.

A line runs on into the next where the next line's first word would not have found room on it, both are of one size
and close together, and neither looks like the line of a table: wide gaps between words, or mostly numbers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vrag.grid import FloatArray
from vrag.pages.page import Words

Span = tuple[int, int]  # first word, and the one behind the last
_STOP = re.compile(r"[.!?\u3002\uff01\uff1f][\"'\u201d\u2019\u00bb)\]]*$")  # those of Chinese and Japanese too
_LAST = frozenset(".!?\u3002\uff01\uff1f\"'\u201d\u2019\u00bb)]")
_ABBREVIATION = re.compile(
    r"([a-z]|nos?|figs?|tab|vol|pp|mrs?|ms|dr|st|vs|ca|al|inc|co|ltd|corp|approx|e\.g|i\.e|u\.s"
    r"|nr|abb|bzw|d\.h|z\.b|u\.a|mio|mrd|mme|mlle|p\.ex|sr|sra|pág|núm|ee\.uu|г|руб|рис|стр)\.",
    re.IGNORECASE,
)
# All in heights of a line.
_CELLS = 2.5  # gap between words, from which they are cells
_LEADING = 0.9  # gap between lines of one paragraph, at most
_OVERLAP = 0.5  # of lines, from which they are one line
_SIZES = 0.7  # of the larger of two lines of one paragraph, at least
_ROOM = 0.3  # what a line may be short of its column
_NUMBERS = 0.5  # share of a table line's words, at least
_FEWEST = 3  # words from which that says something


@dataclass(frozen=True, slots=True)
class _Lines:
    """Lines as people see them: cells beside each other are one.

    Args:
        starts: int64 [r], first word of each.
        boxes: float32 [r, 4].
        heights: float32 [r], mean height of their words.
        is_table: bool [r].
    """

    starts: npt.NDArray[np.int64]
    boxes: FloatArray
    heights: FloatArray
    is_table: npt.NDArray[np.bool_]


def sentences(words: Words) -> list[Span]:
    """Spans that follow each other and hold every word."""
    if not len(words):
        return []
    lines, texts = _lines(words), words.texts
    firsts = lines.starts[1:].tolist()
    breaks = set(lines.starts[1:][~_runs_on(words, lines)].tolist())
    at_line_end = {i for i in firsts if texts[i - 1][-1] in ":;" and not texts[i][0].islower()}
    after_a_stop = {i for i, text in enumerate(texts[:-1], 1) if text[-1] in _LAST and _may_begin(texts, i)}
    spans, start = [], 0
    for i in sorted(breaks | at_line_end | after_a_stop):
        is_number = i - start == 1 and texts[start][0].isdigit()  # "3." opens the third point of a list
        if i in breaks or not is_number:
            spans.append((start, i))
            start = i
    return [*spans, (start, len(texts))]


def _may_begin(texts: Sequence[str], i: int) -> bool:
    """Whether a sentence may begin with word `i`: it stands behind a full stop, and is no small letter."""
    before = texts[i - 1]
    is_stop = _STOP.search(before) is not None and _ABBREVIATION.fullmatch(before) is None
    return is_stop and not texts[i][0].islower()


def _lines(words: Words) -> _Lines:
    boxes = words.boxes
    heights = boxes[:, 3] - boxes[:, 1]
    gaps = boxes[1:, 0] - boxes[:-1, 2]
    shared = np.minimum(boxes[1:, 3], boxes[:-1, 3]) - np.maximum(boxes[1:, 1], boxes[:-1, 1])
    beside = (shared > _OVERLAP * np.minimum(heights[1:], heights[:-1])) & (gaps >= 0)
    breaks = (words.lines[1:] != words.lines[:-1]) & ~beside
    starts = np.concatenate([[0], np.flatnonzero(breaks) + 1]).astype(np.int64)
    counts = np.diff(np.append(starts, len(words)))
    height: FloatArray = np.asarray(np.add.reduceat(heights, starts) / counts, np.float32)
    within = np.where(breaks, -np.inf, gaps)  # gaps before the words of a line but its first
    widest = np.maximum.reduceat(np.append(-np.inf, within), starts)
    numbers = np.add.reduceat(np.array(list(map(_has_digit, words.texts)), np.int64), starts)
    is_table = (widest > _CELLS * height) | ((counts >= _FEWEST) & (numbers >= _NUMBERS * counts))
    low, high = np.minimum.reduceat(boxes[:, :2], starts), np.maximum.reduceat(boxes[:, 2:], starts)
    return _Lines(starts, np.concatenate([low, high], axis=1), height, is_table)


def _runs_on(words: Words, lines: _Lines) -> npt.NDArray[np.bool_]:
    """Whether each line but the last runs on into the next, bool [r - 1]."""
    one, two = lines.boxes[:-1], lines.boxes[1:]
    larger = np.maximum(lines.heights[:-1], lines.heights[1:])
    first = words.boxes[lines.starts[1:]]
    below = two[:, 1] - one[:, 3]
    is_near = (below < _LEADING * larger) & (below > -_OVERLAP * larger)
    is_alike = np.minimum(lines.heights[:-1], lines.heights[1:]) > _SIZES * larger
    is_under = np.minimum(one[:, 2], two[:, 2]) > np.maximum(one[:, 0], two[:, 0])
    is_full = one[:, 2] + first[:, 2] - first[:, 0] > np.maximum(one[:, 2], two[:, 2]) - _ROOM * larger
    runs: npt.NDArray[np.bool_] = is_near & is_alike & is_under & is_full
    return runs & ~(lines.is_table[:-1] | lines.is_table[1:])


def _has_digit(text: str) -> bool:
    return not text.isalpha() and any(map(str.isdigit, text))
