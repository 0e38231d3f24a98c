"""From answers to numbers: every metric with its interval, each cascade beside the reference cascade."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from vrag.evaluation.numbers.metrics import Scores, evaluate
from vrag.evaluation.numbers.statistics import bootstrap_interval, randomisation_test
from vrag.evaluation.runs.journal import Ranked
from vrag.evaluation.runs.runner import queries_of
from vrag.evaluation.runs.task_run import CascadeRun, TaskRun

EXACT = "exact"
CUTS = (1, 3, 5, 10, 20, 100)
METRICS = (
    *(f"ndcg@{k}" for k in CUTS),
    *(f"recall@{k}" for k in CUTS),
    *(f"precision@{k}" for k in CUTS),
    *(f"map@{k}" for k in CUTS),
    *(f"mrr@{k}" for k in CUTS),
    "map",
    "mrr",
)
WITH_INTERVAL = ("ndcg@5", "ndcg@10", "recall@10")
PER_QUERY = ("ndcg@5", "ndcg@10", "recall@10", "mrr")
TOP = 10

Row = dict[str, Any]
Groups = list[npt.NDArray[np.intp]]


def key(metric: str) -> str:
    """A metric's name as a JSON key, which is mteb's name of it: "ndcg@10" is "ndcg_at_10"."""
    return metric.replace("@", "_at_")


def score_task(run: TaskRun) -> list[Row]:
    """One row a scope and cascade, as `docs/reference/json.md` describes them."""
    rows: list[Row] = []
    for scope in dict.fromkeys(cascade.scope for cascade in run.runs):
        runs = [cascade for cascade in run.runs if cascade.scope == scope]
        rows += _score_scope(run, scope, runs)
    return rows


def _score_scope(run: TaskRun, scope: str, runs: Sequence[CascadeRun]) -> list[Row]:
    qrels = {query.id: run.task.benchmark.qrels[query.id] for query in queries_of(run.task, scope)}
    groups = _groups(run, scope)
    values = [evaluate({query: a.hits for query, a in r.answers.items()}, qrels, METRICS) for r in runs]
    reference = next((i for i, r in enumerate(runs) if r.cascade == EXACT), 0)
    rows = []
    for index, cascade in enumerate(runs):
        row = _row(run, cascade, list(qrels), values[index], groups)
        if index != reference:
            row["versus"] = _versus(run, runs, values, (index, reference), groups)
        rows.append(row)
    return rows


def _row(run: TaskRun, cascade: CascadeRun, queries: list[str], values: Mapping[str, Scores], groups: Groups) -> Row:
    means = {key(metric): mean(scores, groups) for metric, scores in values.items()}
    return {
        "task": run.task.name,
        "scope": cascade.scope,
        "cascade": cascade.cascade,
        "stages": cascade.stages,
        "queries": len(queries),
        "depth": cascade.depth,
        "metric": run.task.metric,
        "score": means[run.task.metric],
        **means,
        "intervals": {key(m): list(bootstrap_interval(values[m], groups=groups)) for m in WITH_INTERVAL},
        "languages": {
            language: {"queries": len(rows), **{key(m): float(v[rows].mean()) for m, v in values.items()}}
            for language, rows in zip(_languages(run, cascade.scope), groups, strict=True)
            if language
        },
        "query_languages": {
            query.id: query.language for query in queries_of(run.task, cascade.scope) if query.language
        },
        "per_query": {
            query: {key(metric): float(values[metric][at]) for metric in PER_QUERY} for at, query in enumerate(queries)
        },
        "measured": speed([answer.seconds for answer in cascade.answers.values()]),
    }


def _versus(
    run: TaskRun,
    runs: Sequence[CascadeRun],
    values: Sequence[Mapping[str, Scores]],
    pair: tuple[int, int],
    groups: Groups,
) -> Row:
    """A cascade beside the reference one, on the task's own metric."""
    metric = run.task.metric.replace("_at_", "@")
    mine, other = (values[index][metric] for index in pair)
    best = mean(other, groups)
    return {
        "cascade": runs[pair[1]].cascade,
        **difference(mine, other, groups),
        "percent": 100 * mean(mine, groups) / best if best else None,
        "top_10_kept": _top_kept(runs[pair[0]].answers, runs[pair[1]].answers),
    }


def difference(mine: Scores, other: Scores, groups: Groups) -> Row:
    """Mean difference over paired queries with its interval, and the p-value of the randomisation test."""
    weights = np.zeros(len(mine))
    for rows in groups:
        weights[rows] = 1 / (len(groups) * len(rows))
    change = mine - other
    return {
        "difference": mean(change, groups),
        "interval": list(bootstrap_interval(change, groups=groups)),
        "p_value": randomisation_test(mine * weights, other * weights),
    }


def mean(scores: Scores, groups: Groups) -> float:
    """Mean over queries; with several languages the mean of their means, as mteb has it."""
    return float(np.mean([scores[rows].mean() for rows in groups]))


def speed(seconds: Sequence[float]) -> Row:
    """Latency in milliseconds, and queries a second of one caller who asks one after the other."""
    return {
        "median_ms": 1000 * statistics.median(seconds),
        "p95_ms": 1000 * float(np.quantile(seconds, 0.95)),
        "queries_per_second": len(seconds) / sum(seconds),
    }


def groups_of(languages: Sequence[str]) -> Groups:
    """Positions of each language's queries, languages in alphabetical order."""
    named = np.array(languages)
    return [np.flatnonzero(named == language) for language in sorted(set(languages))]


def _groups(run: TaskRun, scope: str) -> Groups:
    return groups_of([query.language for query in queries_of(run.task, scope)])


def _languages(run: TaskRun, scope: str) -> list[str]:
    return sorted({query.language for query in queries_of(run.task, scope)})


def _top_kept(mine: Mapping[str, Ranked], other: Mapping[str, Ranked]) -> float | None:
    """Share of the reference's first ten that the cascade's first ten keep, mean over queries that have any."""
    shares = []
    for query, answer in other.items():
        best = set(list(answer.hits)[:TOP])
        if best:
            shares.append(len(best & set(list(mine[query].hits)[:TOP])) / len(best))
    return float(np.mean(shares)) if shares else None
