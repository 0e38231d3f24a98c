"""Which tasks the words on the command line mean."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vrag.errors import UsageError
from vrag.evaluation.folder import load_benchmark
from vrag.evaluation.task import Task


def load_tasks(words: Sequence[str]) -> list[Task]:
    """The tasks of all words, in their order, read and checked.

    Args:
        words: Folders of benchmarks.

    Raises:
        UsageError: A word names nothing.
        VragError: A benchmark is malformed.
    """
    if not words:
        raise UsageError("Name a benchmark.", "e.g. vrag eval vidore-v2, or vrag eval ./my-benchmark")
    return [_from_folder(Path(word)) for word in words]


def _from_folder(folder: Path) -> Task:
    benchmark = load_benchmark(folder)
    return Task(benchmark.name, benchmark, source=str(folder))
