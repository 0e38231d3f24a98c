"""What an evaluation says on stderr: its progress, and what was missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from vrag.cli import output

if TYPE_CHECKING:
    from vrag.evaluation.benchmarks.task import Task
    from vrag.evaluation.runs.task_run import TaskRun


class Bars:
    """One bar for whatever is going on (implements `vrag.evaluation.runs.task_run.Watcher`)."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._bar = progress.add_task("Loading", total=None)
        self._task = ""
        self.kept = 0

    def task(self, task: Task, index: str) -> None:
        """A task is begun."""
        self._task = task.name
        pages, questions = len(task.benchmark.corpus), len(task.benchmark.judged)
        output.note(f"{task.name}: {pages} pages, {questions} judged questions, index {index}")

    def looking(self, files: int) -> None:
        """Files are about to be read and counted."""
        self._show("looking at files", files)

    def looked(self) -> None:
        """One more file is counted."""
        self._progress.advance(self._bar)

    def embedding(self, pages: int) -> None:
        """This many pages are about to be embedded."""
        self._show("indexing pages", pages)

    def reading(self, path: Path, page: int) -> None:
        """This page is waited for."""

    def read(self, slow: bool) -> None:
        """It has come."""

    def page(self, ok: bool) -> None:
        """One more page is in the index, or has failed."""
        self._progress.advance(self._bar)
        self.kept += ok

    def searching(self, what: str, done: int, total: int) -> None:
        """Questions are about to be asked."""
        self._show(what, total, done)

    def searched(self) -> None:
        """One more question is answered."""
        self._progress.advance(self._bar)
        self.kept += 1

    def _show(self, what: str, total: int, done: int = 0) -> None:
        self._progress.reset(self._bar, total=total, completed=done, description=f"{self._task}: {what}")


@contextmanager
def bars() -> Iterator[Bars]:
    """Bars while the block runs; they leave nothing behind."""
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(),
               TimeRemainingColumn())  # fmt: skip
    with Progress(*columns, console=output.stderr, transient=True) as progress:
        yield Bars(progress)


@contextmanager
def asked_with_bars() -> Iterator[Bars]:
    """The same; when it is interrupted, what is kept is said."""
    with bars() as watcher:
        try:
            yield watcher
        except KeyboardInterrupt:
            output.note(f"Interrupted: {watcher.kept} pages and answers are kept. The same command goes on from there.")
            raise


def tell_missing(runs: Sequence[TaskRun]) -> None:
    """Say what is not in the indexes, and why."""
    for run in runs:
        if run.missing:
            output.note(f"{run.task.name}: {run.missing} pages are not in the index and count as not found.")
        for failure in run.ingest.failed[:5]:
            output.note(f"Failed: {failure.path}, page {failure.page or 'any'}: {failure.reason}")
