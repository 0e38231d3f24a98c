"""The index of a task: opened or made, filled with the task's documents, and matched with its corpus."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from vrag.embedders.families import canonical_name
from vrag.evaluation.benchmarks.task import Options, Task
from vrag.evaluation.runs.corpus import Corpus, digests_of, refuse_foreign
from vrag.evaluation.runs.indexes import fill_index, open_index
from vrag.evaluation.runs.ranking_memory import PeakMemory
from vrag.evaluation.runs.task_run import TaskRun, Watcher
from vrag.index import Index
from vrag.ingest.report import IngestReport
from vrag.pipeline.choosing import choose_pipeline
from vrag.pipeline.pipeline import load_pipeline


@contextmanager
def task_index(task: Task, options: Options, watcher: Watcher) -> Iterator[tuple[Index, Corpus, TaskRun]]:
    """The index, open while the block runs, its pages as corpus ids, and a run with all that is known before asking.

    Raises:
        VragError: The index cannot be made or used, or a cascade is wrong.
    """
    digests = digests_of(task.benchmark)
    with _index(digests, options) as index:
        for cascade in options.cascades:
            index.pipeline.cascade(cascade)  # a mistake shall not cost an ingest
        refuse_foreign(task.benchmark, index.documents, digests)  # before anything is added to a user's index
        watcher.task(task, index.place.name)
        report = IngestReport(index=index.place.name)
        with PeakMemory() as memory:
            fill_index(index, task.benchmark, digests, watcher, report)
        run = _begun(task, digests, index, report)
        run.ingest_peak = memory.peak_bytes if report.added else None
        yield index, Corpus.match(task.benchmark, index.documents, digests), run


@contextmanager
def _index(digests: Mapping[str, str], options: Options) -> Iterator[Index]:
    if options.place is None:
        pipeline = choose_pipeline(options.pipeline, options.model, options.how)
        opened = open_index(digests, options.cache, pipeline, options.how, options.wait)
    elif options.place.holds_index():
        opened = Index.hold(options.place, options=options.how)
    else:
        opened = Index.create(options.place, options.pipeline, options.model, options=options.how)
    with opened:
        _refuse_other_pipeline(opened, options)
        yield opened


def _refuse_other_pipeline(index: Index, options: Options) -> None:
    """Raise `IndexMismatchError` when the index that was named has another pipeline or model than those that were."""
    made = index.pipeline
    asked = load_pipeline(options.pipeline).over(made) if options.pipeline else made
    asked = asked.with_model(canonical_name(options.model) if options.model else None)
    for one in made.differences(asked, index.embedder.page_spec):
        if one.parts_pages:
            named = "model" if one.key == "model" and options.model else "pipeline"
            raise one.error(index.place.name, f"Leave --{named} out, or name another place.")


def _begun(task: Task, digests: Mapping[str, str], index: Index, report: IngestReport) -> TaskRun:
    documents = index.documents.all()
    known = {document.doc_id for document in documents}
    absent = sum(digests[page.doc] not in known for page in task.benchmark.ids)
    pipeline = {"name": index.pipeline.name, "table": dict(index.pipeline.source)}
    facts = dict(index.embedder.fingerprint().facts)
    run = TaskRun(task, digests, pipeline, facts, index.embedder.name, report)
    run.missing = sum(document.pages for document in documents) - index.page_count + absent
    return run
