"""Which tasks the words on the command line mean, and where their data is."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vrag.errors import UsageError
from vrag.evaluation.benchmarks.folder import is_folder_benchmark, load_benchmark
from vrag.evaluation.benchmarks.hub import find_tables, has_tables
from vrag.evaluation.benchmarks.page_pictures import PICTURES, PictureFolder
from vrag.evaluation.benchmarks.parquet import read_benchmark
from vrag.evaluation.benchmarks.question_tables import load_question_file
from vrag.evaluation.benchmarks.suites import SuiteTask, find_suite_tasks, load_suites
from vrag.evaluation.benchmarks.task import Task

MIRROR_ENV = "VRAG_VIDORE_DIR"
_SPLIT = "test"


@dataclass(frozen=True, slots=True)
class Places:
    """Where data may be.

    Args:
        cache: Folder of pages that come as pictures, and of indexes.
        data: Folder of local copies of data sets, each called by its hub id or the last part of it; None for none.
        tell: Told what a user should know: tasks that are skipped, data of another size than the suite's.
    """

    cache: Path
    data: Path | None
    tell: Callable[[str], None]


def places(cache: Path, data: Path | None, tell: Callable[[str], None]) -> Places:
    """`Places` with the folder of copies from `VRAG_VIDORE_DIR` when none is named.

    Raises:
        UsageError: The folder of copies does not exist.
    """
    named = os.environ.get(MIRROR_ENV)
    folder = data or (Path(named) if named else None)
    if folder is not None and not folder.is_dir():
        raise UsageError(f"There is no folder {folder} with copies of data sets.", f"See --data and {MIRROR_ENV}.")
    return Places(cache, folder, tell)


def load_tasks(words: Sequence[str], where: Places) -> list[Task]:
    """The tasks of all words, in their order, read and checked.

    Args:
        words: Suites ("vidore", "vidore-v2"), tasks of one ("vidore-v2/esg_reports"), folders of benchmarks, files of
            questions.
        where: Where data may be.

    Raises:
        UsageError: A word names nothing.
        VragError: A benchmark is malformed, or its data cannot be had.
    """
    if not words:
        raise UsageError(
            "Name a benchmark.", f"A folder, a file of questions, or one of: vidore, {', '.join(load_suites())}."
        )
    return [task for word in words for task in _of_word(word, where)]


def load_folders(names: Sequence[str]) -> list[Task]:
    """The tasks of files of questions, and of benchmark folders in our own layout or BEIR's.

    Raises:
        UsageError: A folder is missing or no benchmark.
        VragError: A benchmark is malformed.
    """
    benchmarks = [load_question_file(Path(name)) if Path(name).is_file() else load_benchmark(name) for name in names]
    return [Task(one.name, one, source=name) for one, name in zip(benchmarks, names, strict=True)]


def _of_word(word: str, where: Places) -> list[Task]:
    suite = find_suite_tasks(word)
    if not suite:
        return [_from_folder(Path(word), where)]
    for task in suite:
        if task.private:
            where.tell(f"{task.suite}/{task.key} is skipped: its data is private, only mteb's makers can run it.")
    return [_from_suite(task, where) for task in suite if not task.private]


def _from_suite(task: SuiteTask, where: Places) -> Task:
    copy = _copy_of(task, where.data)
    tables = find_tables(str(copy or task.hub), task.split, where.cache, None if copy else task.revision)
    benchmark = read_benchmark(task.name, tables, PictureFolder(where.cache / PICTURES))
    if task.pages is not None and len(benchmark.corpus) != task.pages:
        where.tell(f"{task.name} has {len(benchmark.corpus)} pages here and {task.pages} in the suite: figures differ.")
    return Task(
        name=task.name,
        benchmark=benchmark,
        metric=task.metric,
        suite=task.suite,
        source=str(copy or task.hub),
        revision=None if copy else task.revision,
        split=task.split,
        codes=task.languages,
    )


def _copy_of(task: SuiteTask, data: Path | None) -> Path | None:
    """The local copy of a task's data: DATA/ORG/NAME, or DATA/NAME."""
    if data is None:
        return None
    names = [name for hub in (task.hub, *task.also) for name in (hub, hub.rpartition("/")[2])]
    return next((data / name for name in (*names, task.key, task.name) if (data / name).is_dir()), None)


def _from_folder(folder: Path, where: Places) -> Task:
    if folder.is_file():
        return load_folders([str(folder)])[0]
    if not folder.is_dir():
        known = f"Suites: vidore, {', '.join(load_suites())}; one of their tasks: vidore-v2/esg_reports; or a folder."
        raise UsageError(f"There is no benchmark, folder or file {folder}.", known)
    if is_folder_benchmark(folder) or not has_tables(folder):
        benchmark = load_benchmark(folder)
    else:
        tables = find_tables(str(folder), _SPLIT, where.cache)
        benchmark = read_benchmark(folder.absolute().name, tables, PictureFolder(where.cache / PICTURES))
    return Task(benchmark.name, benchmark, source=str(folder))
