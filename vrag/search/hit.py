"""A page found, as `vrag.Index.search` returns it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, SupportsIndex, overload

from vrag.errors import UsageError

if TYPE_CHECKING:
    from PIL.Image import Image

    from vrag.grid import Box


class PageReader(Protocol):
    """Where a hit looks up its page: `vrag.search.hit_reader.HitReader`."""

    @property
    def query(self) -> str:
        """What was looked for; empty where that was no words."""
        ...

    def text(self, hit: Hit) -> str:
        """See `Hit.text`."""
        ...

    def snippet(self, hit: Hit) -> str:
        """See `Hit.snippet`."""
        ...

    def image(self, hit: Hit, width: int | None) -> Image:
        """See `Hit.image`."""
        ...


class _Bound:
    """What a hit has besides its facts; no field, so that it is neither compared, nor shown, nor sent, nor pickled."""

    __slots__ = ("_reader",)
    _reader: PageReader


@dataclass(frozen=True, slots=True)
class Hit(_Bound):
    """A page found.

    Its words, passage and picture are read when they are asked for, from the index that found it, as long as that is
    open. A hit that was copied or unpickled has its facts alone.

    Args:
        rank: From 1.
        score: Score of the last stage; MaxSim when that stage is `full`.
        doc: Name of the document, as `--where doc=` takes it.
        path: Absolute path of its file.
        page: Page number from 1.
        stages: Score of this page in every stage, whichever branch found it, by the stage's label.
        id: Id of the page's record.
        rows: First row and end of the best passage in the page's `full` multivector, where a stage looked for regions.
        region: Where that lies: x0, y0, x1, y1 as shares of the page.
        words: First word and end of that passage; None where rows are patches, or no stage looked for regions.
        context_words: Words of the query that the document's own context answers better than this page does.
        doc_id: Id of the document: SHA-256 of the file's bytes.
        relevance: How likely it is that the index has what was asked for, as this page shows it: 0 to 1; None where
            words cannot tell, see `vrag.search.relevance`.
    """

    rank: int
    score: float
    doc: str
    path: str
    page: int
    stages: dict[str, float]
    id: str
    rows: tuple[int, int] | None = None
    region: Box | None = None
    context_words: tuple[str, ...] = ()
    words: tuple[int, int] | None = None
    doc_id: str = ""
    relevance: float | None = None

    @property
    def text(self) -> str:
        """The words of the page in reading order, a line of the page a line; empty where there are none.

        Raises:
            UsageError: The index that found it is closed, or has the page no more.
        """
        return reader_of(self).text(self)

    @property
    def snippet(self) -> str:
        """The passage of the page that answers best: whole sentences or lines, at most 40 words; may be empty.

        Raises:
            UsageError: The index that found it is closed.
        """
        return reader_of(self).snippet(self)

    def image(self, width: int | None = None) -> Image:
        """The page: an RGB picture, drawn anew from its file.

        Args:
            width: Pixels, at most, of the whole page; None for the picture that the embedder saw.

        Raises:
            PageError: It cannot be drawn, or its file is not what was indexed.
            UsageError: The index that found it is closed or has the page no more, or the width is out of range.
        """
        return reader_of(self).image(self, width)

    def _repr_html_(self) -> str:
        """The page with the passage framed, for notebooks."""
        from vrag.search.notebook import hit_html

        return hit_html(self)


def reader_of(hit: Hit) -> PageReader:
    """Where a hit looks up its page.

    Raises:
        UsageError: It comes from no search of this process.
    """
    try:
        return hit._reader
    except AttributeError as error:
        raise UsageError(
            f"This hit ({hit.doc!r}, page {hit.page}) is a copy, which knows no index.",
            "Ask one that is open: index.page_text(hit.doc, hit.page), index.page_image(hit.doc, hit.page).",
        ) from error


class Hits(list[Hit]):
    """The hits of a search, best first: a list that notebooks show with pictures.

    Args:
        hits: They.
        query: What was looked for; empty where that was no words.
    """

    def __init__(self, hits: Iterable[Hit] = (), query: str = "") -> None:
        super().__init__(hits)
        self.query = query

    @overload
    def __getitem__(self, which: SupportsIndex) -> Hit: ...

    @overload
    def __getitem__(self, which: slice) -> Hits: ...

    def __getitem__(self, which: SupportsIndex | slice) -> Hit | Hits:
        """A hit, or some of them."""
        return Hits(super().__getitem__(which), self.query) if isinstance(which, slice) else super().__getitem__(which)

    def _repr_html_(self) -> str:
        from vrag.search.notebook import hits_html

        return hits_html(self, self.query)
