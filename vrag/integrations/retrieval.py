"""What a retriever hands out of the pages it finds, before they take the form of a framework."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from vrag.errors import UsageError, VragError
from vrag.llm.message import Picture
from vrag.pages.drawing import check_width
from vrag.pages.readable_text import readable_text
from vrag.search.hits_json import hits_json

if TYPE_CHECKING:
    from vrag.remote.any_index import AnyIndex
    from vrag.search.hit import Hit
    from vrag.search.query_text import Words

Text = Literal["page", "snippet"]
IMAGE_TYPE = "image/jpeg"


@dataclass(frozen=True, slots=True)
class RetrievedPage:
    """A page found.

    Args:
        hit: As the search has it.
        text: All words of the page, with ` | ` between cells of tables, or the snippet.
        metadata: The keys of a hit in docs/reference/json.md and the snippet; `image_missing`: why there is no picture.
        image: The page's picture, JPEG in base64; empty where none is wanted or can be drawn.
    """

    hit: Hit
    text: str
    metadata: dict[str, Any]
    image: str = ""


@dataclass(frozen=True, slots=True)
class Retrieval:
    """How pages are searched for and what is wanted of them.

    Args:
        k: Pages wanted, at least 1.
        cascade: As of `Index.search`.
        where: As of `Index.search`.
        words: As of `Index.search`.
        min_relevance: As of `Index.search`.
        text: "page" for all words of a page, "snippet" for the passage that answers best.
        image_width: Of a page's picture in pixels; None for no pictures.
    """

    k: int = 5
    cascade: str | None = None
    where: str | Sequence[str] = ()
    words: Words = "plain"
    min_relevance: float = 0.0
    text: Text = "page"
    image_width: int | None = None

    def run(self, index: AnyIndex, query: str) -> list[RetrievedPage]:
        """The best pages for a query, best first; any number of threads may ask at once.

        A page that is removed after it was found is left out.

        Raises:
            UsageError: An empty query, a wrong k, width or kind of text, an unknown cascade or filter.
        """
        if self.text not in get_args(Text):
            raise UsageError(f"A page has no text {self.text!r}.", f"It is one of: {', '.join(get_args(Text))}.")
        check_width(self.image_width)
        hits = index.search(query, self.k, self.cascade, self.where, self.words, self.min_relevance)
        found = [self._page(index, query, hit) for hit in hits]
        return [page for page in found if page is not None]

    def _page(self, index: AnyIndex, query: str, hit: Hit) -> RetrievedPage | None:
        try:
            words = index.page_words(hit.doc, hit.page)
        except UsageError:  # it was removed since it was found
            return None
        snippet = index.snippet(query, hit)
        text = readable_text(words) if self.text == "page" else snippet
        image, missing = self._image(index, hit)
        return RetrievedPage(hit, text, {**_as_json(hit), "snippet": snippet, **missing}, image)

    def _image(self, index: AnyIndex, hit: Hit) -> tuple[str, dict[str, str]]:
        """The picture, and the metadata that says why there is none."""
        if self.image_width is None:
            return "", {}
        try:
            page = index.page_image(hit.doc, hit.page, width=self.image_width)
        except VragError as error:  # what was read of the page is there all the same
            return "", {"image_missing": str(error)}
        return b64encode(Picture.of(page).jpeg).decode("ascii"), {}


def check_index(index: object) -> Any:
    """An index that is open, as it was given.

    Raises:
        UsageError: It is something else, such as the folder of one.
    """
    if not hasattr(index, "page_words"):
        raise UsageError(
            f"A retriever wants an open index, not {index!r}.", "Open it first: with Index.open(...) as index."
        )
    return index


def _as_json(hit: Hit) -> dict[str, Any]:
    """A hit as JSON has it, which documents that are kept come back as."""
    return {key: list(value) if isinstance(value, tuple) else value for key, value in hits_json([hit])[0].items()}
