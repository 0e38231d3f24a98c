"""What is to be evaluated, and how: a task is a benchmark with its place in a suite, options say what is run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vrag.embedders.options import ModelOptions
from vrag.errors import UsageError
from vrag.evaluation.benchmarks.benchmark import Benchmark
from vrag.places.place import Place

DEPTH = 100
UNION, DOCUMENT, DISTRACTORS = "union", "document", "distractors"


@dataclass(frozen=True, slots=True)
class Task:
    """A benchmark and what reports say about it.

    Args:
        name: The task's name: mteb's for tasks of a suite, else the folder's.
        benchmark: Pages, questions, judgements.
        metric: The metric the task is ranked by, e.g. "ndcg_at_10".
        suite: Suite it is part of; empty for a folder.
        source: Hub id or folder.
        revision: Revision of the data set; None for local data.
        split: Split it was read from.
        codes: BCP-47 style codes of its languages as mteb writes them ("eng-Latn"), by the names the queries carry.
    """

    name: str
    benchmark: Benchmark
    metric: str = "ndcg_at_10"
    suite: str = ""
    source: str = ""
    revision: str | None = None
    split: str = "test"
    codes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Options:
    """How tasks are evaluated.

    Args:
        out: Folder of the reports and journals.
        cache: Folder of the indexes made for evaluation.
        cascades: Names or texts; empty for the pipeline's default.
        pipeline: Pipeline, None for the one that fits the model.
        model: Model to use instead of the pipeline's.
        how: How the model is run.
        place: Of an index to use, or to make, instead of a cached one.
        wait: Seconds to wait for another process that has a cached index open.
        languages: Ask the questions of these languages only; empty for all.
        limit_queries: Ask the first so many judged questions of each language; None for all.
        depth: Hits of each search that are judged.
        resume: Whether answers of an earlier run of the same thing are kept.
        union: Ask every task's questions of all tasks' pages as well.
    """

    out: Path
    cache: Path
    cascades: tuple[str, ...] = ()
    pipeline: str | None = None
    model: str | None = None
    how: ModelOptions = field(default_factory=ModelOptions)
    place: Place | None = None
    wait: float = 0.0
    languages: tuple[str, ...] = ()
    limit_queries: int | None = None
    depth: int = DEPTH
    resume: bool = True
    union: bool = False


def refuse_same_names(tasks: Sequence[Task]) -> None:
    """Raise `UsageError` when two tasks have one name: their results could not be told apart."""
    names = [task.name for task in tasks]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"There are two benchmarks called {twice[0]!r}.", "Evaluate them one after the other.")
