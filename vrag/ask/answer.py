"""An answer with its quotes, as `vrag.Index.ask` returns it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from vrag.grid import Box
    from vrag.search.hit import Hit

Status = Literal["supported", "changed", "not found"]


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Where a quote says something else than its page.

    Args:
        said: By the quote; empty where it leaves something out.
        stands: On the page; empty where it has nothing of the kind.
    """

    said: str
    stands: str


@dataclass(frozen=True, slots=True)
class Quote:
    """What an answer says that a page says.

    Args:
        text: As it was given.
        doc: Name of the document.
        path: Absolute path of its file.
        page: From 1.
        boxes: Where it stands, one box a line: x0, y0, x1, y1 as shares of the page.
        status: "supported": the page says it, number for number; "changed": it says something else there;
            "not found": it says nothing of the kind.
        mismatches: What is changed.
    """

    text: str
    doc: str
    path: str
    page: int
    boxes: tuple[Box, ...] = ()
    status: Status = "supported"
    mismatches: tuple[Mismatch, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What the pages of an index say to a question.

    Args:
        question: As asked.
        found: Whether a quote that is supported answers it.
        answer: In words, with [1], [2] for the quotes.
        quotes: The best first.
        pages: That were looked at, the nearest first.
        model: Name of the language model that wrote the answer; None when it is made of quotes alone.
    """

    question: str
    found: bool
    answer: str
    quotes: tuple[Quote, ...] = ()
    pages: tuple[Hit, ...] = ()
    model: str | None = None
