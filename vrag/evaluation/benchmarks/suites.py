"""Suites of public tasks, as data (`eval/suites/*.toml`): where they are, and by what they are ranked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from vrag.errors import UsageError
from vrag.runtime.parsing import parse_toml, read_text
from vrag.settings import data_dir

SUITES = "suites"


@dataclass(frozen=True, slots=True)
class SuiteTask:
    """A public task.

    Args:
        suite: Its suite's name, e.g. "vidore-v2".
        key: Its short name within the suite.
        name: mteb's name of it.
        hub: Id of the data set on the Hugging Face hub.
        also: Other ids of the same data; a mirror may be called by any of them.
        revision: Pinned revision of `hub`; None when none is known.
        metric: What the suite ranks by.
        split: Split of the data set.
        languages: Codes of the questions' languages, by the names the data set uses.
        queries: Questions of one language; None where unknown.
        pages: Size of the corpus; None where unknown.
        private: Not to be had: skipped, and said so.
    """

    suite: str
    key: str
    name: str
    hub: str
    also: tuple[str, ...]
    revision: str | None
    metric: str
    split: str
    languages: Mapping[str, str] = field(default_factory=dict)
    queries: int | None = None
    pages: int | None = None
    private: bool = False


@cache
def load_suites() -> Mapping[str, tuple[SuiteTask, ...]]:
    """All suites, by name."""
    files = sorted((data_dir("eval") / SUITES).glob("*.toml"))
    return {file.stem: _tasks(file.stem, parse_toml(read_text(file))) for file in files}


def find_suite_tasks(word: str) -> tuple[SuiteTask, ...]:
    """The tasks that a word means; none when it names no suite or task.

    Args:
        word: A suite ("vidore-v2"), the start of several ("vidore"), a task of one ("vidore-v2/esg_reports"), or a
            task by mteb's name ("Vidore2ESGReportsRetrieval").

    Raises:
        UsageError: A suite that has no such task.
    """
    suites = load_suites()
    everything = [task for tasks in suites.values() for task in tasks]
    suite, slash, key = word.partition("/")
    if slash and suite in suites:
        found = tuple(task for task in suites[suite] if task.key == key)
        if not found:
            raise UsageError(f"{suite} has no task {key!r}.", f"It has: {', '.join(t.key for t in suites[suite])}.")
        return found
    if slash:
        return ()
    return tuple(task for task in everything if word in (task.suite, task.suite.rpartition("-")[0], task.name))


def _tasks(suite: str, table: Mapping[str, Any]) -> tuple[SuiteTask, ...]:
    return tuple(
        SuiteTask(
            suite=suite,
            key=key,
            name=task["name"],
            hub=task["hub"],
            also=tuple(task.get("also", ())),
            revision=task.get("revision"),
            metric=table["metric"],
            split=table["split"],
            languages=table["languages"],
            queries=task.get("queries"),
            pages=task.get("pages"),
            private=task.get("private", False),
        )
        for key, task in table["tasks"].items()
    )
