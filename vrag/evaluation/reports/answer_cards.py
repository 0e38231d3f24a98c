"""The questions of a scope, worst first: the right answer beside the one that was given, with its quotes in place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from vrag.ask.answer import Claim, Quote
from vrag.evaluation.benchmarks.benchmark import PageRef
from vrag.evaluation.reports.questions import place
from vrag.evaluation.reports.tables import metric_name
from vrag.evaluation.reports.thumbnails import Place, crops, thumbnails
from vrag.evaluation.results.answer_scoring import METRIC, ScoredAnswer, scored_answers
from vrag.evaluation.runs.answer_runs import AnsweredTask, AnswerRun
from vrag.pages.drawing import PageDrawer

CARDS = 16  # questions shown with pictures
_PAGES = 2  # labelled pages shown of each
_LONGEST = 300  # characters of an answer in the table of all


def cards_html(task: AnsweredTask, run: AnswerRun, drawer: PageDrawer) -> str:
    """A section of one task and scope: the worst questions with pictures, all of them in a table."""
    scored = sorted(scored_answers(run), key=_rank)
    shown, pdfs = scored[:CARDS], task.run.task.benchmark.pdfs
    pages = {one.key.query.id: one.key.labelled(task.run.task.benchmark) for one in shown}
    names = {digest: doc for doc, digest in task.run.digests.items()}
    places = [place for one in shown for place in _places(one, names) if place[1]]
    pictures = thumbnails(drawer, pdfs, [page for found in pages.values() for page in found])
    framed = crops(drawer, pdfs, places, task.spec)
    cards = "".join(_card(one, pages[one.key.query.id], pictures, list(_places(one, names)), framed) for one in shown)
    intro = f"<p class='note'>The {len(shown)} with the lowest {metric_name(METRIC)}, lowest first.</p>"
    return f"{intro}{cards}{_all(scored)}"


def _rank(one: ScoredAnswer) -> tuple[float, float, str]:
    """By whether answer and page are right; a question that nothing answers by whether that was said."""
    accuracy, attributed = one.values["accuracy"] or 0.0, one.values[METRIC]
    return accuracy if attributed is None else attributed, accuracy, one.key.query.id


def _places(one: ScoredAnswer, names: Mapping[str, str]) -> Iterator[Place]:
    """Where each quote stands."""
    for quote, (doc_id, page) in zip(one.timed.answer.quotes, one.facts.pages, strict=True):
        yield PageRef(names[doc_id], page), quote.boxes


def _card(
    one: ScoredAnswer,
    labelled: Sequence[PageRef],
    pictures: Mapping[PageRef, str],
    places: Sequence[Place],
    framed: Mapping[Place, str],
) -> str:
    answer = one.timed.answer
    quotes = "".join(map(_quote, answer.quotes, places, (framed.get(place, "") for place in places)))
    expected = "".join(_page(page, pictures.get(page, "")) for page in labelled[:_PAGES])
    more = f"<p class='note'>and {len(labelled) - _PAGES} more pages</p>" if len(labelled) > _PAGES else ""
    return (
        f"<article><h4>{escape(one.key.query.text)}</h4><p class='scores'>{_scores(one)}"
        f"<span class='id'>question {escape(one.key.query.id)}</span></p><div class='beside'>"
        f"<section><h5>expected</h5><p>{escape(one.key.answer.text)}</p>{expected}{more}</section>"
        f"<section><h5>answered</h5>{_answered(one)}{quotes}</section></div></article>"
    )


def _answered(one: ScoredAnswer) -> str:
    """What a model said, claim by claim; an answer in quotes is its quotes."""
    answer = one.timed.answer
    if not answer.claims:
        return "" if answer.quotes else f"<p>{escape(answer.answer) or 'nothing'}</p>"
    return f"<ul>{''.join(map(_claim, answer.claims))}</ul>"


def _claim(claim: Claim) -> str:
    text = escape(claim.text)
    return f"<li>{text}</li>" if claim.is_supported else f"<li><s>{text}</s> {escape(claim.reason)}</li>"


def _quote(quote: Quote, where: Place, picture: str) -> str:
    status = "" if quote.status == "supported" else f" <em>{quote.status}</em>"
    image = f"<img src='{picture}' alt=''>" if picture else ""
    name = escape(place("", where[0]) or quote.doc)
    return f"<figure class='crop'>{image}<figcaption>{name}{status}</figcaption><q>{escape(quote.text)}</q></figure>"


def _page(page: PageRef, picture: str) -> str:
    large = f"<input type='checkbox' aria-label='Show {escape(place(page.doc, page), quote=True)} large'>"
    image = f"<label class='page'>{large}<img src='{picture}' alt=''></label>" if picture else ""
    return f"<figure>{image}<figcaption>{escape(place(page.doc, page))}</figcaption></figure>"


def _scores(one: ScoredAnswer) -> str:
    known = {name: value for name, value in one.values.items() if value is not None}
    return " ".join(f"<span>{metric_name(name)} <b>{value:.2f}</b></span>" for name, value in known.items())


def _all(scored: Sequence[ScoredAnswer]) -> str:
    rows = "".join(
        f"<tr><td>{escape(one.key.query.text)}</td><td>{escape(one.key.answer.text)}</td>"
        f"<td>{escape(_short(one.timed.answer.answer))}</td><td class=n>{_rank(one)[0]:.2f}</td></tr>"
        for one in scored
    )
    return (
        f"<details><summary>All {len(scored)} questions</summary><div class='wide'><table><thead><tr><th>question</th>"
        f"<th>expected</th><th>answered</th><th class='n'>score</th></tr></thead><tbody>{rows}</tbody></table></div>"
        "</details>"
    )


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"
