"""What a hit is bound to: the index that found it, and what was looked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from vrag.errors import UsageError
from vrag.search.hit import Hit, Hits

if TYPE_CHECKING:
    from PIL.Image import Image

    from vrag.pages.page import Words

FIRST_WORDS = 200  # of a page, by which passages of pages like it are chosen where the search chose none


class FindingIndex(Protocol):
    """What a hit asks of its index."""

    is_closed: bool

    def page_text(self, doc: str, page: int) -> str:
        """The words of a page, line by line."""
        ...

    def page_words(self, doc: str, page: int) -> Words:
        """The words of a page with their places."""
        ...

    def page_image(self, doc: str, page: int, *, width: int | None = None) -> Image:
        """The page as a picture."""
        ...

    def snippet(self, query: str, hit: Hit) -> str:
        """The passage of a hit's page that answers best."""
        ...


@dataclass
class HitReader:
    """Reads pages of hits in the index that found them (implements `PageReader`).

    Args:
        index: It.
        asked: What was looked for: words, or a page of the index; None for a picture.
    """

    index: FindingIndex
    asked: str | tuple[str, int] | None

    @cached_property
    def query(self) -> str:
        """What was looked for; of a page its first words; empty for a picture."""
        if self.asked is None or isinstance(self.asked, str):
            return self.asked or ""
        return first_words(self._open.page_words(*self.asked))

    def text(self, hit: Hit) -> str:
        """See `Hit.text`."""
        return self._open.page_text(hit.doc, hit.page)

    def snippet(self, hit: Hit) -> str:
        """See `Hit.snippet`; the one that the search chose needs no words."""
        index = self._open
        query = "" if hit.words else self.query
        return index.snippet(query, hit) if query or hit.words else ""

    def image(self, hit: Hit, width: int | None) -> Image:
        """See `Hit.image`."""
        return self._open.page_image(hit.doc, hit.page, width=width)

    @property
    def _open(self) -> FindingIndex:
        if self.index.is_closed:
            raise UsageError(
                "The index that found this hit is closed.", "Read its text, snippet and image while the index is open."
            )
        return self.index


def bound(hits: Sequence[Hit], index: FindingIndex, asked: str | tuple[str, int] | None) -> Hits:
    """The hits of a search, from now on able to read their pages.

    Args:
        hits: Just made, and nobody else's yet.
        index: That found them.
        asked: As of `HitReader`.
    """
    reader = HitReader(index, asked)
    for hit in hits:
        object.__setattr__(hit, "_reader", reader)  # a frozen record in all that it says
    return Hits(hits, asked if isinstance(asked, str) else "")


def first_words(words: Words) -> str:
    """The words that stand first on a page."""
    return " ".join(words.texts[:FIRST_WORDS])
