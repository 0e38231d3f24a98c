"""The words of a page as text for a language model: lines in reading order, cells of tables apart."""

from __future__ import annotations

import re

from vrag.pages.page import Words

CELLS = "|"  # between two cells of a row
_GAP = 0.02  # of the page's width, from which words of a line are cells
_LEADER = re.compile(r"\.{4,}|(?:\. ){3,}\.")  # dots that lead to a number


def readable_text(words: Words) -> str:
    """The lines of a page, from the top, with ` | ` between the cells of a table's row."""
    lines: dict[int, list[int]] = {}
    for word, line in enumerate(words.lines.tolist()):
        lines.setdefault(line, []).append(word)
    return _LEADER.sub("...", "\n".join(_line(words, line) for line in lines.values()))


def _line(words: Words, chosen: list[int]) -> str:
    parts = [words.texts[chosen[0]]]
    for before, word in zip(chosen, chosen[1:], strict=False):
        is_apart = words.boxes[word][0] - words.boxes[before][2] > _GAP
        parts += [f" {CELLS} " if is_apart else " ", words.texts[word]]
    return "".join(parts)
