"""The step that reads: the cross-encoder looks at the question beside the best passage of each of the first pages.

    score(page) = score before + weight * best score before * (logit(question, passage) + 12) / 24

Logits lie between -12 and 12, so what is read can only lift a page: those that are not read, because they stand behind
or because time is over, stay behind. The name of its document precedes a passage: a page of an annual report does not
say whose it is. Here the words of a passage have to answer by themselves, so a page's head counts for no other.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from vrag.cascade.cascade import Stage
from vrag.catalog.contexts import name_words
from vrag.catalog.documents import Documents
from vrag.catalog.payload import page_grid, page_words
from vrag.grid import FloatArray
from vrag.pages.page import Words
from vrag.pages.sentences import Span
from vrag.pipeline.pipeline import FULL
from vrag.reader.cross_encoder import CrossEncoder
from vrag.search.best_passages import best_passages
from vrag.search.operators import ReadPages
from vrag.search.snippet import cut, passages_of_words, pieces
from vrag.search.trail import Entry
from vrag.store.interface import Scored

if TYPE_CHECKING:
    from vrag.search.running import Runner

MOST_WORDS = 80  # of a passage
MOST_SECONDS = 5.0  # that a search reads
_EXTREME = 12  # of a logit
_STAGE = Stage(FULL, bits=True)  # estimates will do for choosing passages
_LOG = logging.getLogger("vrag")


@dataclass(frozen=True, slots=True)
class Reading:
    """What it takes to read pages for one question.

    Args:
        question: In words.
        documents: Names of documents.
        load: Gives the model; None where it is not installed.
    """

    question: str
    documents: Documents
    load: Callable[[], CrossEncoder | None]


@dataclass(frozen=True, slots=True)
class _Chosen:
    """A passage of a page, by the page's words and the passage's first word and end."""

    words: Words
    span: Span

    @property
    def text(self) -> str:
        return " ".join(self.words.texts[slice(*self.span)])


def read_pages(runner: Runner, operator: ReadPages, given: list[Scored] | None) -> Entry:
    """The first pages with what was read added to their scores, best first, and behind them those that were not read.

    The entry's `blended` has the pages that were read.
    """
    points, reading = given or [], runner.reading
    model = reading.load() if reading and points else None
    if reading is None or model is None:
        return Entry(operator, points)
    first = points[: operator.read.pages]
    passages = _passages(runner, reading, first)
    logits = model.logits(reading.question, list(passages.values()), time.monotonic() + MOST_SECONDS)
    if unread := int(np.isnan(logits).sum()):
        _LOG.warning("Time was short: %d of the first %d pages were not read.", unread, len(first))
    lifts = operator.read.weight * abs(first[0].score) * np.clip((logits + _EXTREME) / (2 * _EXTREME), 0, 1)
    lift = dict(zip(passages, lifts.tolist(), strict=True))
    blended = {
        point.id: (point.score, point.score + lift.get(point.id, 0.0))  # a page without words answers nothing
        for point in first
        if not np.isnan(lift.get(point.id, 0.0))
    }
    found_there = zip(passages, logits.tolist(), strict=True)
    read = {page: logit for page, logit in found_there if not np.isnan(logit)}
    found = [point.at(blended[point.id][-1]) if point.id in blended else point for point in points]
    return Entry(operator, sorted(found, key=lambda point: (-point.score, point.id)), blended=blended, logits=read)


def _passages(runner: Runner, reading: Reading, points: Sequence[Scored]) -> dict[str, str]:
    """The best passage of each page that has words, by point id and in the order of the points."""
    chosen = _choose(runner, points)
    labels = reading.documents.labels([str(point.payload["doc_id"]) for point in points])
    paths = {point.id: labels[doc][1] for point in points if (doc := str(point.payload["doc_id"])) in labels}
    names = {page: " ".join(name_words(path)) for page, path in paths.items()}
    return {page: f"{name}. {chosen[page].text}" for page, name in names.items() if page in chosen}


def _choose(runner: Runner, points: Sequence[Scored]) -> dict[str, _Chosen]:
    """The best passage of each page that has words and is still there, by point id."""
    query: FloatArray = np.atleast_2d(np.asarray(runner.form(_STAGE)))
    records = runner.store.fetch([point.id for point in points])
    pages = {page: (page_words(record.payload), page_grid(record.payload)) for page, record in records.items()}
    there = [point for point in points if point.id in pages and len(pages[point.id][0])]
    context, weights = runner.rescoring.context(query, there), np.linalg.norm(query, axis=1)
    said = {point.id: None if context is None else context[:, i] for i, point in enumerate(there)}
    of_words = [point for point in there if pages[point.id][1].is_free]
    parts = [pieces(*pages[point.id]) for point in of_words]
    maxima = runner.rescoring.maxima_within(_STAGE, query, of_words, [of_page.rows for of_page in parts])
    chosen = {}
    for point, of_page, best in zip(of_words, parts, maxima, strict=True):
        cuts = replace(of_page.cuts, most=MOST_WORDS, head=0)
        chosen[point.id] = _Chosen(of_page.words, best_passages(best, weights, said[point.id], cuts)[0])
    of_patches = runner.store.fetch([point.id for point in there if point.id not in chosen], [FULL])
    for page, record in of_patches.items():
        words, grid = pages[page]
        found = passages_of_words(query, record.vectors[FULL], grid, words, said[page], cut(words, MOST_WORDS, head=0))
        chosen[page] = _Chosen(words, found[0])
    return chosen
