"""Is a quote on its page? Every quote of an answer goes through here, whoever has chosen it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vrag.ask.alignment import align
from vrag.ask.answer import Mismatch, Status
from vrag.ask.cells import in_cells
from vrag.ask.heads import heads_over
from vrag.ask.table_rows import PageRows
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
    page, pieces = PageRows(words), _pieces(quote)
    parts = _parts(pieces, page)
    if parts is None:
        pieces = _chunks(quote.split())
        parts = [_part(piece, page) for piece in pieces]
    if not parts:
        return Checked("not found", np.zeros(0, np.int64))
    status: Status = max((part.status for part in parts), key=("supported", "changed", "not found").index)
    found = np.unique(np.concatenate([part.words for part in parts]))
    mismatches = tuple(mismatch for part in parts for mismatch in part.mismatches)
    if status == "supported" and not _is_in_order(parts, page):
        status, mismatches = "changed", (_turned_round(pieces, parts),)
    return Checked(status, found, tuple(_boxes(words, found)), mismatches)


def _pieces(quote: str) -> list[Sequence[str]]:
    """What an ellipsis parts, as words; what is very long in parts that are compared one by one."""
    return [piece for part in _GAP.split(quote.strip()) for piece in _chunks(part.split())]


def _chunks(quote: Sequence[str]) -> list[Sequence[str]]:
    """As many words as are compared at a time; chunks of signs alone say nothing."""
    chunks = (quote[i : i + _MOST_WORDS] for i in range(0, len(quote), _MOST_WORDS))
    return [chunk for chunk in chunks if any(map(str.isalnum, "".join(chunk)))]


def _parts(pieces: Sequence[Sequence[str]], page: PageRows) -> list[Checked] | None:
    """What became of each piece: it follows the one before, or is a head of a table's row in the next one.

    None where a piece that is too short to stand by itself is no head.
    """
    found: list[Checked | None] = []
    start = 0
    for piece in pieces:
        stands = len(piece) >= _FEWEST or len(pieces) == 1
        part = _part_from(start, piece, page) if stands else None
        start = int(part.words.max()) + 1 if part and part.status == "supported" else start
        found.append(part)
    below = None
    for i in reversed(range(len(pieces))):
        heads = None if below is None else heads_over(tokens_of(pieces[i]), page, below)
        if heads is not None:
            found[i] = Checked("supported", heads)
        elif (part := found[i]) is not None:
            below = part.words if len(part.words) else None
    return None if None in found else [part for part in found if part is not None]


def _part_from(start: int, piece: Sequence[str], page: PageRows) -> Checked:
    """A piece behind word `start`, if it is there, else anywhere."""
    if start:
        words = page.words
        part = _part(piece, PageRows(Words(words.texts[start:], words.boxes[start:], words.lines[start:])))
        if part.status == "supported":
            return Checked("supported", part.words + start)
    return _part(piece, page)


def _is_in_order(parts: Sequence[Checked], page: PageRows) -> bool:
    """Whether parts follow each other as the page is read, or line by line across its columns."""
    places = np.argsort(page.order, kind="stable")
    starts = [part.words.min() for part in parts]
    return starts == sorted(starts) or (by_row := [places[part.words].min() for part in parts]) == sorted(by_row)


def _turned_round(pieces: Sequence[Sequence[str]], parts: Sequence[Checked]) -> Mismatch:
    """Pieces as they were said, and in the order in which they stand on the page."""
    order = sorted(range(len(parts)), key=lambda i: int(parts[i].words.min()))
    said, stands = (" … ".join(" ".join(pieces[i]) for i in some) for some in (range(len(parts)), order))
    return Mismatch(said, stands)


def _part(quote: Sequence[str], page: PageRows) -> Checked:
    """A quote without gaps: in reading order, else line by line across columns, else in the cells of a table."""
    said, places = tokens_of(quote), []
    for order, read in page.readings():
        place = align(said, read)
        if place is not None:
            found = order[read.words[place.first] : read.words[place.end - 1] + 1]  # with what is no token between
            if not place.mismatches:
                return Checked("supported", np.unique(found))
            places.append((place, found))
    cells = in_cells(said, page)
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
