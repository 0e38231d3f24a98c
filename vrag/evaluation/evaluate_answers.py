"""A whole evaluation of answers: tasks one after the other, then the reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vrag.errors import UsageError
from vrag.evaluation.benchmarks.answer_key import AnswerKey, load_answer_keys
from vrag.evaluation.benchmarks.benchmark import Benchmark
from vrag.evaluation.benchmarks.question_tables import question_file_keys
from vrag.evaluation.benchmarks.task import Task, refuse_same_names
from vrag.evaluation.reports.answer_reports import write_answer_reports
from vrag.evaluation.results.results import Results, make_answer_results
from vrag.evaluation.runs.answer_runs import SCOPES, AnsweredTask, AnswerOptions, answer_task, keys_of
from vrag.evaluation.runs.task_run import Watcher
from vrag.places.place import Place


@dataclass(frozen=True, slots=True)
class AnswerEvaluation:
    """A finished evaluation of answers.

    Args:
        results: What `results.json` says.
        tasks: What it was made of.
        reports: Path of each report, by kind.
    """

    results: Results
    tasks: Sequence[AnsweredTask]
    reports: dict[str, str]

    @property
    def complete(self) -> bool:
        """Whether every page of every corpus was there to be found, and every question got its answer."""
        return not any(task.run.missing for task in self.tasks) and not self.failures

    @property
    def failures(self) -> list[str]:
        """What the language model failed at: why, a sentence for each question."""
        runs = [run for task in self.tasks for run in task.answers]
        return [one.failure for run in runs for one in run.answers.values() if one.failure]


def evaluate_answers(
    tasks: Sequence[Task], options: AnswerOptions, watcher: Watcher, places: Sequence[Place] = ()
) -> AnswerEvaluation:
    """Ask the tasks' questions, score the answers, and write the reports into `options.run.out`.

    Args:
        tasks: Folders of benchmarks with `answers.jsonl`, or files of questions with answers.
        options: How questions are asked.
        watcher: Told of every step.
        places: Of an index for each task; none for cached ones.

    Raises:
        UsageError: Two tasks have the same name, one has no answers, or not every task has a place.
        VragError: A task cannot be run.
    """
    refuse_same_names(tasks)
    if places and len(places) != len(tasks):
        raise UsageError(f"There are {len(tasks)} benchmarks and {len(places)} indexes.", "Name one --index for each.")
    keys = [_keys(Path(task.source), task.benchmark, options.run.limit_queries) for task in tasks]
    for task, mine in zip(tasks, keys, strict=True):
        if not any(keys_of(mine, scope) for scope in options.scopes or SCOPES):
            raise UsageError(f"{task.name} has no question of this scope.", "Leave --scope out.")
    answered = []
    for number, (task, mine) in enumerate(zip(tasks, keys, strict=True)):
        run = replace(options.run, place=places[number] if places else None)
        answered.append(answer_task(task, mine, replace(options, run=run), watcher))
    results = make_answer_results(answered, options)
    return AnswerEvaluation(results, answered, write_answer_reports(results, answered, options.run.out))


def _keys(source: Path, benchmark: Benchmark, limit: int | None) -> list[AnswerKey]:
    read = question_file_keys if source.is_file() else load_answer_keys
    return read(source, benchmark, limit)
