"""An answer as one HTML document that needs no other file: claims, quotes, and their pages with the places framed."""

from __future__ import annotations

import html
import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from vrag.ask.answer import Answer, Claim, Quote
from vrag.ask.answer_text import doubt, readable, verdict
from vrag.errors import PageError, UsageError
from vrag.grid import Box
from vrag.runtime.data_url import data_url

if TYPE_CHECKING:
    from PIL.Image import Image

_TEMPLATE = Path(__file__).with_name("answer_page.html")
_NO_MODEL = "quotes, word for word; no language model was asked"
_PAGE_SIDE = 1400  # pixels of a page's picture, longest side
Draw = Callable[[str, int], "Image"]


def answer_html(answer: Answer, draw: Draw) -> str:
    """The document; what comes from documents is text in it, whatever it looks like.

    Args:
        answer: From `Index.ask`.
        draw: Gives a page's picture by the document's name and its number; it may raise `PageError`,
            or `UsageError` when the page is gone.
    """
    nearest = [(hit.doc, hit.page) for hit in answer.pages if not answer.found]
    places = list(dict.fromkeys([*((quote.doc, quote.page) for quote in answer.quotes), *nearest]))
    return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        question=_text(answer.question),
        said="".join(_said(answer)),
        quotes="".join(_quote(quote, number, places) for number, quote in enumerate(answer.quotes, 1)),
        nearest=_nearest(nearest, places) if nearest else "",
        pages="".join(_page(answer, doc, page, number, draw) for number, (doc, page) in enumerate(places, 1)),
        author=_text(f"the claims are those of {answer.model}" if answer.model else _NO_MODEL),
        notes="".join(f"<p>{_text(note)}</p>" for note in answer.left_out),
    )


def _said(answer: Answer) -> Iterator[str]:
    """The paragraphs of the answer: what was searched for where that is not the question, claims, that nothing is."""
    if answer.searched:
        yield f'<p class="note">Searched for: {_text(answer.searched)}</p>'
    for claim in answer.claims:
        yield _claim(claim, answer.quotes)
    if not answer.found:
        yield f"<p>{_text(answer.answer)}</p>"


def _claim(claim: Claim, quotes: Sequence[Quote]) -> str:
    said = _text(claim.text) if claim.is_supported else f"<s>{_text(claim.text)}</s>"
    links = "".join(f'<a href="#{_place(number, quotes)}">[{number}]</a>' for number in claim.quotes)
    said = " ".join(filter(None, (said, links, _remark(doubt(claim)))))
    return f'<p class="claim">{said}</p>'


def _place(number: int, quotes: Sequence[Quote]) -> str:
    """The anchor of a quote: its frame on the page, else itself."""
    return f"{'f' if quotes[number - 1].boxes else 'q'}{number}"


def _quote(quote: Quote, number: int, places: Sequence[tuple[str, int]]) -> str:
    said = f"<q>{_text(readable(quote))}</q>"
    said = said if quote.status == "supported" else f"<s>{said}</s>"
    place = _link(quote.doc, quote.page, places)
    return f'<li id="q{number}" value="{number}">{" ".join(filter(None, (said, place, _remark(verdict(quote)))))}</li>'


def _nearest(nearest: Sequence[tuple[str, int]], places: Sequence[tuple[str, int]]) -> str:
    return f"<p>The nearest pages:</p><ul>{''.join(f'<li>{_link(*place, places)}</li>' for place in nearest)}</ul>"


def _link(doc: str, page: int, places: Sequence[tuple[str, int]]) -> str:
    return f'<a href="#p{places.index((doc, page)) + 1}">{_text(doc)}, page {page}</a>'


def _remark(text: str) -> str:
    return f"<em>({_text(text)})</em>" if text else ""


def _page(answer: Answer, doc: str, page: int, number: int, draw: Draw) -> str:
    """A page with the frames of all quotes that are of it, or why it cannot be drawn."""
    try:
        picture = f'<img src="{_data_url(draw(doc, page))}" alt="{_text(doc)}, page {page}">'
    except (PageError, UsageError) as error:  # somebody may have removed it since
        return f'<figure id="p{number}"><figcaption>{_text(str(error))}</figcaption></figure>'
    quotes = [(i, quote) for i, quote in enumerate(answer.quotes, 1) if (quote.doc, quote.page) == (doc, page)]
    frames = "".join(_frame(box, i, not line) for i, quote in quotes for line, box in enumerate(quote.boxes))
    caption = f"<figcaption>{_text(doc)}, page {page}</figcaption>"
    return f'<figure id="p{number}">{caption}<div class="page">{picture}{frames}</div></figure>'


def _frame(box: Box, number: int, is_first: bool) -> str:
    x0, y0, x1, y1 = (100 * edge for edge in box)
    place = f"left:{x0:.2f}%;top:{y0:.2f}%;width:{x1 - x0:.2f}%;height:{y1 - y0:.2f}%"
    name, label = (f' id="f{number}"', f"<b>{number}</b>") if is_first else ("", "")
    return f'<span class="box"{name} style="{place}">{label}</span>'


def _data_url(picture: Image) -> str:
    shown, buffer = picture.convert("RGB"), io.BytesIO()
    shown.thumbnail((_PAGE_SIDE, _PAGE_SIDE))
    shown.save(buffer, "JPEG", quality=82)
    return data_url(buffer.getvalue())


def _text(text: str) -> str:
    return html.escape(text)
