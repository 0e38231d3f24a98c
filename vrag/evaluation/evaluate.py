"""A whole evaluation: tasks one after the other, then the reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from vrag.cascade.bm25 import CODES
from vrag.errors import UsageError
from vrag.evaluation.benchmarks.task import Options, Task, refuse_same_names
from vrag.evaluation.reports.write import write_reports
from vrag.evaluation.results.results import Results, make_results
from vrag.evaluation.runs.runner import run_task
from vrag.evaluation.runs.task_run import TaskRun, Watcher
from vrag.evaluation.runs.union import run_union


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A finished evaluation.

    Args:
        results: What `results.json` says.
        runs: What it was made of.
        reports: Path of each report, by kind.
    """

    results: Results
    runs: Sequence[TaskRun]
    reports: dict[str, str]

    @property
    def complete(self) -> bool:
        """Whether every page of every corpus was there to be found."""
        return not any(run.missing for run in self.runs)


def evaluate_tasks(tasks: Sequence[Task], options: Options, watcher: Watcher) -> Evaluation:
    """Run the tasks and write the reports into `options.out`.

    Raises:
        UsageError: Two tasks have the same name, no judged question is left, or a union of one is asked for.
        VragError: A task cannot be run.
    """
    refuse_same_names(tasks)
    if options.union and len(tasks) < 2:
        raise UsageError(
            "A union needs at least two benchmarks.", "Name several, or a suite: vrag eval vidore-v2 --union"
        )
    if options.union and options.place is not None:
        raise UsageError("--union makes an index of its own for all pages.", "Leave --index and --url out.")
    runs = [run_task(_narrowed(task, options), options, watcher) for task in tasks]
    if options.union:
        run_union(runs, options, watcher)
    results = make_results(runs, options)
    return Evaluation(results, runs, write_reports(results, runs, options.out))


def _narrowed(task: Task, options: Options) -> Task:
    """The task with the questions that are wanted."""
    known = task.benchmark.languages
    languages = [name if name in known else CODES.get(name.lower(), name) for name in options.languages]
    benchmark = task.benchmark.narrowed(languages, options.limit_queries)
    if not benchmark.judged:
        named = ", ".join(name for name in known if name) or "none are named"
        raise UsageError(f"{task.name} has no judged question that is wanted.", f"Its languages: {named}.")
    return replace(task, benchmark=benchmark)
