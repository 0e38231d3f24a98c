"""Bars on stderr: for work whose steps can be counted, and for an ingest."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)

from vrag.cli import output
from vrag.cli.eta import Remaining, in_words
from vrag.runtime.pathtext import shown

_NAME = 32  # characters that are left of the name of a file


def _progress(*first: ProgressColumn) -> Progress:
    """What is done of how much, and the time left; gone when the work is done."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*first, *columns, console=output.stderr, transient=True)


@contextmanager
def bar_of_steps(what: str, total: int) -> Iterator[Callable[[], None]]:
    """A bar of `total` steps; what it yields is called after each. It is gone when the work is done."""
    with _progress() as progress:
        task = progress.add_task(what, total=total)
        yield lambda: progress.advance(task)


class _CopyBar:
    """Progress of a copy (implements `vrag.upkeep.copying.CopyProgress`)."""

    def __init__(self, progress: Progress, what: str) -> None:
        self._progress = progress
        self._task = progress.add_task(what, total=None)

    def starting(self, records: int) -> None:
        """So many records are to be looked at."""
        self._progress.update(self._task, total=records)

    def done(self, records: int) -> None:
        """So many more are at the target."""
        self._progress.advance(self._task, records)


@contextmanager
def copy_bar(what: str) -> Iterator[_CopyBar]:
    """A bar for a copy of records; it is gone when the work is done."""
    with _progress(SpinnerColumn()) as progress:
        yield _CopyBar(progress, what)


class IngestBar:
    """Progress of an ingest: pages as they are read, the file that is waited for, and the time left once known."""

    def __init__(self, progress: Progress, clock: Callable[[], float] = time.monotonic) -> None:
        self._progress, self._clock = progress, clock
        self._task = progress.add_task("Starting", total=None, left="", doing="")
        self._left, self._remaining = 0, Remaining(0)

    def looking(self, files: int) -> None:
        """So many files are to be looked at."""
        self._progress.reset(self._task, total=files, description="Looking at files")

    def looked(self) -> None:
        """One more was."""
        self._progress.advance(self._task)

    def embedding(self, pages: int) -> None:
        """So many pages are to be indexed."""
        self._left, self._remaining = pages, Remaining(pages)
        self._progress.reset(self._task, total=pages, description="Indexing pages")

    def reading(self, path: Path, page: int) -> None:
        """This page is waited for."""
        name = shown(path.name)
        name = name if len(name) <= _NAME else f"{name[: _NAME - 1]}\N{HORIZONTAL ELLIPSIS}"
        self._progress.update(self._task, doing=f"{name}, page {page}")

    def read(self, slow: bool) -> None:
        """It has come."""
        self._left -= 1
        self._remaining.read(self._clock(), slow)
        self._progress.update(self._task, advance=1, left=in_words(self._remaining.seconds()))
        if not self._left:
            self._progress.update(self._task, description="Writing the last pages", doing="")

    def page(self, ok: bool) -> None:
        """One more is in the index, or has failed."""


@contextmanager
def ingest_bar() -> Iterator[IngestBar]:
    """A bar for an ingest; it is gone when the work is done."""
    texts = [TextColumn(f"{{task.{name}}}", markup=False) for name in ("description", "fields[left]", "fields[doing]")]
    columns = (SpinnerColumn(), texts[0], BarColumn(), MofNCompleteColumn(), *texts[1:])
    with Progress(*columns, console=output.stderr, transient=True) as progress:
        yield IngestBar(progress)
