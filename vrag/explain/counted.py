"""What answered each row of a query in a stage that counts the best region and the document's context.

The sum over the query's rows is that stage's score, from float vectors; over packed bits the search has estimated it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from vrag.cascade.cascade import Cascade, Stage
from vrag.cascade.regions import RegionRule
from vrag.catalog.contexts import context_id
from vrag.catalog.payload import page_grid, page_words
from vrag.grid import Box, FloatArray
from vrag.pipeline.pipeline import CONTEXT
from vrag.search.context import CONTEXT_WEIGHT
from vrag.search.execution import Execution
from vrag.search.passages import Passage, find_passages
from vrag.search.snippet import row_texts
from vrag.store.interface import Record


@dataclass(frozen=True, slots=True)
class Answer:
    """What counted for one row of the query.

    Args:
        source: "region", "head" (the first rows of the page), "context" (of the document), or "page" (elsewhere on it).
        row: Row of the page's vector, from 0; of the context's where that answered.
        text: The word of the page that answered; empty for a context.
        contribution: What it adds to the stage's score; a context's is weighted.
    """

    source: str
    row: int
    text: str
    contribution: float


@dataclass(frozen=True, slots=True)
class Answers:
    """What a stage with regions or context counted on one page.

    Args:
        stage: Its text.
        rows: First row and end of the region that a hit reports; None when the stage looks for none.
        region: Where that lies: x0, y0, x1, y1 as shares of the page.
        answers: One for each of the query's m rows.
    """

    stage: str
    rows: tuple[int, int] | None
    region: Box | None
    answers: tuple[Answer, ...]

    @property
    def score(self) -> float:
        """The stage's score of the page, before anything is blended in."""
        return sum(answer.contribution for answer in self.answers)


def find_answers(execution: Execution, cascade: Cascade, query: FloatArray, page: Record) -> Answers | None:
    """What the last stage with regions or context counted; None when the cascade has none.

    Args:
        execution: The query, ready to run.
        cascade: How pages are ranked.
        query: float32 [m, d].
        page: Record of the page with the vectors that such stages score.
    """
    stages = [step for step in cascade.steps if isinstance(step, Stage) and step.is_rescored]
    if not stages:
        return None
    stage, rescoring = stages[-1], execution.rescoring
    similarities = query @ np.atleast_2d(page.vectors[stage.vector]).T
    context = _context(execution, str(page.payload["doc_id"])) if stage.context else None
    from_context = None if context is None else CONTEXT_WEIGHT * (query @ context.vectors[CONTEXT].T)
    rule, head = rescoring.rule if stage.regions else None, rescoring.head if stage.context else 0
    window, passage = _region(execution, stage, rule, page) if rule else ((0, similarities.shape[1]), None)
    parts = [_Part("page", similarities[:, slice(*window)], window[0])]
    parts += [_Part("head", similarities[:, :head])] if head else []
    parts += [_Part("context", from_context)] if from_context is not None else []
    rows, box = (passage.rows, passage.box) if passage else (None, None)
    answers = [_placed(answer, rows) for answer in _answers(parts)]
    return Answers(replace(stage, additions=()).scoring, rows, box, tuple(_named(answers, page)))


def _region(
    execution: Execution, stage: Stage, rule: RegionRule, page: Record
) -> tuple[tuple[int, int], Passage | None]:
    """First row and end of the window that counts on this page, and the passage that a hit reports."""
    alone = replace(execution, selection=replace(execution.selection, ids=frozenset([page.id])))
    ranking = alone.run(Cascade("", (replace(stage, additions=()),)))
    starts = ranking.starts.get(0, {})
    query = np.atleast_2d(np.asarray(execution.form(stage)))
    passages = find_passages(execution.rescoring, replace(stage, bits=True), query, ranking.points, starts)
    return rule.rows(page_grid(page.payload), starts.get(page.id, 0)), passages.get(page.id)


def _placed(answer: Answer, rows: tuple[int, int] | None) -> Answer:
    """The answer, of the region where its row of the page lies there."""
    is_there = rows is not None and answer.source != "context" and rows[0] <= answer.row < rows[1]
    return replace(answer, source="region") if is_there else answer


def _context(execution: Execution, doc_id: str) -> Record | None:
    """The record of the document's context, where it counts."""
    if execution.rescoring.contexts is None or execution.is_one_document:
        return None
    name = context_id(doc_id)
    return execution.store.fetch([name], [CONTEXT]).get(name)


@dataclass(frozen=True, slots=True)
class _Part:
    """What may answer: similarities float32 [m, k] of its rows, the first of which is row `first` of the page."""

    source: str
    similarities: FloatArray
    first: int = 0

    def answer(self, j: int) -> Answer:
        row = int(self.similarities[j].argmax())
        return Answer(self.source, self.first + row, "", float(self.similarities[j, row]))


def _answers(parts: Sequence[_Part]) -> list[Answer]:
    """The part that answers each of the query's rows best; the first of them where they are equal."""
    best = np.stack([part.similarities.max(axis=1) for part in parts], axis=1).argmax(axis=1)
    return [parts[which].answer(j) for j, which in enumerate(best.tolist())]


def _named(answers: Sequence[Answer], page: Record) -> Iterator[Answer]:
    """The answers with the words that their rows stand for; of a context's rows that is not kept."""
    grid = page_grid(page.payload)
    rows = np.array([answer.row if answer.source != "context" else 0 for answer in answers], np.intp)
    on_page = row_texts(rows, grid, page_words(page.payload))
    for answer, text in zip(answers, on_page, strict=True):
        yield answer if answer.source == "context" else replace(answer, text=text)
