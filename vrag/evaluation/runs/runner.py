"""Run tasks: index the pages once, ask every question of every scope and cascade, write each answer down."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from vrag.bits.kernels.compiled import compile_now
from vrag.cascade.cascade import Cascade
from vrag.embedders.families import canonical_name
from vrag.evaluation.benchmarks.benchmark import Benchmark, Query
from vrag.evaluation.benchmarks.task import DOCUMENT, UNION, Options, Task
from vrag.evaluation.runs.answers import JOURNALS, Journal, Ranked
from vrag.evaluation.runs.corpus import Corpus, digests_of, refuse_foreign
from vrag.evaluation.runs.indexes import fill_index, index_bytes, open_index
from vrag.evaluation.runs.ranking_memory import PeakMemory
from vrag.index import Index
from vrag.ingest.report import IngestReport, Progress
from vrag.pipeline.choosing import choose_pipeline
from vrag.pipeline.pipeline import load_pipeline
from vrag.search.hit import Hit

WARM = "warm"
TOP = 10  # hits of the timed search: a page of results


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


def run_task(task: Task, options: Options, watcher: Watcher) -> TaskRun:
    """Index and question one task; what an interrupted run has done is not done again.

    Raises:
        VragError: The index cannot be made or used, a cascade is wrong, or a search fails.
    """
    digests = digests_of(task.benchmark)
    with _index(digests, options) as index:
        for cascade in options.cascades:
            index.pipeline.cascade(cascade)  # a mistake shall not cost an ingest
        refuse_foreign(task.benchmark, index.documents, digests)  # before anything is added to a user's index
        watcher.task(task, index.place.name)
        report = IngestReport(index=index.place.name)
        with PeakMemory() as ingest_memory:
            fill_index(index, task.benchmark, digests, watcher, report)
        corpus = Corpus.match(task.benchmark, index.documents, digests)
        run = _begun(task, digests, index, report)
        run.ingest_peak = ingest_memory.peak_bytes if report.added else None
        with PeakMemory() as search_memory:
            for scope in scopes_of(task):
                run.runs += run_scope(task, index, corpus, digests, scope, options, watcher)
        run.search_peak = search_memory.peak_bytes
        run.index_bytes = index_bytes(index)
    return run


def scopes_of(task: Task) -> tuple[str, ...]:
    """All pages, and where questions were written about one document also that document alone."""
    return (UNION, DOCUMENT) if any(query.doc for query in task.benchmark.judged) else (UNION,)


def queries_of(task: Task, scope: str) -> list[Query]:
    """The judged questions that a scope asks."""
    return [query for query in task.benchmark.judged if scope != DOCUMENT or query.doc]


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


def run_scope(
    task: Task,
    index: Index,
    corpus: Corpus,
    digests: Mapping[str, str],
    scope: str,
    options: Options,
    watcher: Watcher,
) -> Iterator[CascadeRun]:
    """Ask the questions of a scope with every cascade.

    Args:
        task: Its benchmark is the corpus searched.
        index: Holds that corpus and nothing else.
        corpus: The index's pages as corpus ids.
        digests: SHA-256 of each document, by file name.
        scope: See `CascadeRun`.
        options: Cascades, depth, journals.
        watcher: Told of every step.
    """
    queries = queries_of(task, scope)
    for name in options.cascades or (index.pipeline.default_cascade,):
        cascade = index.pipeline.cascade(name)
        depth = judged_depth(cascade, options.depth, index.page_count)
        belongs_to = {
            "task": task.name,
            "corpus": _corpus_digest(task, digests),
            "model": index.embedder.fingerprint().digest,
            "pipeline": dict(index.pipeline.source),
            "scope": scope,
            "cascade": str(cascade),
            "depth": depth,
        }
        path = options.out / JOURNALS / f"{file_name(task.name, scope, name)}.jsonl"
        questions = {query.id: query.text for query in queries}
        journal = Journal.open(path, belongs_to, questions, options.resume)
        _ask_all(index, corpus, scope, name, depth, queries, journal, watcher)
        answers = {query.id: journal.answers[query.id] for query in queries}
        yield CascadeRun(scope, name, str(cascade), depth, task.benchmark, answers)


def judged_depth(cascade: Cascade, depth: int, pages: int) -> int:
    """Hits to ask for: `depth`, or fewer where more would make an earlier stage let more pages through.

    What comes before a step that reads may let more through: those are not read.
    """
    ends = cascade.steps[-2:] if cascade.reading else cascade.steps[-1:]
    limited = [part for part in (*cascade.stages, *cascade.steps) if all(part is not end for end in ends)]
    earlier = [part.limit.within(1, pages) for part in limited if part.limit]
    return max(TOP, min([depth, *earlier])) if depth > TOP else depth


def _ask_all(
    index: Index,
    corpus: Corpus,
    scope: str,
    cascade: str,
    depth: int,
    queries: Sequence[Query],
    journal: Journal,
    watcher: Watcher,
) -> None:
    """Ask what the journal has no answer to."""
    open_queries = [query for query in queries if query.id not in journal.answers]
    watcher.searching(f"{scope}, {cascade}", len(queries) - len(open_queries), len(queries))
    for query in open_queries[:1]:  # what is loaded, read or compiled on first use is not timed
        compile_now()
        _search(index, corpus, query, scope, cascade, TOP)
        index.embed_query(WARM)  # an index remembers its last query, which is to be embedded again
    for query in open_queries:
        started = time.perf_counter()
        ranking, first = _search(index, corpus, query, scope, cascade, min(TOP, depth))
        seconds = time.perf_counter() - started
        if depth > TOP:
            ranking, first = _search(index, corpus, query, scope, cascade, depth)
        journal.add(query, Ranked(ranking, seconds, index.snippet(query.text, first) if first else ""))
        watcher.searched()


def _search(
    index: Index, corpus: Corpus, query: Query, scope: str, cascade: str, k: int
) -> tuple[dict[str, float], Hit | None]:
    """The ranking of one search and its first hit; of a document that is not in the index nothing is found."""
    where: tuple[str, ...] = ()
    if scope == DOCUMENT:
        name = corpus.names.get(query.doc or "")
        if name is None:
            return {}, None
        where = (f"doc={name}",)
    wanted = k
    while True:
        hits = index.search(query.text, k=wanted, cascade=cascade, where=where)
        ranking = corpus.ranking(hits, k)
        if len(ranking) == k or len(hits) < wanted:
            return ranking, next((hit for hit in hits if corpus.ranking([hit], 1)), None)
        wanted *= 2  # pages that are no part of the corpus took the place of others


def _corpus_digest(task: Task, digests: Mapping[str, str]) -> str:
    """SHA-256 of the corpus ids and the pages they stand for."""
    pages = sorted([corpus_id, digests[page.doc], page.page] for corpus_id, page in task.benchmark.corpus.items())
    return hashlib.sha256(json.dumps(pages).encode()).hexdigest()


def file_name(*parts: str) -> str:
    """A file's name from names that may hold anything; a digest keeps apart what would look alike."""
    plain = ".".join(re.sub(r"[^\w-]+", "-", part).strip("-") for part in parts)
    exact = ".".join(parts)
    return plain if plain == exact else f"{plain[:120]}-{hashlib.sha256(exact.encode()).hexdigest()[:8]}"
