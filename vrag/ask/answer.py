"""An answer with its quotes, as `vrag.Index.ask` returns it, and the steps by which it comes."""

from __future__ import annotations

from collections.abc import Iterator
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
class Claim:
    """One statement of a language model, with what it rests on.

    Args:
        text: Of the statement, as the model wrote it.
        quotes: Numbers of its quotes, from 1, in the order of `Answer.quotes`.
        is_supported: Whether it has a quote, its pages support all of them, and they have its figures and enough words.
        reason: Why it is not supported, as one sentence; empty when it is.
        unquoted: Figures and dates that it names and none of its quotes has; the model may have worked them out.
    """

    text: str
    quotes: tuple[int, ...]
    is_supported: bool
    reason: str = ""
    unquoted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What the pages of an index say to a question.

    Args:
        question: As asked.
        found: Whether a quote that is supported answers it; without a model, of a page that is relevant.
        answer: In words, with [1], [2] for the quotes; nothing in it rests on a quote that is not supported.
        quotes: Of an answer in quotes the best first; of a model's those of its claims, in their order.
        pages: That were looked at, the nearest first.
        model: Name of the language model that wrote the answer; None when it is made of quotes alone.
        claims: Every statement of the model, those that are not supported among them; none without a model.
        searched: What was searched for, where a question in a conversation was made to stand by itself; else empty.
        left_out: What the model was not shown for want of room, and what else it is fair to know; a sentence each.
    """

    question: str
    found: bool
    answer: str
    quotes: tuple[Quote, ...] = ()
    pages: tuple[Hit, ...] = ()
    model: str | None = None
    claims: tuple[Claim, ...] = ()
    searched: str = ""
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """First step of an answer: the pages that will be looked at.

    Args:
        pages: The nearest first.
        searched: As in `Answer`.
    """

    pages: tuple[Hit, ...]
    searched: str = ""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A claim that the model has made, checked, while it goes on writing.

    Args:
        claim: It.
        quotes: All quotes so far, to which its numbers refer.
    """

    claim: Claim
    quotes: tuple[Quote, ...]


Step = Found | Claimed | Answer  # an answer is the last step


def steps(answer: Answer) -> Iterator[Step]:
    """The steps by which an answer in quotes comes, as a model's does."""
    yield Found(answer.pages, answer.searched)
    yield answer


def last(steps: Iterator[Step]) -> Answer:
    """The answer to which steps lead."""
    *_, answer = steps
    assert isinstance(answer, Answer)
    return answer
