"""Is a quote on its page? Every quote of an answer goes through here, whoever has chosen it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from vrag.ask.alignment import align
from vrag.ask.answer import Mismatch, Status
from vrag.ask.cells import StepsLeft, in_cells
from vrag.ask.haystack import Indices
from vrag.ask.heads import heads_over
from vrag.ask.table_rows import PageRows
from vrag.ask.tokens import Tokens, tokens_of
from vrag.grid import Box
from vrag.pages.page import Words
from vrag.search.snippet import box_around

MOST_PARTS = 20  # of a quote; what has more was put together by nobody, and its dots are no gaps
_GAP = re.compile(r"(?:\[\s*)?(?:…|(?<!\.)\.\.\.(?!\.))(?:\s*\])?")  # says that something is left out
_FEWEST = 3  # words of a part that stands by itself; shorter ones could be put together to anything
_MOST_LETTERS = 500  # of a quote that are compared at a time: the time for it grows with their third power


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
    return check_on(quote, PageRows(words))


def check_on(quote: str, page: PageRows) -> Checked:
    """The same on a page that several quotes are looked for on."""
    steps, pieces = StepsLeft(), [piece for part in _GAP.split(quote) for piece in _chunks(part)]
    parts = _parts(pieces, page, steps) if len(pieces) <= MOST_PARTS else None
    if parts is None:
        pieces = _chunks(quote)
        parts = [_part(piece, page, steps) for piece in pieces]
    if not parts:
        return Checked("not found", np.zeros(0, np.int64))
    status: Status = max((part.status for part in parts), key=("supported", "changed", "not found").index)
    found = np.unique(np.concatenate([part.words for part in parts]))
    mismatches = tuple(mismatch for part in parts for mismatch in part.mismatches)
    if status == "supported" and not _is_in_order(parts, page):
        status, mismatches = "changed", (_turned_round(pieces, parts),)
    return Checked(status, found, tuple(_boxes(page.words, found)), mismatches)


def _chunks(quote: str) -> list[Tokens]:
    """A text in pieces that are compared at a time; what is signs alone says nothing."""
    said = tokens_of(quote.split())
    chunks, start, letters = list[Tokens](), 0, 0
    for i, key in enumerate(said.keys):
        if start < i and letters + len(key) > _MOST_LETTERS:
            chunks, start, letters = [*chunks, said.part(start, i)], i, 0
        letters += len(key)
    chunks.append(said.part(start, len(said)))
    return [chunk for chunk in chunks if any(map(str.isalnum, "".join(chunk.keys)))]


def _parts(pieces: Sequence[Tokens], page: PageRows, steps: StepsLeft) -> list[Checked] | None:
    """What became of each piece: it follows the one before, or is a head of a table's row in the next one.

    None where a piece that is too short to stand by itself is no head.
    """
    found: list[Checked | None] = []
    before = None
    for piece in pieces:
        stands = piece.words[-1] - piece.words[0] + 1 >= _FEWEST or len(pieces) == 1
        part = _part_behind(before, piece, page, steps) if stands else None
        before = part.words if part and part.status == "supported" else before
        found.append(part)
    below = None
    for i in reversed(range(len(pieces))):
        heads = None if below is None else heads_over(pieces[i], page, below)
        if heads is not None:
            found[i] = Checked("supported", heads)
        elif (part := found[i]) is not None:
            below = part.words if len(part.words) else None
    return None if None in found else [part for part in found if part is not None]


def _part_behind(before: Indices | None, piece: Tokens, page: PageRows, steps: StepsLeft) -> Checked:
    """A piece behind the words of the one before, if it is there, else anywhere."""
    if before is not None and (part := _part(piece, page, steps, before)).status == "supported":
        return part
    return _part(piece, page, steps)


def _is_in_order(parts: Sequence[Checked], page: PageRows) -> bool:
    """Whether parts follow each other as the page is read, or line by line across its columns."""
    places = page.by_row.places
    starts = [part.words.min() for part in parts]
    return starts == sorted(starts) or (by_row := [places[part.words].min() for part in parts]) == sorted(by_row)


def _turned_round(pieces: Sequence[Tokens], parts: Sequence[Checked]) -> Mismatch:
    """Pieces as they were said, and in the order in which they stand on the page."""
    order = sorted(range(len(parts)), key=lambda i: int(parts[i].words.min()))
    said, stands = (" … ".join(pieces[i].said for i in some) for some in (range(len(parts)), order))
    return Mismatch(said, stands)


def _part(said: Tokens, page: PageRows, steps: StepsLeft, before: Indices | None = None) -> Checked:
    """A quote without gaps: in reading order, else line by line across columns, else in the cells of a table.

    Args:
        said: The quote.
        page: The page.
        steps: That are left to put it together from cells.
        before: int64 [k], k >= 1, words behind which it is looked for; None for the whole page.
    """
    places = []
    for read in (page.as_read, page.by_row):
        place = align(said, read, 0 if before is None else read.behind(before))
        if place is not None:
            words = read.tokens.words
            found = read.order[words[place.first] : words[place.end - 1] + 1]  # with what is no token between
            if not place.mismatches:
                return Checked("supported", np.unique(found))
            places.append((place, found))
    cells = in_cells(said, page, steps, 0 if before is None else page.row_of(int(before.max())))
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
