"""What a model is shown of the pages: as much as it has room for, the best pages first.

A page is shown as its words in reading order with cells of tables apart, as its picture, or as both. Its picture has
1,280 pixels on the longest side: print of eight points is then legible, hosted models make larger ones smaller
themselves, and each further pixel costs room. What is finer stands in a second picture: the region that answers best,
as sharp as the page was drawn.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, Literal, Protocol

from vrag.errors import VragError
from vrag.llm.message import Picture, pixel_tokens, tokens_in
from vrag.pages.page import Words
from vrag.pages.readable_text import readable_text
from vrag.runtime.pathtext import shown
from vrag.runtime.units import counted

if TYPE_CHECKING:
    from PIL.Image import Image

    from vrag.grid import Box
    from vrag.search.hit import Hit

SIDE = 1280  # pixels, longest side of a page's picture
MOST_BYTES = 12 << 20  # of pictures: as base64 they stay within the 20 MB that hosted endpoints take
MOST_PICTURES = 8  # at once: local models read few well; first those of the pages, then those of the best regions
_LEAST_SHARE = 0.7  # of the usual width, below which print is no longer legible
_WIDTH = 1700  # pixels of a page that is drawn: 200 an inch of a letter page
_AROUND = 0.02  # of the page, shown around a region
_WHOLE = 0.6  # of the page, from which a region is not shown once more
_FEWEST = 50  # tokens: a beginning of fewer is not worth showing
As = Literal["images", "text", "both"]


class Pages(Protocol):
    """Where pages are looked for and looked at: any index."""

    def search(self, query: str, k: int = 10, cascade: str | None = None, where: str | Sequence[str] = ()) -> list[Hit]:
        """The `k` best pages for a query, best first."""
        ...

    def page_words(self, doc: str, page: int) -> Words:
        """The words of a page in reading order."""
        ...

    def page_image(self, doc: str, page: int, *, width: int) -> Image:
        """A page's picture."""
        ...


@dataclass(frozen=True, slots=True)
class Source:
    """A page that a model is shown.

    Args:
        hit: The page.
        words: Its words, all of them.
        parts: What is shown of it: its label, its words, its picture, a region of it.
    """

    hit: Hit
    words: Words
    parts: tuple[str | Picture, ...]

    @property
    def tokens(self) -> int:
        """That it takes of the model's room, about."""
        return sum(map(tokens_in, self.parts))


@dataclass(frozen=True, slots=True)
class Room:
    """What a model has room for.

    Args:
        tokens: Of pages, about.
        pictures: At once.
        bytes: Of pictures together.
    """

    tokens: int
    pictures: int = MOST_PICTURES
    bytes: int = MOST_BYTES


@dataclass(slots=True)
class _Left:
    """What is left of it.

    Args:
        tokens: As of `Room`.
        pictures: As of `Room`.
        bytes: As of `Room`.
        left_out: Sentences on what found no room.
    """

    tokens: int
    pictures: int
    bytes: int
    left_out: list[str] = field(default_factory=list)

    def takes(self, part: str | Picture) -> bool:
        """Whether there was room for a part; it is taken then."""
        tokens, size = tokens_in(part), len(part.jpeg) if isinstance(part, Picture) else 0
        if tokens > self.tokens or size > self.bytes or (size and not self.pictures):
            return False
        self.tokens -= tokens
        self.bytes -= size
        self.pictures -= bool(size)
        return True


@dataclass(frozen=True, slots=True)
class _Looked:
    """A page that was looked at.

    Args:
        hit: The page.
        words: All of its words.
        parts: Those that had room.
        region: Its best region, which had none yet: the pictures of all pages come first.
    """

    hit: Hit
    words: Words
    parts: tuple[str | Picture, ...]
    region: Picture | None

    def source(self, number: int, left: _Left) -> Source:
        """The page with its label, and its best region if there is room for it."""
        label = f"Source {number}: {json.dumps(shown(self.hit.doc), ensure_ascii=False)}, page {self.hit.page}."
        parts = (label, *self.parts)
        if self.region is not None and left.takes(self.region):
            parts = (*parts, f"Source {number}, the part of it that is nearest to the question:", self.region)
        return Source(self.hit, self.words, parts)


def show(pages: Pages, hits: Sequence[Hit], shown_as: As, room: Room, fence: str) -> tuple[list[Source], list[str]]:
    """The pages that a model is shown, the best first, and sentences on what it is not.

    Args:
        pages: Of an index.
        hits: The best first.
        shown_as: Pictures, words or both.
        room: Of the model.
        fence: Put before and behind the words of a page; no page can know it.
    """
    left = _Left(room.tokens, room.pictures, room.bytes)
    looked: list[_Looked] = []
    for number, hit in enumerate(hits):
        if left.tokens < _FEWEST:
            more = counted(len(hits) - number, "more page")
            left.left_out.append(f"There was no room for {more}, which the model was not shown.")
            break
        looked.extend(_look(pages, hit, shown_as, left, fence))
    return [one.source(number, left) for number, one in enumerate(looked, 1)], left.left_out


def _look(pages: Pages, hit: Hit, shown_as: As, left: _Left, fence: str) -> Iterator[_Looked]:
    """A page as far as there is room for it, if there is anything to show."""
    place = f"{shown(hit.doc)}, page {hit.page}"
    try:
        words = pages.page_words(hit.doc, hit.page)
    except VragError as error:  # it was removed since it was found
        left.left_out.append(f"{place}, was not shown to the model: {error.message}")
        return
    text = () if shown_as == "images" or not len(words) else _text(words, left, place, fence)
    parts: list[str | Picture] = [*text]
    picture, region = (None, None) if shown_as == "text" else _pictures(pages, hit, left, place)
    if picture is not None:
        parts.append(picture)
    if parts:
        yield _Looked(hit, words, tuple(parts), region)
    elif shown_as == "text" and not len(words):
        left.left_out.append(f"{place}, was not shown to the model: it has no words.")


def _text(words: Words, left: _Left, place: str, fence: str) -> Iterator[str]:
    """The words of a page, or as many of its first lines as there is room for."""
    lines = readable_text(words).split("\n")
    whole = "\n".join((fence, *lines, fence))
    if left.takes(whole):
        yield whole
        return
    room = left.tokens - tokens_in(f"{fence}\n\n{fence}")
    kept = bisect_right(list(accumulate(tokens_in(line) + 1 for line in lines)), room)
    beginning = "\n".join((fence, *lines[:kept], fence))
    if tokens_in(beginning) >= _FEWEST and left.takes(beginning):
        left.left_out.append(f"Only the first words of {place}, were shown to the model: there was no room for more.")
        yield beginning
    else:
        left.left_out.append(f"The words of {place}, were not shown to the model: there was no room for them.")


def _pictures(pages: Pages, hit: Hit, left: _Left, place: str) -> tuple[Picture | None, Picture | None]:
    """The picture of a page, and that of its best region; none where there is none, or no room."""
    if not left.pictures:
        left.left_out.append(f"The picture of {place}, was not shown to the model: it takes no more pictures at once.")
        return None, None
    try:
        drawn = pages.page_image(hit.doc, hit.page, width=_WIDTH).convert("RGB")
    except VragError as error:
        left.left_out.append(f"The picture of {place}, was not shown to the model: {error.message}")
        return None, None
    picture = _fitted(drawn, left.tokens)
    if picture is None or not left.takes(picture):
        left.left_out.append(f"The picture of {place}, was not shown to the model: there was no room for it.")
        return None, None
    return picture, Picture.of(drawn.crop(_pixels(hit.region, drawn))) if _is_part(hit.region) else None


def _fitted(drawn: Image, tokens: int) -> Picture | None:
    """A page's picture, smaller than usual where there is little room; None where it would not be legible."""
    page = drawn.copy()
    page.thumbnail((SIDE, SIDE))
    share = (tokens / pixel_tokens(page)) ** 0.5
    if share < _LEAST_SHARE:
        return None
    if share < 1:
        page.thumbnail((int(page.width * share), int(page.height * share)))
    return Picture.of(page)


def _is_part(region: Box | None) -> bool:
    if region is None:
        return False
    x0, y0, x1, y1 = region
    return 0 < (x1 - x0) * (y1 - y0) < _WHOLE


def _pixels(region: Box | None, page: Image) -> tuple[int, int, int, int]:
    x0, y0, x1, y1 = region or (0, 0, 1, 1)
    left, upper = max(0, int((x0 - _AROUND) * page.width)), max(0, int((y0 - _AROUND) * page.height))
    right, lower = min(1, x1 + _AROUND) * page.width, min(1, y1 + _AROUND) * page.height
    return left, upper, max(left + 1, int(right)), max(upper + 1, int(lower))
