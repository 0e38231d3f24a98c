"""Is a quote on its page? Every quote of an answer goes through here, whoever has chosen it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vrag.ask.alignment import align
from vrag.ask.answer import Mismatch, Status
from vrag.ask.cells import in_cells, row_order
from vrag.ask.tokens import tokens_of
from vrag.grid import Box
from vrag.pages.page import Words
from vrag.search.snippet import box_around

_GAP = re.compile(r"\s*(?:\[\s*)?(?:…|(?<!\.)\.\.\.(?!\.))(?:\s*\])?\s*")  # says that something is left out
_FEWEST = 3  # words of a part that stands by itself; shorter ones could be put together to anything
_MOST_WORDS = 200  # of a quote that are compared at a time
Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of a quote.

    Args:
        status: "supported": the page says it, number for number; "changed": it says something else there;
            "not found": it says nothing of the kind.
        words: int64 [k], words of the page that were matched, in its reading order.
        boxes: Around them, one a line, as shares of the page: x0, y0, x1, y1.
        mismatches: What is changed.
    """

    status: Status
    words: Indices
    boxes: tuple[Box, ...] = ()
    mismatches: tuple[Mismatch, ...] = ()


def check(quote: str, words: Words) -> Checked:
    """Look for a quote among the words of a page; each part of it, when an ellipsis parts it.

    Args:
        quote: As it was given, of a text or a table.
        words: Of the page, in reading order.
    """
    parts = [_part(part, words) for part in _pieces(quote)]
    if not parts:
        return Checked("not found", np.zeros(0, np.int64))
    status: Status = max((part.status for part in parts), key=("supported", "changed", "not found").index)
    found = np.unique(np.concatenate([part.words for part in parts]))
    mismatches = tuple(mismatch for part in parts for mismatch in part.mismatches)
    return Checked(status, found, tuple(_boxes(words, found)), mismatches)


def _pieces(quote: str) -> list[list[str]]:
    """What an ellipsis parts, as words; what is very long in parts that are compared one by one."""
    parts = [part.split() for part in _GAP.split(quote.strip()) if any(map(str.isalnum, part))]
    if len(parts) > 1 and min(map(len, parts)) < _FEWEST:
        parts = [quote.split()]
    pieces = (part[i : i + _MOST_WORDS] for part in parts for i in range(0, len(part), _MOST_WORDS))
    return [piece for piece in pieces if any(map(str.isalnum, "".join(piece)))]


def _part(quote: Sequence[str], words: Words) -> Checked:
    """A quote without gaps: in reading order, else line by line across columns, else in the cells of a table."""
    said = tokens_of(quote)
    orders = (np.arange(len(words)), row_order(words.boxes))
    places = []
    for order in orders:
        page = tokens_of([words.texts[i] for i in order])
        place = align(said, page)
        if place is not None:
            found = order[page.words[place.first] : page.words[place.end - 1] + 1]  # with what is no token between
            if not place.mismatches:
                return Checked("supported", np.unique(found))
            places.append((place, found))
    cells = in_cells(said, words)
    if cells is not None:
        return Checked("supported", cells)
    if not places:
        return Checked("not found", np.zeros(0, np.int64))
    place, found = max(places, key=lambda one: one[0].likeness)
    return Checked("changed", np.unique(found), mismatches=place.mismatches)


def _boxes(words: Words, found: Indices) -> Iterator[Box]:
    """Boxes around words, one a line; a line on which words between them are left out gets several."""
    for run in np.split(found, np.flatnonzero((np.diff(found) != 1) | (np.diff(words.lines[found]) != 0)) + 1):
        if len(run):
            yield box_around(words.boxes[run])
