"""An answer as one HTML document that needs no other file: its quotes, and their pages with the places framed."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from vrag.ask.answer import Answer, Quote
from vrag.errors import PageError
from vrag.grid import Box

if TYPE_CHECKING:
    from PIL.Image import Image

_TEMPLATE = Path(__file__).with_name("answer_page.html")
_PAGE_SIDE = 1400  # pixels of a page's picture, longest side
Draw = Callable[[str, int], "Image"]


def answer_html(answer: Answer, draw: Draw) -> str:
    """The document; what comes from documents is text in it, whatever it looks like.

    Args:
        answer: From `Index.ask`.
        draw: Gives a page's picture by the document's name and its number; it may raise `PageError`.
    """
    places = list(dict.fromkeys((quote.doc, quote.page) for quote in answer.quotes))
    quotes = "".join(_quote(quote, number, places) for number, quote in enumerate(answer.quotes, 1))
    nearest = [f"<li>{_text(hit.doc)}, page {hit.page}</li>" for hit in answer.pages if not answer.quotes]
    return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        question=_text(answer.question),
        said="" if answer.quotes else f"<p>{_text(answer.answer)}</p><ul>{''.join(nearest)}</ul>",
        quotes=quotes,
        pages="".join(_page(answer, doc, page, number, draw) for number, (doc, page) in enumerate(places, 1)),
        author=_text(answer.model or "quotes, word for word; no language model was asked"),
    )


def _quote(quote: Quote, number: int, places: list[tuple[str, int]]) -> str:
    page = places.index((quote.doc, quote.page)) + 1
    said = f"<q>{_text(quote.text)}</q>"
    if quote.status != "supported":
        said = f"<s>{said}</s> <em>{quote.status}</em>"
    return f'<li value="{number}">{said} <a href="#p{page}">{_text(quote.doc)}, page {quote.page}</a></li>'


def _page(answer: Answer, doc: str, page: int, number: int, draw: Draw) -> str:
    """A page with the frames of all quotes that are of it, or why it cannot be drawn."""
    try:
        picture = f'<img src="{_data_url(draw(doc, page))}" alt="{_text(doc)}, page {page}">'
    except PageError as error:
        return f'<figure id="p{number}"><figcaption>{_text(str(error))}</figcaption></figure>'
    quotes = [(i, quote) for i, quote in enumerate(answer.quotes, 1) if (quote.doc, quote.page) == (doc, page)]
    frames = "".join(_frame(box, i, not line) for i, quote in quotes for line, box in enumerate(quote.boxes))
    caption = f"<figcaption>{_text(doc)}, page {page}</figcaption>"
    return f'<figure id="p{number}">{caption}<div class="page">{picture}{frames}</div></figure>'


def _frame(box: Box, number: int, is_first: bool) -> str:
    x0, y0, x1, y1 = (100 * edge for edge in box)
    place = f"left:{x0:.2f}%;top:{y0:.2f}%;width:{x1 - x0:.2f}%;height:{y1 - y0:.2f}%"
    return f'<span class="box" style="{place}">{f"<b>{number}</b>" if is_first else ""}</span>'


def _data_url(picture: Image) -> str:
    shown, buffer = picture.convert("RGB"), io.BytesIO()
    shown.thumbnail((_PAGE_SIDE, _PAGE_SIDE))
    shown.save(buffer, "JPEG", quality=82)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


def _text(text: str) -> str:
    return html.escape(text)
