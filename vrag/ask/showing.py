"""What a model is shown of the pages: as much as it has room for, the best pages first.

A page is shown as its words in reading order, as its picture, or as both. Its picture has 1,280 pixels on the longest
side: print of eight points is then legible, hosted models make larger ones smaller themselves, and each further pixel
costs room. What is finer stands in a second picture: the region that answers best, as sharp as the page was drawn.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from vrag.errors import VragError
from vrag.llm.message import Picture, tokens_in
from vrag.pages.page import Words
from vrag.runtime.pathtext import shown

if TYPE_CHECKING:
    from PIL.Image import Image

    from vrag.grid import Box
    from vrag.search.hit import Hit

SIDE = 1280  # pixels, longest side of a page's picture
MOST_BYTES = 12 << 20  # of pictures: as base64 they stay within the 20 MB that hosted endpoints take
_WIDTH = 1275  # pixels of a page that is drawn: 150 an inch of a letter page
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


@dataclass(slots=True)
class _Left:
    """What is left of the model's room.

    Args:
        tokens: About.
        bytes: Of pictures.
        left_out: Sentences on what found no room.
    """

    tokens: int
    bytes: int
    left_out: list[str] = field(default_factory=list)

    def takes(self, part: str | Picture) -> bool:
        """Whether there was room for a part; it is taken then."""
        tokens, size = tokens_in(part), len(part.jpeg) if isinstance(part, Picture) else 0
        if tokens > self.tokens or size > self.bytes:
            return False
        self.tokens -= tokens
        self.bytes -= size
        return True


def show(
    pages: Pages, hits: Sequence[Hit], shown_as: As, tokens: int, fence: str, most_bytes: int = MOST_BYTES
) -> tuple[list[Source], list[str]]:
    """The pages that a model is shown, the best first, and sentences on what it is not.

    Args:
        pages: Of an index.
        hits: The best first.
        shown_as: Pictures, words or both.
        tokens: Of the model's room that pages may take.
        fence: Put before and behind the words of a page; no page can know it.
        most_bytes: Of all pictures together.
    """
    room, sources = _Left(tokens, most_bytes), list[Source]()
    for hit in hits:
        source = _source(pages, hit, shown_as, room, f"Source {len(sources) + 1}", fence)
        if source is not None:
            sources.append(source)
    return sources, room.left_out


def _source(pages: Pages, hit: Hit, shown_as: As, room: _Left, name: str, fence: str) -> Source | None:
    """A page as far as there is room for it; None where there is nothing to show."""
    place = f"{shown(hit.doc)}, page {hit.page}"
    try:
        words = pages.page_words(hit.doc, hit.page)
    except VragError as error:  # it was removed since it was found
        room.left_out.append(f"{place}, was not shown: {error.message}")
        return None
    left_out = len(room.left_out)
    text = _text(words, room, place, fence) if shown_as != "images" else []
    pictures = list(_pictures(pages, hit, room, place, name)) if shown_as != "text" else []
    if not text and not pictures:
        del room.left_out[left_out:]
        room.left_out.append(f"{place}, was not shown to the model: {_why_not(words, shown_as)}.")
        return None
    label = f"{name}: {json.dumps(shown(hit.doc), ensure_ascii=False)}, page {hit.page}."
    return Source(hit, words, (label, *text, *pictures))


def _why_not(words: Words, shown_as: As) -> str:
    return "it has no words" if shown_as == "text" and not len(words) else "there was no room for it"


def _text(words: Words, room: _Left, place: str, fence: str) -> list[str]:
    """The words of a page, or as many of its first lines as there is room for."""
    lines = _lines(words)
    if not lines:
        return []
    whole = "\n".join((fence, *lines, fence))
    if room.takes(whole):
        return [whole]
    kept, left = [], room.tokens - 2 * tokens_in(fence)
    for line in lines:
        left -= tokens_in(line) + 1
        if left < 0:
            break
        kept.append(line)
    beginning = "\n".join((fence, *kept, fence))
    if tokens_in(beginning) < _FEWEST or not room.takes(beginning):
        room.left_out.append(f"The words of {place}, were not shown to the model: there was no room for them.")
        return []
    room.left_out.append(f"Only the first words of {place}, were shown to the model: there was no room for more.")
    return [beginning]


def _lines(words: Words) -> list[str]:
    lines: dict[int, list[str]] = {}
    for number, text in zip(words.lines.tolist(), words.texts, strict=True):
        lines.setdefault(number, []).append(text)
    return [" ".join(line) for line in lines.values()]


def _pictures(pages: Pages, hit: Hit, room: _Left, place: str, name: str) -> Iterator[str | Picture]:
    """The picture of a page, and that of its best region."""
    try:
        drawn = pages.page_image(hit.doc, hit.page, width=_WIDTH).convert("RGB")
    except VragError as error:
        room.left_out.append(f"The picture of {place}, was not shown to the model: {error.message}")
        return
    page = drawn.copy()
    page.thumbnail((SIDE, SIDE))
    picture = Picture.of(page)
    if not room.takes(picture):
        room.left_out.append(f"The picture of {place}, was not shown to the model: there was no room for it.")
        return
    yield picture
    region = Picture.of(drawn.crop(_pixels(hit.region, drawn))) if _is_part(hit.region) else None
    if region is not None and room.takes(region):
        yield f"{name}, the part of it that is nearest to the question:"
        yield region


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
