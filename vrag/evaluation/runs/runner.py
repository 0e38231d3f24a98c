"""Run tasks: index the pages once, ask every question of every scope and cascade, write each answer down."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence

from vrag.cascade.cascade import Cascade
from vrag.evaluation.benchmarks.benchmark import Query
from vrag.evaluation.benchmarks.task import DOCUMENT, UNION, Options, Task
from vrag.evaluation.runs.corpus import Corpus
from vrag.evaluation.runs.indexes import index_bytes
from vrag.evaluation.runs.journal import JOURNALS, RANKED, Journal, Ranked
from vrag.evaluation.runs.ranking_memory import PeakMemory
from vrag.evaluation.runs.task_index import task_index
from vrag.evaluation.runs.task_run import CascadeRun, TaskRun, Watcher
from vrag.index import Index
from vrag.search.hit import Hit

WARM = "warm"
TOP = 10  # hits of the timed search: a page of results


def run_task(task: Task, options: Options, watcher: Watcher) -> TaskRun:
    """Index and question one task; what an interrupted run has done is not done again.

    Raises:
        VragError: The index cannot be made or used, a cascade is wrong, or a search fails.
    """
    with task_index(task, options, watcher) as (index, corpus, run):
        with PeakMemory() as search_memory:
            for scope in scopes_of(task):
                run.runs += run_scope(task, index, corpus, run.digests, scope, options, watcher)
        run.search_peak = search_memory.peak_bytes
        run.index_bytes = index_bytes(index)
    return run


def scopes_of(task: Task) -> tuple[str, ...]:
    """All pages, and where questions were written about one document also that document alone."""
    return (UNION, DOCUMENT) if any(query.doc for query in task.benchmark.judged) else (UNION,)


def queries_of(task: Task, scope: str) -> list[Query]:
    """The judged questions that a scope asks."""
    return [query for query in task.benchmark.judged if scope != DOCUMENT or query.doc]


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
            "corpus": corpus_pages_digest(task, digests),
            "model": index.embedder.fingerprint().digest,
            "pipeline": dict(index.pipeline.source),
            "scope": scope,
            "cascade": str(cascade),
            "depth": depth,
        }
        path = options.out / JOURNALS / f"{file_name(task.name, scope, name)}.jsonl"
        questions = {query.id: query.text for query in queries}
        journal = Journal.open(path, belongs_to, questions, RANKED, options.resume)
        _ask_all(index, corpus, scope, name, depth, queries, journal, watcher)
        answers = {query.id: journal.answers[query.id] for query in queries}
        yield CascadeRun(scope, name, str(cascade), depth, task.benchmark, answers)


def judged_depth(cascade: Cascade, depth: int, pages: int) -> int:
    """Hits to ask for: `depth`, or fewer where more would make an earlier stage let more pages through.

    What comes before steps that put the first pages in a new order may let more through: those are not looked at.
    """
    ends = cascade.steps[-1 - len(cascade.reordering) :]
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
    journal: Journal[Ranked],
    watcher: Watcher,
) -> None:
    """Ask what the journal has no answer to."""
    open_queries = [query for query in queries if query.id not in journal.answers]
    watcher.searching(f"{scope}, {cascade}", len(queries) - len(open_queries), len(queries))
    for query in open_queries[:1]:  # what is loaded or read on first use is not timed
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


def corpus_pages_digest(task: Task, digests: Mapping[str, str]) -> str:
    """SHA-256 of the corpus ids and the pages they stand for."""
    pages = sorted([corpus_id, digests[page.doc], page.page] for corpus_id, page in task.benchmark.corpus.items())
    return hashlib.sha256(json.dumps(pages).encode()).hexdigest()


def file_name(*parts: str) -> str:
    """A file's name from names that may hold anything; a digest keeps apart what would look alike."""
    plain = ".".join(re.sub(r"[^\w-]+", "-", part).strip("-") for part in parts)
    exact = ".".join(parts)
    return plain if plain == exact else f"{plain[:120]}-{hashlib.sha256(exact.encode()).hexdigest()[:8]}"
