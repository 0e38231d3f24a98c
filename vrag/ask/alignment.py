"""Where on a page a quote stands, and what is said there otherwise."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from vrag.ask.answer import Mismatch
from vrag.ask.haystack import Haystack
from vrag.ask.likeness import edits, skeleton
from vrag.ask.tokens import Tokens

FOUND = 65.0  # per cent of letters alike, from which a stretch of a page is what the quote means
_TRIES = 3  # places of a page that are looked at, best first
_MISREAD = 0.12  # of a quote's letters at most
_LONGEST = 500  # letters of what is looked for with misread ones: beyond it the time grows with their third power
_AROUND = 2  # tokens around the place that the letters point to


@dataclass(frozen=True, slots=True)
class _Region:
    """Tokens of a quote, first and end, and of its page that stand there instead; either may be none."""

    quote: tuple[int, int]
    page: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Alignment:
    """A quote laid on a stretch of a page.

    Args:
        first: Token of the page it begins with.
        end: The token behind its last.
        mismatches: What they say otherwise; nothing when it is the same.
        likeness: Per cent of letters alike.
    """

    first: int
    end: int
    mismatches: tuple[Mismatch, ...]
    likeness: float


def align(quote: Tokens, page: Haystack, start: int = 0) -> Alignment | None:
    """The place of a page that says the same, else the one that is most alike; None where nothing is like it.

    Args:
        quote: What is looked for.
        page: Its words in one order.
        start: The first token of the page that counts.
    """
    if not len(quote) or start >= len(page.tokens):
        return None
    exact = page.find(quote.keys, start)
    if exact is not None:
        return Alignment(exact, exact + len(quote), (), 100.0)
    found = list(_places(quote, page, start))
    return min(found, key=lambda place: (len(place.mismatches) > 0, -place.likeness), default=None)


def _places(quote: Tokens, page: Haystack, start: int) -> Iterator[Alignment]:
    """Places that are like the quote, best first, until one says the same."""
    wanted = "".join(map(skeleton, quote.keys))
    if len(wanted) > _LONGEST:
        return
    skipped = page.ends[start - 1] if start else 0
    letters = page.letters[skipped:]
    for _ in range(_TRIES):
        found = fuzz.partial_ratio_alignment(wanted, letters, score_cutoff=FOUND)
        if found is None:
            return
        left, right = found.dest_start, found.dest_end
        near = bisect_right(page.ends, skipped + left), bisect_left(page.ends, skipped + right)
        first, end = _whole_tokens(wanted, page.skeletons, max(start, near[0] - _AROUND), near)
        place = _laid(quote, page.tokens, first, end, found.score)
        yield place
        if not place.mismatches:
            return
        letters = letters[:left] + "\0" * (right - left) + letters[right:]


def _whole_tokens(wanted: str, parts: Sequence[str], least: int, near: tuple[int, int]) -> tuple[int, int]:
    """The run of tokens about the first and last of `near`, none before `least`, that is most like what is wanted."""
    first, last = near
    firsts = range(least, min(first + _AROUND, last) + 1)
    ends = range(max(first, last - _AROUND) + 1, min(len(parts), last + _AROUND + 1) + 1)
    runs = ((i, j) for i in firsts for j in ends if i < j)
    return min(runs, key=lambda run: (Levenshtein.distance(wanted, "".join(parts[slice(*run)])), run[1] - run[0]))


def _laid(quote: Tokens, page: Tokens, first: int, end: int, likeness: float) -> Alignment:
    """The quote laid on tokens `first` to `end` of a page."""
    mismatches, misread = [], 0
    for region in _regions(quote, page, first, end):
        count = _edits(region, quote, page, (first, end))
        if count is None:
            mismatches.append(Mismatch(quote.part(*region.quote).said, page.part(*region.page).said))
        misread += count or 0
    if misread > _MISREAD * len("".join(quote.keys)) and not mismatches:
        mismatches.append(Mismatch(quote.said, page.part(first, end).said))
    return Alignment(first, end, tuple(mismatches), likeness)


def _regions(quote: Tokens, page: Tokens, first: int, end: int) -> list[_Region]:
    """Where the quote and tokens `first` to `end` of the page are not equal, token for token."""
    regions: list[_Region] = []
    for step in Levenshtein.opcodes(quote.keys, page.keys[first:end]):
        if step.tag == "equal":
            continue
        new = _Region((step.src_start, step.src_end), (first + step.dest_start, first + step.dest_end))
        if regions and regions[-1].quote[1] == new.quote[0] and regions[-1].page[1] == new.page[0]:
            new = _Region((regions[-1].quote[0], new.quote[1]), (regions.pop().page[0], new.page[1]))
        regions.append(new)
    return regions


def _edits(region: _Region, quote: Tokens, page: Tokens, bounds: tuple[int, int]) -> int | None:
    """Letters misread in a region, alone or with the words beside it, as spaces are misread too; None: it differs."""
    for left, right in ((0, 0), (1, 0), (0, 1), (1, 1)):
        q0, q1 = region.quote[0] - left, region.quote[1] + right
        p0, p1 = region.page[0] - left, region.page[1] + right
        if q0 < 0 or q1 > len(quote) or p0 < bounds[0] or p1 > bounds[1]:
            continue
        if q0 == q1 and p0 == p1:
            return 0
        count = edits(quote.part(q0, q1), page.part(p0, p1)) if q0 < q1 and p0 < p1 else None
        if count is not None:
            return count
    return None
