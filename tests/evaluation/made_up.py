"""Task runs made up without an index, so that reports can be tested on any numbers."""

from pathlib import Path

from vrag.evaluation.benchmarks.benchmark import Benchmark, PageRef, Query
from vrag.evaluation.benchmarks.task import Task
from vrag.evaluation.runs.journal import Ranked
from vrag.evaluation.runs.task_run import CascadeRun, TaskRun
from vrag.ingest.report import IngestReport


def made_up_run(hits_by_cascade, qrels, languages=None, name="made-up", metric="ndcg_at_10", seconds=0.5, **task):
    """A `TaskRun` over all pages: cascade -> query id -> corpus id -> score."""
    ids = sorted({doc for grades in qrels.values() for doc in grades}
                 | {doc for hits in hits_by_cascade.values() for found in hits.values() for doc in found})  # fmt: skip
    queries = [Query(query, f"text of <{query}>", language=(languages or {}).get(query, "")) for query in qrels]
    corpus = {doc: PageRef("d.pdf", number) for number, doc in enumerate(ids, 1)}
    benchmark = Benchmark(name, corpus, [*queries, Query("unjudged", "?")], qrels, Path("nowhere"))
    run = TaskRun(
        Task(name, benchmark, metric, **task),
        {"d.pdf": "0" * 64},
        {"name": "builtin", "table": {}},
        {"model": "some/model", "revision": "abc"},
        "builtin",
        IngestReport("index", added=4, seconds=2.0),
    )
    for cascade, found in hits_by_cascade.items():
        answers = {query: Ranked(found.get(query, {}), seconds) for query in qrels}
        run.runs.append(CascadeRun("union", cascade, f"stages of {cascade}", 100, benchmark, answers))
    return run
