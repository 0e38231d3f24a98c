"""Pages that a question names by where they stand: "on page 12", "slides 3 to 5", "the second page", "on the cover".

    named_pages("How many cars are on pages three and four?")  ->  {3, 4}
    named_pages("Who wrote the last slide?")                   ->  {LAST}

Pages are counted as a viewer counts them, from 1, whatever number is printed on them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

LAST = -1  # the last page of a document
MOST_NAMED = 50  # pages of a question
_NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_NUMBER = rf"(?:\d{{1,5}}|{'|'.join(_NUMBERS)})\b"
_PAGES = r"(?:pages?|slides?|pp?\.)"
_TO = r"-|–|\bto\b|\bthrough\b"  # noqa: RUF001
_LINK = rf"\s*(?:,\s*and\b|,|&|\band\b|\bor\b|{_TO})\s*(?:{_PAGES}\s*)?(?:the\s+)?"
_NAMED = re.compile(rf"\b{_PAGES}\s*({_NUMBER}(?:{_LINK}{_NUMBER})*)", re.IGNORECASE)
_PART = re.compile(rf"{_NUMBER}|{_TO}", re.IGNORECASE)
_NTH = re.compile(rf"\b({'|'.join(_ORDINALS)}|last|\d{{1,5}}(?=st|nd|rd|th))\w*\s+(?:page|slide)\b", re.IGNORECASE)
_COVER = re.compile(
    r"\b(?:on|in|of|at|from)\s+the\s+(?:front\s+)?cover\b(?!\s+letter)|\bthe\s+(?:front|cover|title)\s+(?:page|slide)\b",
    re.IGNORECASE,
)


def named_pages(question: str) -> frozenset[int]:
    """Numbers of the pages that a question names, `LAST` among them; no more than `MOST_NAMED`."""
    found = [page for match in _NAMED.finditer(question) for page in _listed(match[1])]
    found += [_number(match[1]) for match in _NTH.finditer(question)]
    found += [1] if _COVER.search(question) else []
    return frozenset([page for page in found if page][:MOST_NAMED])


def _listed(text: str) -> Iterable[int]:
    """Numbers of "3, 5 and seven to 9"; of a range that is longer than a question is about, its ends."""
    before, is_range = 0, False
    for part in _PART.findall(text):
        number = _number(part)
        if number and is_range and before < number <= before + MOST_NAMED:
            yield from range(before + 1, number)
        if number:
            yield number
        before, is_range = number or before, not number


def _number(text: str) -> int:
    """Of digits or a word; 0 of anything else."""
    word = text.casefold()
    if word.isdecimal():
        return int(word)
    if word == "last":
        return LAST
    return next((names.index(word) + 1 for names in (_NUMBERS, _ORDINALS) if word in names), 0)
