"""The questions of a task, worst first: what was expected, what came instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from html import escape
from pathlib import PurePath

from vrag.evaluation.benchmarks.benchmark import Benchmark, PageRef, Query
from vrag.evaluation.reports.tables import metric_name
from vrag.evaluation.reports.thumbnails import thumbnails
from vrag.evaluation.results.scoring import Row
from vrag.evaluation.runs.runner import queries_of
from vrag.evaluation.runs.task_run import CascadeRun, TaskRun
from vrag.pages.drawing import PageDrawer

PICTURED = 12  # questions shown with pictures
_EXPECTED, _RETURNED = 4, 4  # pictures of each


@dataclass(frozen=True, slots=True)
class Question:
    """A question with how each cascade did.

    Args:
        query: The question.
        scores: The task's metric by cascade.
        expected: Relevant pages, best grade first, with their corpus ids.
        returned: First pages of the first cascade, with their corpus ids.
        snippet: What its first page says nearest to the question.
    """

    query: Query
    scores: Mapping[str, float]
    expected: tuple[tuple[str, PageRef], ...]
    returned: tuple[tuple[str, PageRef], ...]
    snippet: str = ""


def questions_html(run: TaskRun, scope: str, rows: Sequence[Row]) -> str:
    """A section of one task and scope: the worst questions with pictures, all of them in a table."""
    questions = worst_first(run, scope, rows)
    first = next(iter(questions[0].scores))
    shown = [question for question in questions[:PICTURED] if question.scores[first] < 1]
    wanted = [page for q in shown for _, page in (*q.expected[:_EXPECTED], *q.returned[:_RETURNED])]
    with closing(PageDrawer()) as drawer:
        pictures = thumbnails(drawer, _first(run, scope).benchmark.pdfs, wanted)
    cards = "".join(_card(question, pictures, rows[0]["metric"]) for question in shown)
    metric = metric_name(rows[0]["metric"])
    said = f"those with the lowest {metric} of <b>{escape(first)}</b>, lowest first" if shown else "none"
    intro = f"<p class='note'>Short of {metric} 1 with <b>{escape(first)}</b>: {said}.</p>"
    return f"{intro}{cards}{_all(questions, rows[0]['metric'])}"


def worst_first(run: TaskRun, scope: str, rows: Sequence[Row]) -> list[Question]:
    """Questions by the first cascade's score, then the others', then id."""
    first = _first(run, scope)
    questions = []
    for query in queries_of(run.task, scope):
        grades = run.task.benchmark.qrels[query.id]
        expected = sorted((doc for doc, grade in grades.items() if grade > 0), key=lambda doc: (-grades[doc], doc))
        returned = list(first.answers[query.id].hits)
        scores = {row["cascade"]: row["per_query"][query.id][row["metric"]] for row in rows}
        pages = (_pages(first.benchmark, expected), _pages(first.benchmark, returned[:_RETURNED]))
        questions.append(Question(query, scores, *pages, first.answers[query.id].snippet))
    return sorted(questions, key=lambda q: (*q.scores.values(), q.query.id))


def _first(run: TaskRun, scope: str) -> CascadeRun:
    return next(cascade for cascade in run.runs if cascade.scope == scope)


def _pages(benchmark: Benchmark, corpus_ids: Sequence[str]) -> tuple[tuple[str, PageRef], ...]:
    return tuple((corpus_id, benchmark.corpus[corpus_id]) for corpus_id in corpus_ids)


def _card(question: Question, pictures: Mapping[PageRef, str], metric: str) -> str:
    relevant = {corpus_id for corpus_id, _ in question.expected}
    scores = " ".join(f"<span>{escape(name)} <b>{value:.2f}</b></span>" for name, value in question.scores.items())
    expected = "".join(_figure(p, pictures, "") for p in question.expected[:_EXPECTED])
    returned = "".join(_figure(p, pictures, "hit" if p[0] in relevant else "miss") for p in question.returned)
    more = len(question.expected) - _EXPECTED
    return (
        f"<article><h4>{escape(question.query.text)}</h4><p class='scores'>{metric_name(metric)}: {scores}"
        f"<span class='id'>question {escape(question.query.id)}</span></p><div class='pages'>"
        f"<section><h5>expected{f' (and {more} more)' if more > 0 else ''}</h5>{expected}</section>"
        f"<section><h5>returned</h5>{returned or '<p>nothing</p>'}</section></div>{_quote(question)}</article>"
    )


def _quote(question: Question) -> str:
    """What the first page says nearest to the question."""
    if not question.snippet:
        return ""
    return f"<blockquote>{escape(place(*question.returned[0]))}: {escape(question.snippet)}</blockquote>"


def _figure(page: tuple[str, PageRef], pictures: Mapping[PageRef, str], kind: str) -> str:
    name = place(*page)
    picture = pictures.get(page[1])
    large = f"<input type='checkbox' aria-label='Show {escape(name, quote=True)} large'>"
    image = f"<label class='page'>{large}<img src='{picture}' alt=''></label>"
    image = image if picture else "<div class='none'>no picture</div>"
    caption = f"<figcaption>{escape(name)}</figcaption>"
    return f"<figure class='{kind}' title='{escape(name, quote=True)}'>{image}{caption}</figure>"


def place(corpus_id: str, page: PageRef) -> str:
    """A page for people: document and page, or the corpus id of a picture."""
    if PurePath(page.doc).suffix.lower() == ".pdf":
        return f"p. {page.page} of {PurePath(page.doc).stem}"
    return corpus_id


def _all(questions: Sequence[Question], metric: str) -> str:
    names = list(questions[0].scores)
    head = "".join(f"<th class='n'>{escape(name)}</th>" for name in names)
    rows = "".join(
        f"<tr><td>{escape(q.query.text)}</td>{''.join(f'<td class=n>{q.scores[name]:.2f}</td>' for name in names)}"
        f"<td>{escape('; '.join(place(*p) for p in q.expected[:6]))}</td>"
        f"<td>{escape('; '.join(place(*p) for p in q.returned[:3]))}</td></tr>"
        for q in questions
    )
    return (
        f"<details><summary>All {len(questions)} questions by {metric_name(metric)}</summary><div class='wide'>"
        f"<table><thead><tr><th>question</th>{head}<th>expected</th><th>returned</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div></details>"
    )
