"""From answers to numbers: what every question scores, means with intervals, and F1 over all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vrag.ask.answer import Answer
from vrag.evaluation.benchmarks.answer_key import AnswerKey
from vrag.evaluation.numbers.citations import Citation, citation
from vrag.evaluation.numbers.metrics import Scores
from vrag.evaluation.numbers.short_answer import ShortAnswer, best_stretch, stands_in
from vrag.evaluation.numbers.statistics import bootstrap_interval, ratio_interval
from vrag.evaluation.results.scoring import Row, speed
from vrag.evaluation.runs.answer_runs import AnsweredTask, AnswerRun
from vrag.evaluation.runs.corpus import PageKey
from vrag.evaluation.runs.page_facts import PageFacts, supported
from vrag.evaluation.runs.timed_answer import TimedAnswer

METRIC = "attributed_accuracy"  # by which answers are ranked
TOGETHER = "together"
SHOWN = (1, 3)  # quotes that are looked at for the answer
Values = dict[str, float | None]


@dataclass(frozen=True, slots=True)
class ScoredAnswer:
    """A question with its answer and what it scores.

    Args:
        key: The question with its right answer.
        timed: The answer that was given.
        facts: What the pages say to it.
        values: Each metric's value from 0 to 1; None where it says nothing of this question.
    """

    key: AnswerKey
    timed: TimedAnswer
    facts: PageFacts
    values: Values


def score_answers(tasks: Sequence[AnsweredTask]) -> list[Row]:
    """One row a task and scope, and of several tasks one a scope over the questions of all of them."""
    runs = [(task.run.task.name, run, scored_answers(run)) for task in tasks for run in task.answers]
    rows = [_row(name, run, {one.key.query.id: one for one in scored}) for name, run, scored in runs]
    if len(tasks) > 1:
        for scope in dict.fromkeys(run.scope for _, run, _ in runs):
            mine = [one for one in runs if one[1].scope == scope]
            all_of = {f"{name}/{one.key.query.id}": one for name, _, scored in mine for one in scored}
            rows.append(_row(TOGETHER, mine[0][1], all_of))
    return rows


def scored_answers(run: AnswerRun) -> list[ScoredAnswer]:
    """The questions of a run with their values, in their order."""
    triples = ((key, run.answers[key.query.id], run.facts[key.query.id]) for key in run.keys)
    return [ScoredAnswer(*triple, _values(*triple)) for triple in triples]


def _values(key: AnswerKey, timed: TimedAnswer, facts: PageFacts) -> Values:
    """All metrics of a question, as docs/reference/evaluation.md describes them."""
    answer, wanted = timed.answer, key.answer
    said = _said(answer, facts)
    texts, right = [text for text, _ in said], [text for text, pages in said if pages & facts.labelled]
    return {
        METRIC: best_stretch(right, wanted) if facts.labelled else None,
        "accuracy": best_stretch(texts, wanted) if key.is_answerable else float(timed.says_nothing_answers),
        "exact_match": float(stands_in(texts, wanted)) if key.is_answerable else None,
        **_citation(answer, facts),
        **{f"shown_in_{k}": _shown(answer, wanted, k) if facts.is_literal else None for k in SHOWN},
        "region_hit": None if facts.hits_region is None else float(facts.hits_region),
        "quotes_supported": _share([quote.status == "supported" for quote in answer.quotes]),
        "claims_supported": _share([claim.is_supported for claim in answer.claims]),
    }


def _said(answer: Answer, facts: PageFacts) -> list[tuple[str, frozenset[PageKey]]]:
    """What an answer says and stands by, with the pages that it rests on: its claims, without a model its quotes."""
    if answer.claims:
        claims = [claim for claim in answer.claims if claim.is_supported]
        return [(claim.text, frozenset(facts.pages[number - 1] for number in claim.quotes)) for claim in claims]
    quotes = zip(answer.quotes, facts.pages, strict=True)
    return [(quote.text, frozenset([page])) for quote, page in quotes if quote.status == "supported"]


def _citation(answer: Answer, facts: PageFacts) -> Values:
    quotes = zip(answer.quotes, facts.pages, strict=True)
    cited = [page for quote, page in quotes if quote.status == "supported"]
    found = citation(cited, facts.labelled)._asdict() if facts.labelled else dict.fromkeys(Citation._fields)
    return {f"citation_{name}": value for name, value in found.items()}


def _shown(answer: Answer, wanted: ShortAnswer, count: int) -> float:
    return float(stands_in([quote.text for quote in supported(answer)[:count]], wanted))


def _share(values: Sequence[bool]) -> float | None:
    return sum(values) / len(values) if values else None


def _row(task: str, run: AnswerRun, scored: Mapping[str, ScoredAnswer]) -> Row:
    """A row as docs/reference/json.md describes it."""
    all_of = list(scored.values())
    values = {name: _known(all_of, name) for name in all_of[0].values}
    means = {name: float(column.mean()) if len(column) else None for name, column in values.items()}
    ratios = _ratios(all_of)
    metric = METRIC if len(values[METRIC]) else "accuracy"
    return {
        "task": task,
        "scope": run.scope,
        "cascade": run.cascade,
        "stages": run.stages,
        "model": run.model,
        "k": run.pages,
        "queries": len(scored),
        "answerable": sum(one.key.is_answerable for one in all_of),
        "failed": sum(bool(one.timed.failure) for one in all_of),
        "metric": metric,
        "score": means[metric],
        **means,
        **{name: _ratio(*columns) for name, columns in ratios.items()},
        "counts": {name: len(column) for name, column in values.items()},
        "intervals": {
            **{name: list(bootstrap_interval(column)) for name, column in values.items() if len(column)},
            **{name: list(ratio_interval(*columns)) for name, columns in ratios.items()},
        },
        "per_query": {query: one.values for query, one in scored.items()},
        "measured": speed([one.timed.seconds for one in all_of]),
    }


def _known(scored: Sequence[ScoredAnswer], name: str) -> Scores:
    """A metric's values of the questions that it says something of, float64 [q]."""
    return np.array([value for one in scored if (value := one.values[name]) is not None], np.float64)


def _ratios(scored: Sequence[ScoredAnswer]) -> dict[str, tuple[Scores, Scores]]:
    """What each question adds to the dividend and the divisor of each F1, where there are questions of both kinds.

    `f1` is MMLongBench-Doc's: questions that have an answer are the positive ones, recall is the sum of their scores
    over their number, precision the same sum over the number of questions that were answered; so F1 is twice the sum
    over both numbers together. `unanswerable_f1` takes the others for positive: saying that nothing answers.
    """
    has_answer = np.array([one.key.is_answerable for one in scored], np.float64)
    if has_answer.all() or not has_answer.any():
        return {}
    is_answered = np.array([not one.timed.says_nothing_answers for one in scored], np.float64)
    right = _known(scored, "accuracy")
    return {
        "f1": (2 * right * has_answer, has_answer + is_answered),
        "unanswerable_f1": (2 * (1 - has_answer) * (1 - is_answered), 2 - has_answer - is_answered),
    }


def _ratio(parts: Scores, wholes: Scores) -> float:
    return float(parts.sum() / wholes.sum()) if wholes.any() else 0.0
