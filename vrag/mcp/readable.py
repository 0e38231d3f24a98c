"""The words of a page as text: lines in reading order, cells of tables apart, and how far it can be trusted."""

from __future__ import annotations

import re

from vrag.pages.page import TextSource, Words

FEW_WORDS = 30  # fewer on a page, and most of what it says is in pictures
_GAP = 0.02  # of the page's width, from which words of a line are cells
_LEADER = re.compile(r"\.{4,}|(?:\. ){3,}\.")  # dots that lead to a number
_LOOK = "Look at the page with show_page."
_TRUST = {
    "none": f"This page has no words that could be read. {_LOOK}",
    "ocr": "The words were read from a scan and may be wrong, numbers above all. To be sure, use show_page.",
    "layer+ocr": "Part of this page is a picture whose words were read and may be wrong. Use show_page for charts.",
}


def readable_text(words: Words) -> str:
    """The lines of a page, from the top, with ` | ` between the cells of a table's row."""
    lines: dict[int, list[int]] = {}
    for word, line in enumerate(words.lines.tolist()):
        lines.setdefault(line, []).append(word)
    return _LEADER.sub("...", "\n".join(_line(words, line) for line in lines.values()))


def trust_of(words: int, source: TextSource) -> str:
    """What to know of a page's words; empty when they are good.

    Args:
        words: That it has.
        source: Where they come from.
    """
    if not words:
        return _TRUST["none"]
    few = f"The page has few words: most of it may be pictures. {_LOOK}" if words < FEW_WORDS else ""
    return " ".join(filter(None, (_TRUST.get(source, ""), few)))


def _line(words: Words, chosen: list[int]) -> str:
    parts = [words.texts[chosen[0]]]
    for before, word in zip(chosen, chosen[1:], strict=False):
        is_apart = words.boxes[word][0] - words.boxes[before][2] > _GAP
        parts += [" | " if is_apart else " ", words.texts[word]]
    return "".join(parts)
