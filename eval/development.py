"""Quality and speed on the development sets, through the public API.

    python eval/development.py DATA_FOLDER [--sets ...] [--index-root DIR] [--cascades ...] [--ablation] [--json FILE]

Ingests the PDFs of each set (an index that exists is gone on with), asks every question of all pages
(`union`) and of its own document (`document`), and compares each cascade with the exact one.
The tables go to stdout, progress to stderr.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import vrag
from vrag import Index, IngestReport, VragError
from vrag.evaluation.benchmarks.benchmark import Benchmark, PageRef, Query
from vrag.evaluation.benchmarks.folder import load_benchmark
from vrag.evaluation.numbers.metrics import evaluate
from vrag.evaluation.numbers.statistics import ConfidenceInterval, bootstrap_interval, randomisation_test
from vrag.evaluation.runs.ranking_memory import PeakMemory
from vrag.settings import is_index

EXACT = "exact"
# The default cascade put together piece by piece.
_CANDIDATES = "union(runs@bits:384, text:64)"
ABLATION = (
    EXACT,
    *(f"{_CANDIDATES} > full@bits{part}" for part in ("", "+context", "@regions", "@regions+context")),
    f"{_CANDIDATES} > full@bits@regions+0.8*text",
    f"{_CANDIDATES} > full@bits@regions+context+0.8*text",
    f"{_CANDIDATES} > full@bits@regions+context+0.8*text:30 > wording(30)",
)
TOP = 10
DEPTH = 100
SCOPES = ("union", "document")
_HEAD = (
    "| set | scope | cascade | NDCG@10 [95 %] | % of exact | p | Recall@100 | exact's top 10 kept | median ms |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
)


@dataclass(frozen=True, slots=True)
class Answers:
    """What a cascade found for the questions of a benchmark.

    Args:
        top: Query id -> corpus id -> score, the first `TOP`.
        deep: The same, the first `DEPTH`.
        seconds: Of each search for `top`.
    """

    top: dict[str, dict[str, float]]
    deep: dict[str, dict[str, float]]
    seconds: list[float]


@dataclass(frozen=True, slots=True)
class Result:
    """One row of the table; shares of the exact cascade's figures are None when it was not run.

    Args:
        per_query: NDCG@10 by query id, for later comparisons.
    """

    scope: str
    cascade: str
    ndcg: float
    interval: ConfidenceInterval
    percent_of_exact: float | None
    p_value: float | None
    recall: float
    top_kept: float | None
    median_ms: float
    per_query: dict[str, float]

    def row(self, name: str) -> str:
        """The row in Markdown."""
        cells = [
            name,
            self.scope,
            self.cascade,
            f"{self.ndcg:.3f} [{self.interval.low:.3f}, {self.interval.high:.3f}]",
            _number(self.percent_of_exact, ".1f"),
            _number(self.p_value, ".3f"),
            f"{self.recall:.3f}",
            _number(self.top_kept, ".1%"),
            f"{self.median_ms:.1f}",
        ]
        return f"| {' | '.join(cells)} |"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the sets one after the other and print their tables; 1 when a set cannot be run."""
    options = _parse(arguments)
    report: dict[str, Any] = {"vrag": vrag.__version__, "python": platform.python_version(), "cpus": os.cpu_count()}
    report["sets"] = {}
    try:
        for name in options.sets:
            cascades = ABLATION if options.ablation else options.cascades
            report["sets"][name] = run_set(load_benchmark(options.data / name), options.index_root, cascades)
            if options.json:
                options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    except VragError as error:
        _tell(f"Error: {error}")
        return 1
    return 0


def run_set(benchmark: Benchmark, index_root: Path, cascades: Sequence[str]) -> dict[str, Any]:
    """Ingest and question one benchmark, print what comes out, and return it for the JSON file."""
    path = index_root / benchmark.name
    _tell(f"{benchmark.name}: indexing {len(benchmark.docs)} documents into {path}")
    with Index.open(path) if is_index(path) else Index.create(path) as index:
        with PeakMemory() as ingest_memory:
            report = index.ingest([benchmark.pdfs])
        print(_ingest_line(benchmark, report, index.page_count, ingest_memory), flush=True)
        print(f"\n{_HEAD}", flush=True)
        with PeakMemory() as search_memory:
            results = [r for scope in SCOPES for r in run_scope(index, benchmark, scope, cascades)]
    print(f"\n{benchmark.name}: peak memory while searching {search_memory.text}\n", flush=True)
    return {
        "ingest": asdict(report),
        "pages_a_second": report.added / report.seconds if report.added else None,
        "ingest_peak_bytes": ingest_memory.peak_bytes,
        "search_peak_bytes": search_memory.peak_bytes,
        "results": [asdict(result) for result in results],
    }


def run_scope(index: Index, benchmark: Benchmark, scope: str, cascades: Sequence[str]) -> list[Result]:
    """Every cascade on one scope; the exact one goes first, so that the others can be compared with it."""
    results: list[Result] = []
    exact: Answers | None = None
    for cascade in sorted(cascades, key=lambda name: name != EXACT):
        answers = ask_all(index, benchmark, scope, cascade)
        exact = answers if cascade == EXACT else exact
        results.append(compare(benchmark, scope, cascade, answers, exact))
        print(results[-1].row(benchmark.name), flush=True)
    return results


def ask_all(index: Index, benchmark: Benchmark, scope: str, cascade: str) -> Answers:
    """Ask every judged question of the scope; those without a document are no part of `document`."""
    queries = [q for q in benchmark.queries if q.id in benchmark.qrels and (scope == "union" or q.doc)]
    for query in queries[:1]:
        ask(index, benchmark, query, scope, cascade, TOP)  # what is loaded on first use is not timed
    top, deep, seconds = {}, {}, []
    for done, query in enumerate(queries, 1):
        started = time.perf_counter()
        hits = ask(index, benchmark, query, scope, cascade, TOP)
        seconds.append(time.perf_counter() - started)
        top[query.id] = hits
        deep[query.id] = ask(index, benchmark, query, scope, cascade, DEPTH)
        _tell(f"{benchmark.name} {scope} {cascade}: {done}/{len(queries)}", end="\r")
    return Answers(top, deep, seconds)


def ask(index: Index, benchmark: Benchmark, query: Query, scope: str, cascade: str, k: int) -> dict[str, float]:
    """One search: score by corpus id.

    Raises:
        VragError: The index holds pages that are not in the corpus.
    """
    where = f"doc={query.doc}" if scope == "document" else ()
    hits = index.search(query.text, k=k, cascade=cascade, where=where)
    try:
        return {corpus_id: hit.score for hit in hits for corpus_id in benchmark.ids[PageRef(hit.doc, hit.page)]}
    except KeyError as error:
        raise VragError(
            f"The index has {error}, which {benchmark.name} has not.", "Use another --index-root."
        ) from error


def compare(benchmark: Benchmark, scope: str, cascade: str, answers: Answers, exact: Answers | None) -> Result:
    """Quality and speed of a cascade, beside the exact one's where that was run."""
    qrels = {query: benchmark.qrels[query] for query in answers.top}
    ndcg = evaluate(answers.top, qrels, ["ndcg@10"])["ndcg@10"]
    recall = evaluate(answers.deep, qrels, ["recall@100"])["recall@100"]
    percent = p_value = kept = None
    if exact is not None:
        best = evaluate(exact.top, qrels, ["ndcg@10"])["ndcg@10"]
        percent = 100 * float(ndcg.mean() / best.mean()) if best.any() else None
        p_value = randomisation_test(ndcg, best)
        kept = float(np.mean([len(hits.keys() & exact.top[query].keys()) / len(exact.top[query])
                              for query, hits in answers.top.items() if exact.top[query]]))  # fmt: skip
    return Result(
        scope,
        cascade,
        float(ndcg.mean()),
        bootstrap_interval(ndcg),
        percent,
        p_value,
        float(recall.mean()),
        kept,
        1000 * statistics.median(answers.seconds),
        dict(zip(qrels, ndcg.tolist(), strict=True)),
    )


def _ingest_line(benchmark: Benchmark, report: IngestReport, pages: int, memory: PeakMemory) -> str:
    speed = f"{report.added / report.seconds:.2f} pages/s" if report.added else "nothing to embed"
    return (
        f"{benchmark.name}: {pages} of {len(benchmark.corpus)} pages in the index; {report.added} added in "
        f"{report.seconds:.0f} s ({speed}), {report.unchanged} there before, {len(report.failed)} failed; "
        f"peak memory while indexing {memory.text}"
    )


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    data = os.environ.get("VRAG_BENCH_DATA")
    parser.add_argument("data", type=Path, nargs="?" if data else None, default=data and Path(data),
                        help="folder of benchmark folders; by default $VRAG_BENCH_DATA")  # fmt: skip
    parser.add_argument("--sets", nargs="+", default=["mmlongbench-dev", "financebench-dev"])
    parser.add_argument("--index-root", type=Path, default=Path(".vrag/development"), help="where the indexes are")
    parser.add_argument("--cascades", nargs="+", default=[EXACT, "two-stage", "three-stage"])
    parser.add_argument("--ablation", action="store_true", help="the default cascade, piece by piece, instead")
    parser.add_argument("--json", type=Path, help="write everything measured to this file")
    return parser.parse_args(arguments)


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def _tell(message: str, end: str = "\n") -> None:
    print(message, end=end, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
