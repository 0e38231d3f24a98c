"""What answered each row of a query in a stage that counts the best region and the document's context.

The sum over the query's rows is that stage's score, from float vectors; over packed bits the search has estimated it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from vrag.cascade.cascade import Stage
from vrag.catalog.contexts import context_id
from vrag.catalog.payload import page_grid, page_words
from vrag.explain.explanation import RegionAnswers, RowAnswer
from vrag.grid import FloatArray
from vrag.pipeline.pipeline import CONTEXT
from vrag.search.context import CONTEXT_WEIGHT
from vrag.search.passages import Passage, find_passages
from vrag.search.running import Runner
from vrag.search.similarity import similarities
from vrag.search.snippet import row_texts
from vrag.search.watching import Watched
from vrag.store.interface import Record, Scored


def find_answers(watched: Watched, query: FloatArray, page: Record) -> RegionAnswers | None:
    """What the last step with regions or context counted; None when the cascade has none.

    Args:
        watched: The query, after it went through the cascade.
        query: float32 [m, d].
        page: Record of the page with the vectors that such steps score.
    """
    steps = [i for i, step in enumerate(watched.cascade.steps) if isinstance(step, Stage) and step.is_rescored]
    if not steps:
        return None
    stage = watched.cascade.steps[steps[-1]]
    assert isinstance(stage, Stage)
    window, passage = _region(watched, steps[-1], stage, page) if stage.regions else (None, None)
    parts = _parts(watched.runner, stage, query, page, window)
    best = np.stack([part.similarities.max(axis=1) for part in parts], axis=1).argmax(axis=1)  # the first of equals
    rows, box = (passage.rows, passage.box) if passage else (None, None)
    answers = [_placed(parts[which].answer(j), rows) for j, which in enumerate(best.tolist())]
    return RegionAnswers(replace(stage, additions=()).scoring, rows, box, tuple(_named(answers, page)))


def _region(watched: Watched, step: int, stage: Stage, page: Record) -> tuple[tuple[int, int], Passage | None]:
    """First row and end of the window that counts on this page, and the passage that a hit reports."""
    runner, start = watched.runner, watched.of_page(step, page.id).start
    query, point = np.atleast_2d(np.asarray(runner.form(stage))), Scored(page.id, 0.0, page.payload)
    passages = find_passages(runner, replace(stage, bits=True), query, [point], {page.id: start})
    return runner.rescoring.rule.rows(page_grid(page.payload), start), passages.get(page.id)


def _parts(
    runner: Runner, stage: Stage, query: FloatArray, page: Record, window: tuple[int, int] | None
) -> list[_Part]:
    """What may answer: the window or the whole page, its head, its document's context."""
    of_rows, head = similarities(query, np.atleast_2d(page.vectors[stage.vector])), runner.rescoring.head
    first, end = window or (0, of_rows.shape[1])
    parts = [_Part("page", of_rows[:, first:end], first)]
    if stage.context and head:
        parts.append(_Part("head", of_rows[:, :head]))
    if stage.context and runner.rescoring.contexts is not None and not runner.is_one_document:
        name = context_id(str(page.payload["doc_id"]))
        context = runner.store.fetch([name], [CONTEXT]).get(name)
        if context is not None:
            parts.append(_Part("context", CONTEXT_WEIGHT * similarities(query, context.vectors[CONTEXT])))
    return parts


def _placed(answer: RowAnswer, rows: tuple[int, int] | None) -> RowAnswer:
    """The answer, of the region where its row of the page lies there."""
    is_there = rows is not None and answer.source != "context" and rows[0] <= answer.row < rows[1]
    return replace(answer, source="region") if is_there else answer


@dataclass(frozen=True, slots=True)
class _Part:
    """What may answer: similarities float32 [m, k] of its rows, the first of which is row `first` of the page."""

    source: str
    similarities: FloatArray
    first: int = 0

    def answer(self, j: int) -> RowAnswer:
        row = int(self.similarities[j].argmax())
        return RowAnswer(self.source, self.first + row, "", float(self.similarities[j, row]))


def _named(answers: Sequence[RowAnswer], page: Record) -> Iterator[RowAnswer]:
    """The answers with the words that their rows stand for; of a context's rows that is not kept."""
    grid = page_grid(page.payload)
    rows = np.array([answer.row if answer.source != "context" else 0 for answer in answers], np.intp)
    on_page = row_texts(rows, grid, page_words(page.payload))
    for answer, text in zip(answers, on_page, strict=True):
        yield answer if answer.source == "context" else replace(answer, text=text)
