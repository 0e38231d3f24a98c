"""A bar on stderr for work whose steps can be counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from vrag.cli import output


@contextmanager
def counted(what: str, total: int) -> Iterator[Callable[[], None]]:
    """A bar of `total` steps; what it yields is called after each. It is gone when the work is done."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=output.stderr, transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda: progress.advance(task)
