"""What the pages of an index say to the score of an answer, looked up while it is open."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from vrag.ask.answer import Answer, Quote
from vrag.ask.checking import check
from vrag.ask.haystack import Indices
from vrag.errors import UsageError
from vrag.evaluation.benchmarks.answer_key import AnswerKey
from vrag.evaluation.benchmarks.benchmark import PageRef
from vrag.evaluation.numbers.containing import contains
from vrag.evaluation.numbers.short_answer import LITERAL
from vrag.evaluation.runs.corpus import Corpus, PageKey
from vrag.evaluation.runs.task_run import TaskRun
from vrag.index import Index
from vrag.pages.page import Words

_HIT = 0.5  # of a quote's words that are evidence, from which it is of the right region


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What the pages say to the score of an answer.

    Args:
        pages: Page of each quote, supported or not, in their order.
        labelled: Pages that answer the question, by the labels.
        is_literal: Whether the right answer stands on a labelled page as it is; False for a list.
        hits_region: Whether a quote is of the evidence; None where the benchmark names none that is on its page.
    """

    pages: tuple[PageKey, ...]
    labelled: frozenset[PageKey]
    is_literal: bool = False
    hits_region: bool | None = None


def facts_of(run: TaskRun, index: Index, corpus: Corpus, key: AnswerKey, answer: Answer) -> PageFacts:
    """What the pages say to the score of an answer.

    Args:
        run: The task with its corpus.
        index: Of its pages.
        corpus: The index's pages as corpus ids.
        key: The question with its right answer.
        answer: That was given.
    """
    labelled = key.labelled(run.task.benchmark)
    said = {page: _words(index, corpus, page) for page in {*labelled, *(page for page, _ in key.evidence)}}
    texts = [" ".join(words.texts) for page in labelled if (words := said[page])]
    return PageFacts(
        tuple((corpus.labels[quote.doc], quote.page) for quote in answer.quotes),
        frozenset((run.digests[page.doc], page.page) for page in labelled),
        key.answer.form in LITERAL and any(contains(text, key.answer.parts[0]) for text in texts),
        _hits_region(key, answer, {page: words for page, words in said.items() if words}, corpus),
    )


def supported(answer: Answer) -> list[Quote]:
    """The quotes that their pages support: an answer rests on these alone."""
    return [quote for quote in answer.quotes if quote.status == "supported"]


def _words(index: Index, corpus: Corpus, page: PageRef) -> Words | None:
    """The words of a page; None when it is not in the index."""
    name = corpus.names.get(page.doc)
    with suppress(UsageError):
        return index.page_words(name, page.page) if name else None
    return None


def _hits_region(key: AnswerKey, answer: Answer, said: Mapping[PageRef, Words], corpus: Corpus) -> bool | None:
    """Whether half of a quote's words at least are words of an evidence that was found on its page."""
    places = [(corpus.names[page.doc], page.page, said[page], text) for page, text in key.evidence if page in said]
    known = [(doc, page, words, found) for doc, page, words, text in places if len(found := check(text, words).words)]
    if not known:
        return None
    return any(
        _share(check(quote.text, words).words, found) >= _HIT
        for quote in supported(answer)
        for doc, page, words, found in known
        if (quote.doc, quote.page) == (doc, page)
    )


def _share(words: Indices, evidence: Indices) -> float:
    return float(np.isin(words, evidence).mean()) if len(words) else 0.0
