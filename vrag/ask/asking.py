"""Answers made of quotes alone: the passages of the best pages that say most to the question, word for word.

No model writes anything here, so nothing can be made up: a quote that is not supported by its own page is left out.
How many passages of which page, and how long, was measured with questions of reports and filings
(`vrag eval answers`): two of the best page and one of the second show the answer oftener than one of three each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from vrag.ask.answer import Answer, Quote
from vrag.ask.checking import check_on
from vrag.ask.following import History, standing
from vrag.ask.table_rows import PageRows
from vrag.pages.sentences import Span
from vrag.search.found import is_found
from vrag.search.hit import Hit
from vrag.search.searcher import Searcher, Where
from vrag.search.snippet import shown_spans

QUOTES_OF_PAGES = (2, 1)  # of the best page, and of the second
MOST_WORDS = 60  # of a passage; heads of its table come to it
NOTHING = "Nothing in the index answers this."


def ask(searcher: Searcher, question: str, k: int, where: Where, history: History = ()) -> Answer:
    """What the best pages say to a question.

    Args:
        searcher: Of the index.
        question: In words.
        k: Pages to look at.
        where: Filters that these must meet.
        history: Questions before it, with their answers.

    Raises:
        UsageError: The question is empty, k is below 1, or a filter is unknown.
    """
    searched = standing(question, history)
    hits = searcher.search(searched, k, None, where, "plain")
    quotes = tuple(_quotes(searcher, searched, hits)) if is_found(hits) else ()
    said = "\n".join(f"“{quote.text}” [{number}]" for number, quote in enumerate(quotes, 1))
    meant = searched if searched != question else ""
    return Answer(question, bool(quotes), said or NOTHING, quotes, tuple(hits), searched=meant)


def checked(text: str, hit: Hit, page: PageRows) -> Quote:
    """A quote, looked for on the page that it is said to stand on.

    Args:
        text: Of the quote.
        hit: Its page.
        page: The words of that page.
    """
    found = check_on(text, page)
    return Quote(text, hit.doc, hit.path, hit.page, found.boxes, found.status, found.mismatches)


def _quotes(searcher: Searcher, question: str, hits: Sequence[Hit]) -> Iterator[Quote]:
    for hit, count in zip(hits, QUOTES_OF_PAGES, strict=False):
        words, spans = searcher.passages(question, hit, count, MOST_WORDS)
        page = PageRows(words)
        for span in spans:
            quotes = (_quote(shown, hit, page) for shown in (shown_spans(words, span), [span]))
            yield from islice((quote for quote in quotes if quote.status == "supported"), 1)


def _quote(spans: Sequence[Span], hit: Hit, page: PageRows) -> Quote:
    return checked(" … ".join(" ".join(page.words.texts[slice(*span)]) for span in spans), hit, page)
