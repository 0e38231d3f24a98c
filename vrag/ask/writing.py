"""Answers that a language model writes: every claim rests on quotes, each looked for on its page before it is shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from vrag.ask.answer import Step
from vrag.ask.following import History
from vrag.errors import LlmError
from vrag.llm.llm import Llm

if TYPE_CHECKING:
    from PIL.Image import Image

    from vrag.pages.page import Words
    from vrag.search.hit import Hit


class Pages(Protocol):
    """Where pages are looked for and looked at: any index."""

    def search(self, query: str, k: int = 10, cascade: str | None = None, where: str | Sequence[str] = ()) -> list[Hit]:
        """The `k` best pages for a query, best first."""
        ...

    def page_words(self, doc: str, page: int) -> Words:
        """The words of a page in reading order."""
        ...

    def page_image(self, doc: str, page: int) -> Image:
        """A page's picture."""
        ...


def write(
    pages: Pages, llm: Llm, question: str, k: int, where: str | Sequence[str], history: History
) -> Iterator[Step]:
    """The steps of an answer.

    Args:
        pages: Of an index.
        llm: Writes it.
        question: As asked.
        k: Pages to look at.
        where: Filters that these must meet.
        history: Questions before it, with their answers.

    Raises:
        UsageError: As of a search.
        LlmError: The model cannot be reached, refuses, or gives no answer that can be used.
    """
    raise LlmError("Answers of a language model are not written yet.")
    yield
