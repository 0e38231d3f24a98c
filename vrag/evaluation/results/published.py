"""Published scores of other models, set beside ours."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from vrag.evaluation.benchmarks.task import UNION
from vrag.evaluation.results.scoring import EXACT, Row
from vrag.settings import data_dir

SOURCE = "Published: the public result files of mteb, 2026-08-20 (eval/published/vidore.csv)."
_DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Score:
    """One published figure."""

    model: str
    task: str
    subset: str
    metric: str
    score: float
    dataset_revision: str


@cache
def published_scores() -> Mapping[tuple[str, str], tuple[Score, ...]]:
    """All figures, by task and metric."""
    found: dict[tuple[str, str], list[Score]] = {}
    with (data_dir("eval") / "published" / "vidore.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            score = Score(row["model"], row["task"], row["subset"], row["metric"], float(row["score"]),
                          row["dataset_revision"])  # fmt: skip
            found.setdefault((score.task, score.metric), []).append(score)
    return {key: tuple(scores) for key, scores in found.items()}


def beside_published(tasks: Iterable[Mapping[str, Any]], rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Our figure beside every published one of the same task, metric and languages, the best first.

    Ours is that of the exact cascade over all pages, without one that of the first cascade. A score over several
    languages is the mean of the languages' scores.

    Args:
        tasks: As in `results.json`.
        rows: Its rows.
    """
    return [pair for task in tasks for pair in _of_task(task, rows)]


def _of_task(task: Mapping[str, Any], rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    mine = [row for row in rows if row["task"] == task["task"] and row["scope"] == UNION]
    scores = published_scores().get((task["task"], task["metric"]), ())
    if not mine or not scores:
        return
    ours = next((row for row in mine if row["cascade"] == EXACT), mine[0])
    found = _means(scores, task["languages"] or [_DEFAULT], task["revision"])
    for model, score in sorted(found.items(), key=lambda item: (-item[1], item[0])):
        yield {
            "task": task["task"], "model": model, "metric": task["metric"], "score": score, "ours": ours["score"],
            "cascade": ours["cascade"],
        }  # fmt: skip


def _means(scores: Iterable[Score], subsets: Sequence[str], revision: str | None) -> dict[str, float]:
    """Mean over subsets by model, of models that have them all; figures of our data set's revision count first."""
    best: dict[tuple[str, str], Score] = {}
    for score in scores:
        key = (score.model, score.subset)
        if key not in best or score.dataset_revision == revision:
            best[key] = score
    models = dict.fromkeys(model for model, _ in best)
    return {
        model: sum(best[model, subset].score for subset in subsets) / len(subsets)
        for model in models
        if all((model, subset) in best for subset in subsets)
    }
