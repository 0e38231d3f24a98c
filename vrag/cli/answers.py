"""Answers as people read them: claims and quotes on stdout as they come, everything else on stderr."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vrag.ask.answer import Answer, Claim, Claimed, Found, Quote, Step
from vrag.ask.answer_text import doubt, readable, verdict
from vrag.cli import output
from vrag.errors import LlmError
from vrag.runtime.units import counted
from vrag.search.found import is_found

if TYPE_CHECKING:
    from vrag.cli.held_index import HeldIndex
    from vrag.llm.llm import Llm
    from vrag.search.hit import Hit

_STRUCK, _BOLD, _BESIDE = "strike dim", "bold", "dim"  # styles of rich


@dataclass(frozen=True, slots=True)
class Asking:
    """How the questions of a command are asked.

    Args:
        llm: Writes the answers; None for quotes alone.
        k: Pages to look at.
        where: Filters that these must meet.
        streams: Show claims one by one, as they come.
        prints: Whether answers are printed for people.
    """

    llm: Llm | None
    k: int
    where: Sequence[str] = ()
    streams: bool = False
    prints: bool = True

    def answer(
        self, held: HeldIndex, question: str, where: Sequence[str] = (), history: Sequence[tuple[str, str]] = ()
    ) -> Answer:
        """The answer to a question, printed meanwhile.

        Args:
            held: The index; let go of while a model writes.
            question: In words.
            where: More filters.
            history: Of the conversation.

        Raises:
            UsageError: As of `Index.ask`.
            LlmError: As of `Index.ask`; its details name the pages that were found before.
        """
        printer = _Printer(self)
        pages: tuple[Hit, ...] = ()
        steps = self._steps(held, question, [*self.where, *where], history)
        try:
            with closing(steps):
                for step in steps:
                    pages = step.pages if isinstance(step, Found) else pages
                    printer.take(step)
        except LlmError as error:
            error.details = (*error.details, *([f"The nearest pages: {names(pages)}."] if pages else []))
            raise
        assert isinstance(step, Answer)
        return step

    def _steps(
        self, held: HeldIndex, question: str, where: Sequence[str], history: Sequence[tuple[str, str]]
    ) -> Generator[Step, None, None]:
        if self.llm is None:
            return held.index.ask_stream(question, self.k, where, None, history)
        from vrag.ask.writing import write

        return write(held, self.llm, question, self.k, where, history, held.let_go)


@dataclass(slots=True)
class _Printer:
    asking: Asking
    told: list[Claim] = field(default_factory=list)  # claims that are printed already

    def take(self, step: Step) -> None:
        """Print a step."""
        if not self.asking.prints:
            return
        if isinstance(step, Found):
            self._found(step)
        elif isinstance(step, Claimed):
            if self.asking.streams:
                self._claim(step.claim)
        else:
            self._answer(step)

    def _found(self, found: Found) -> None:
        if found.searched:
            output.note(f"Searched for: {found.searched}")
        if self.asking.llm is not None and found.pages:
            output.note(f"Looking at: {names(found.pages)}.")

    def _claim(self, claim: Claim) -> None:
        self.told.append(claim)
        numbers = "".join(f"[{number}]" for number in claim.quotes)
        output.paragraph((claim.text, "" if claim.is_supported else _STRUCK), (numbers, _BOLD), _remark(doubt(claim)))

    def _answer(self, answer: Answer) -> None:
        taken_back = [now for before, now in zip(self.told, answer.claims, strict=False) if now != before]
        for claim in (*taken_back, *answer.claims[len(self.told) :]):
            self._claim(claim)
        if not answer.found:
            output.line(answer.answer)
        for number, quote in enumerate(answer.quotes, 1):
            _print_quote(number, quote)
        for left_out in answer.left_out:
            output.note(left_out)
        _print_ending(answer)


def names(pages: Iterable[Hit | Quote]) -> str:
    """Documents and pages, for a sentence."""
    return "; ".join(dict.fromkeys(f"{page.doc}, page {page.page}" for page in pages))


def _print_quote(number: int, quote: Quote) -> None:
    label = f"[{number}] "
    output.paragraph((f"“{readable(quote)}”", "" if quote.status == "supported" else _STRUCK), label=label)
    place = f"{quote.doc}, page {quote.page}"
    output.paragraph((place, _BESIDE), _remark(verdict(quote)), label=" " * len(label))


def _remark(text: str) -> tuple[str, str]:
    return f"({text})" if text else "", _BESIDE


def _print_ending(answer: Answer) -> None:
    """What the answer rests on, in a note; without any quote that is supported, what was nearest."""
    if answer.found and answer.model is None:
        output.note(f"Quoted from {counted(len(_places(answer.quotes)), 'page')}, word for word.")
    elif answer.found:
        supported = sum(claim.is_supported for claim in answer.claims)
        output.note(f"{supported} of {counted(len(answer.claims), 'claim')} by {answer.model} stand on their pages.")
    elif answer.pages:
        said = "have no words to quote" if answer.model is None and is_found(answer.pages) else "are"
        output.note(f"The nearest pages {said}: {names(answer.pages)}.")


def _places(quotes: Sequence[Quote]) -> set[tuple[str, int]]:
    return {(quote.path, quote.page) for quote in quotes}
