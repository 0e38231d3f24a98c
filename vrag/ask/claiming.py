"""Claims of a model, checked: each rests on quotes, and each quote is looked for on its page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from vrag.ask.answer import Claim, Quote
from vrag.ask.asking import checked
from vrag.ask.backing import says_enough, says_opposite, stems
from vrag.ask.figures import Figures
from vrag.ask.showing import Source
from vrag.ask.table_rows import PageRows
from vrag.errors import LlmError
from vrag.runtime.pathtext import shown
from vrag.runtime.stopping import TAKEN_BACK, is_stopped

MOST_CLAIMS = 50  # of an answer
MOST_QUOTES = 10  # of a claim
MOST_CHARACTERS = 2_000  # of a claim, and of a quote, which is looked for on every page that was shown
_DENIED = "The model says that the pages do not answer the question."
_MARKER = re.compile(  # as models write them into their text: [1], [1, 2], [source 1], (source 1, page 3), 【1】
    r"\s*(?:[\[【]\s*(?:source\s*)?\d+(?:\s*[,;–-]\s*(?:source\s*)?\d+)*\s*[\]】]|\(\s*source\s*\d+[^()]{0,80}\))",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"\d+")


class Claims:
    """The claims of one answer, as they come, and the quotes that they rest on.

    Args:
        sources: What the model was shown.
        question: That it answers; what stands in it needs no quote.
    """

    def __init__(self, sources: Sequence[Source], question: str) -> None:
        self.claims: list[Claim] = []
        self.quotes: list[Quote] = []
        self._sources = sources
        self._pages = [PageRows(source.words) for source in sources]
        self._known: dict[tuple[int, str], Quote] = {}  # models that go round in circles say the same again and again
        self._measured: dict[int, Figures] = {}  # by number of a quote
        self._worded: dict[int, frozenset[str]] = {}  # by source
        self._question = question
        self._asked = Figures(question)

    def add(self, said: Mapping[str, Any], is_denied: bool = False) -> Claim | None:
        """A claim, checked; None where it says nothing, or the model has made enough of them.

        Args:
            said: `{"text", "quotes": [{"source", "quote"}]}`, as far as the model has kept to it.
            is_denied: Whether the model says besides that the pages do not answer.
        """
        text = without_markers(_text(said.get("text")))[:MOST_CHARACTERS]
        if not text or len(self.claims) == MOST_CLAIMS:
            return None
        given = said.get("quotes")
        asked = [_asked(one) for one in given[:MOST_QUOTES]] if isinstance(given, list) else []
        numbers = tuple(dict.fromkeys(self._number(self._quote(*one)) for one in asked if one[1]))
        figures = Figures(text)
        unquoted = figures.missing([self._figures(number) for number in numbers], self._asked)
        problem = self._problem(numbers, [source for source, quote in asked if quote])
        problem = problem or self._doubt(text, numbers, figures, unquoted) or (_DENIED if is_denied else "")
        claim = Claim(text, numbers, not problem, problem, unquoted)
        self.claims.append(claim)
        return claim

    def deny(self) -> None:
        """The model has said at last that the pages do not answer."""
        self.claims = [replace(one, is_supported=False, reason=one.reason or _DENIED) for one in self.claims]

    def _quote(self, number: int, text: str) -> Quote:
        """A quote, on the page that it is said to stand on, or another that was shown and does say it."""
        named = number - 1 if 1 <= number <= len(self._sources) else 0
        if (named, text) not in self._known:
            self._known[named, text] = self._looked_for(named, text)
        return self._known[named, text]

    def _looked_for(self, named: int, text: str) -> Quote:
        first = self._checked(named, text)
        if first.status == "supported":
            return first
        others = (self._checked(i, text) for i in range(len(self._sources)) if i != named)
        return next((quote for quote in others if quote.status == "supported"), first)

    def _checked(self, source: int, text: str) -> Quote:
        if is_stopped():
            raise LlmError(TAKEN_BACK)
        return checked(text, self._sources[source].hit, self._pages[source])

    def _number(self, quote: Quote) -> int:
        """The number of a quote; another claim may rest on it too."""
        if quote not in self.quotes:
            self.quotes.append(quote)
        return self.quotes.index(quote) + 1

    def _problem(self, numbers: Sequence[int], sources: Sequence[int]) -> str:
        """Why its quotes do not support a claim, as a sentence; empty when they do."""
        if not numbers:
            return "The model quotes nothing for it."
        for number, source in zip(numbers, sources, strict=False):
            quote = self.quotes[number - 1]
            if quote.status != "supported":
                return _reason(number, quote, source if not 1 <= source <= len(self._sources) else None)
        return ""

    def _doubt(self, text: str, numbers: Sequence[int], figures: Figures, unquoted: Sequence[str]) -> str:
        """Why quotes that stand on their pages do not support a claim, as a sentence; empty when they do."""
        quotes = [self.quotes[number - 1].text for number in numbers]
        if unquoted:
            return f"No quote of it has {' or '.join(unquoted)}."
        page = frozenset[str]().union(*(self._stems(self._source(number)) for number in numbers))
        has_figure = bool(figures.missing((), self._asked))  # that nobody had asked with, so a quote has it
        if not has_figure and not says_enough(text, quotes, self._question, page):
            return "Its quotes say too little of it."
        return "A quote of it says the opposite." if says_opposite(text, quotes) else ""

    def _figures(self, number: int) -> Figures:
        """The figures of a quote; scales and units that it lacks may stand elsewhere on its page."""
        if number not in self._measured:
            around = self._pages[self._source(number)].as_read.tokens.keys
            self._measured[number] = Figures(self.quotes[number - 1].text, around)
        return self._measured[number]

    def _source(self, number: int) -> int:
        """Where among the sources the page of a quote is."""
        quote = self.quotes[number - 1]
        return [(source.hit.path, source.hit.page) for source in self._sources].index((quote.path, quote.page))

    def _stems(self, source: int) -> frozenset[str]:
        if source not in self._worded:
            self._worded[source] = frozenset(stems(" ".join(self._sources[source].words.texts)))
        return self._worded[source]


def without_markers(text: str) -> str:
    """What a model says without its own [1], which are not those of the answer; on one line."""
    return _fit(_MARKER.sub("", " ".join(text.split())))  # long runs of spaces would take it minutes


def said_of(claims: Iterable[Claim]) -> Iterator[str]:
    """The claims that are supported, each with the numbers of its quotes."""
    for claim in claims:
        if claim.is_supported:
            yield f"{claim.text} {''.join(f'[{number}]' for number in claim.quotes)}"


def _asked(said: Any) -> tuple[int, str]:
    """Source and text of a quote, as a model writes them: 0 and nothing where it does not."""
    if not isinstance(said, dict):
        return 0, ""
    source = said.get("source")
    number = _DIGITS.search(source[:20]) if isinstance(source, str) else None
    named = source if type(source) is int else int(number[0]) if number else 0
    return named, _fit(_text(said.get("quote")))[:MOST_CHARACTERS]


def _text(said: Any) -> str:
    """What a model says where it is to write a text; anything else says nothing."""
    return said if isinstance(said, str) else ""


def _fit(text: str) -> str:
    """One line that no terminal obeys, and that can be written as UTF-8: JSON may spell halves of characters."""
    return shown(" ".join(text.split()))


def _reason(number: int, quote: Quote, unknown: int | None) -> str:
    if unknown is not None:
        return f"Quote [{number}] is of source {unknown}, which the model was not shown."
    place = f"{quote.doc}, page {quote.page}"
    if quote.status == "not found":
        return f"Quote [{number}] does not stand on its page: {place}."
    said = quote.mismatches[0]
    if not said.said or not said.stands:
        what = f"leaves out “{said.stands}”" if said.stands else f"adds “{said.said}”"
        return f"Quote [{number}] {what}: {place}."
    return f"Quote [{number}] says “{said.said}”, and its page says “{said.stands}”: {place}."
