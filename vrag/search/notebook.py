"""What a notebook shows of an index, of hits and of a page: HTML without scripts, in which documents are text."""

from __future__ import annotations

import html
import io
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Protocol

from vrag.errors import VragError
from vrag.runtime.data_url import data_url
from vrag.runtime.pathtext import shown
from vrag.runtime.units import counted
from vrag.search.hit import Hit, reader_of
from vrag.search.matched_words import AskedWords, asked_words, matched_spans

if TYPE_CHECKING:
    from PIL.Image import Image

    from vrag.grid import Box

MOST_SHOWN = 20  # hits of a table
MOST_PICTURES = 10  # of them; each is drawn anew
_SMALL, _LARGE = 120, 480  # pixels of a page's width in a table, and by itself
_QUALITY = 75  # of a JPEG: a small page takes 3 kB, a large one some 40 kB
_FRAME = "#d9480f"
_EDGE = 'style="border:1px solid #ccc"'  # where a white page ends
_LEFT = 'style="text-align:left;vertical-align:top"'


class Described(Protocol):
    """What is told of an index; the rest of it is of no interest here."""

    @property
    def place(self) -> Any:
        """Where it is, with its `name`."""
        ...

    @property
    def documents(self) -> Any:
        """Its documents, which can be counted."""
        ...

    @property
    def page_count(self) -> int:
        """Pages in it."""
        ...

    @property
    def model_name(self) -> str:
        """Its model."""
        ...

    @property
    def default_cascade(self) -> str:
        """How it is searched."""
        ...


def index_html(index: Described) -> str:
    """A table of what is in an index, or why it cannot be asked."""
    name = _text(index.place.name)
    try:
        facts = {
            "documents": f"{index.documents.count():,}",
            "pages": f"{index.page_count:,}",
            "model": index.model_name,
            "cascade": index.default_cascade,
        }
    except VragError as error:  # it is closed, or whoever holds it has gone
        return f"<p>Index <b>{name}</b>: {_text(error.message)}</p>"
    rows = "".join(f"<tr><td {_LEFT}>{key}</td><td {_LEFT}>{_text(fact)}</td></tr>" for key, fact in facts.items())
    return f"<table><caption {_LEFT}>Index <b>{name}</b></caption>{rows}</table>"


def hits_html(hits: Sequence[Hit], query: str) -> str:
    """Hits as a table: picture, place, relevance, and the passage with the query's words marked.

    Args:
        hits: Best first.
        query: What was looked for; may be empty.
    """
    if not hits:
        return f"<p>Nothing found for <b>{_text(query)}</b>.</p>" if query else "<p>Nothing found.</p>"
    rows = "".join(_row(hit, number <= MOST_PICTURES) for number, hit in enumerate(hits[:MOST_SHOWN], 1))
    rest = len(hits) - MOST_SHOWN
    more = f"<p>and {counted(rest, 'more hit')}</p>" if rest > 0 else ""
    caption = f"<caption {_LEFT}><b>{_text(query)}</b></caption>" if query else ""
    return f"<table>{caption}{rows}</table>{more}"


def hit_html(hit: Hit) -> str:
    """The page of a hit with the region framed that answers, and the passage below."""
    picture, passage = _picture(hit, _LARGE), _passage(hit)
    return f"<figure>{picture}<figcaption><b>{_place(hit)}</b><br>{passage}</figcaption></figure>"


def _row(hit: Hit, has_picture: bool) -> str:
    sure = "" if hit.relevance is None else f"<br>relevance {hit.relevance:.0%}"
    cells = (str(hit.rank), _picture(hit, _SMALL) if has_picture else "", f"{_place(hit)}{sure}", _passage(hit))
    row = "".join(f"<td {_LEFT}>{cell}</td>" for cell in cells)
    return f"<tr>{row}</tr>"


def _place(hit: Hit) -> str:
    return f"{_text(hit.doc)}, page {hit.page}"


def _picture(hit: Hit, width: int) -> str:
    """The page, or why there is no picture of it."""
    try:
        page = hit.image(width).convert("RGB")
    except VragError as error:  # its file may have gone; the rest can be shown all the same
        return f"<i>{_text(error.message)}</i>"
    if hit.region:
        _draw_frame(page, hit.region)
    buffer = io.BytesIO()
    page.save(buffer, "JPEG", quality=_QUALITY)
    address, size = data_url(buffer.getvalue()), f'width="{page.width}" height="{page.height}"'
    return f'<img src="{address}" alt="{_place(hit)}" {size} {_EDGE}>'


def _draw_frame(page: Image, region: Box) -> None:
    from PIL import ImageDraw

    gap = max(1, page.width // 200)
    x0, y0, x1, y1 = region
    box = (x0 * page.width - gap, y0 * page.height - gap, x1 * page.width + gap, y1 * page.height + gap)
    ImageDraw.Draw(page).rectangle(box, outline=_FRAME, width=gap)


def _passage(hit: Hit) -> str:
    """The snippet with the query's words marked, or why it cannot be read."""
    try:
        return _marked(hit.snippet, asked_words(reader_of(hit).query))
    except VragError as error:
        return f"<i>{_text(error.message)}</i>"


def _marked(text: str, asked: AskedWords) -> str:
    """A text as HTML, with the words that were asked for marked."""
    edges = [0, *(edge for span in matched_spans(asked, text) for edge in span), len(text)]
    parts = [_text(text[start:end]) for start, end in pairwise(edges)]
    return "".join(f"<mark>{part}</mark>" if number % 2 else part for number, part in enumerate(parts))


def _text(text: str) -> str:
    """Text as it is, whatever a browser would make of it."""
    return html.escape(shown(text))
