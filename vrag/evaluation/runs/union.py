"""The union corpus: every task's questions asked of all tasks' pages, so that the others' pages are distractors.

The pages are not embedded again: their records are copied from the tasks' own indexes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from vrag.evaluation.benchmarks.benchmark import Benchmark, PageRef
from vrag.evaluation.benchmarks.task import DISTRACTORS, Options
from vrag.evaluation.runs.corpus import Corpus
from vrag.evaluation.runs.indexes import is_whole, open_index
from vrag.evaluation.runs.runner import run_scope
from vrag.evaluation.runs.task_run import TaskRun, Watcher
from vrag.pipeline.pipeline import make_pipeline
from vrag.places.place import as_place
from vrag.upkeep.transfer import transfer


def run_union(runs: Sequence[TaskRun], options: Options, watcher: Watcher) -> None:
    """Ask every task's questions of the pages of all; the answers are added to the runs, as scope `distractors`.

    Args:
        runs: From `run_task`, of one pipeline and model.
        options: How they were run.
        watcher: Told of every step.
    """
    digests = {_path(run, doc): digest for run in runs for doc, digest in run.digests.items()}
    pipeline = make_pipeline(runs[0].pipeline["name"], runs[0].pipeline["table"], runs[0].ingest.index)
    with open_index(digests, options.cache, pipeline, options.how) as index:
        place, whole = index.place, is_whole(index, set(digests.values()))
    if not whole:
        for run in runs:
            transfer(as_place(run.ingest.index), place, _Copying(watcher))
    with open_index(digests, options.cache, pipeline, options.how) as index:
        for run in runs:
            task = replace(run.task, benchmark=with_distractors(run, runs))
            watcher.task(task, index.place.name)
            corpus = Corpus.match(task.benchmark, index.documents, digests)
            run.runs += run_scope(task, index, corpus, digests, DISTRACTORS, options, watcher)


def with_distractors(run: TaskRun, runs: Sequence[TaskRun]) -> Benchmark:
    """A task's benchmark with the pages of the others, whose ids are told apart by their task's name.

    A page that is in the task's own corpus as well, by content, is no distractor of itself and stays out.
    """
    corpus: dict[str, PageRef] = {}
    own: set[tuple[str, int]] = set()
    for other in (run, *(r for r in runs if r is not run)):
        for corpus_id, page in other.task.benchmark.corpus.items():
            key = (other.digests[page.doc], page.page)
            if other is run:
                own.add(key)
            if other is run or key not in own:
                name = corpus_id if other is run else f"{other.task.name}/{corpus_id}"
                corpus[name] = PageRef(_path(other, page.doc), page.page)
    queries = [replace(query, doc=None) for query in run.task.benchmark.queries]
    return replace(run.task.benchmark, corpus=corpus, queries=queries, pdfs=Path())


def _path(run: TaskRun, doc: str) -> str:
    """A document's whole path: file names of two tasks may be the same."""
    return str((run.task.benchmark.pdfs / doc).absolute())


class _Copying:
    """Progress of a copy, told to the watcher of an evaluation."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher

    def starting(self, records: int) -> None:
        """So many records are to be looked at."""
        self._watcher.embedding(records)

    def done(self, records: int) -> None:
        """So many more are at the target."""
        for _ in range(records):
            self._watcher.looked()
