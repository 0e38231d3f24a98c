"""What was run, and who is told while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from vrag.evaluation.benchmarks.benchmark import Benchmark
from vrag.evaluation.benchmarks.task import Task
from vrag.evaluation.runs.journal import Ranked
from vrag.ingest.report import IngestReport, Progress


class Watcher(Progress, Protocol):
    """What an evaluation tells while it runs, besides its ingest's steps."""

    def task(self, task: Task, index: str) -> None:
        """A task is begun."""

    def searching(self, what: str, done: int, total: int) -> None:
        """Questions are about to be asked, `done` of which were answered before."""

    def searched(self) -> None:
        """One more question is answered."""


@dataclass(frozen=True, slots=True)
class CascadeRun:
    """The answers of one cascade in one scope.

    Args:
        scope: "union" (all pages), "document" (the question's document), or "distractors" (all tasks' pages).
        cascade: As it was asked for.
        stages: The cascade written out.
        depth: Hits judged of each search.
        benchmark: The corpus that was searched.
        answers: By query id, in the benchmark's order.
    """

    scope: str
    cascade: str
    stages: str
    depth: int
    benchmark: Benchmark
    answers: dict[str, Ranked]


@dataclass(slots=True)
class TaskRun:
    """Everything measured on one task.

    Args:
        task: What was run.
        digests: SHA-256 of each document, by file name.
        pipeline: Name and table of the index's pipeline.
        fingerprint: Facts of the model.
        model: The model as the user types it.
        ingest: What indexing did in this run.
        missing: Pages of the corpus' documents that are not in the index.
        index_bytes: Size of the index on disk.
        ingest_peak: Peak memory of indexing in bytes; None where unknown.
        search_peak: Peak memory of searching in bytes; None where unknown.
        runs: One a scope and cascade.
    """

    task: Task
    digests: Mapping[str, str]
    pipeline: Mapping[str, Any]
    fingerprint: Mapping[str, Any]
    model: str
    ingest: IngestReport
    missing: int = 0
    index_bytes: int = 0
    ingest_peak: int | None = None
    search_peak: int | None = None
    runs: list[CascadeRun] = field(default_factory=list)
