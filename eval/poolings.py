"""What each pooling keeps of the exact ranking, as the only first stage of a cascade.

    python eval/poolings.py BENCHMARK_FOLDER --index FOLDER [--json]

Copies the index (made by `python eval/development.py`), repools the copy with every pooling that fits its pages, and
asks every judged question: how many of exact MaxSim's first 10 are among the pooling's first 32, 100 and 256, and
what NDCG@10 is left when the first 256 are ranked by exact MaxSim.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vrag import Index, VragError
from vrag.evaluation.benchmarks.benchmark import Benchmark, PageRef
from vrag.evaluation.benchmarks.folder import load_benchmark
from vrag.evaluation.numbers.metrics import evaluate
from vrag.pipeline.pipeline import make_pipeline
from vrag.upkeep.repool import repool

TOP = 10
FIRST = (32, 100, 256)
POOLINGS: dict[str, dict[str, Any]] = {
    "runs-8": {"pooling": "runs", "size": 8, "cap": 128},
    "runs-16": {"pooling": "runs", "size": 16},
    "runs-64": {"pooling": "runs", "size": 64},
    "lines": {"pooling": "lines"},
    "bands": {"pooling": "bands"},
    "cells": {"pooling": "cells"},
    "hierarchical-3": {"pooling": "hierarchical", "factor": 3},
    "hierarchical-16": {"pooling": "hierarchical", "factor": 16},
    "max-mean": {"pooling": "max_mean"},
    "mean": {"pooling": "mean", "single": True, "centred": False},
    "mean-centred": {"pooling": "mean", "single": True, "centred": True},
    "muvera": {"pooling": "muvera", "single": True},
}
Ranking = dict[str, float]


def rankings(index: Index, benchmark: Benchmark, cascade: str, k: int) -> dict[str, Ranking]:
    """Score by corpus id of the first `k` pages, best first, by query id."""
    found = {}
    for query in benchmark.queries:
        if query.id in benchmark.qrels:
            hits = index.search(query.text, k=k, cascade=cascade)
            found[query.id] = {i: hit.score for hit in hits for i in benchmark.ids[PageRef(hit.doc, hit.page)]}
    return found


def measure(index: Index, benchmark: Benchmark) -> list[dict[str, Any]]:
    """One row a pooling; the first row is exact MaxSim."""
    exact = rankings(index, benchmark, "full", index.page_count)
    qrels = {query: benchmark.qrels[query] for query in exact}
    best = {query: list(ranking)[:TOP] for query, ranking in exact.items()}
    whole = float(evaluate(exact, qrels, ["ndcg@10"])["ndcg@10"].mean())
    rows: list[dict[str, Any]] = [{"pooling": "exact", "ndcg_at_10": whole, "share": 1.0}]
    for name in POOLINGS:
        found = rankings(index, benchmark, name, max(FIRST))
        kept = {f"kept_{k}": _kept(best, found, k) for k in FIRST}
        reranked = {query: {page: exact[query][page] for page in found[query]} for query in found}
        ndcg = float(evaluate(reranked, qrels, ["ndcg@10"])["ndcg@10"].mean())
        vectors = np.mean([_rows(index, page, name) for page in list(benchmark.corpus.values())[::40]])
        rows.append({"pooling": name, "vectors": float(vectors), **kept, "ndcg_at_10": ndcg, "share": ndcg / whole})
        print(f"{name}: {rows[-1]}", file=sys.stderr, flush=True)
    return rows


def _kept(best: dict[str, list[str]], found: dict[str, Ranking], k: int) -> float:
    return float(np.mean([len(set(top) & set(list(found[query])[:k])) / len(top) for query, top in best.items()]))


def _rows(index: Index, page: PageRef, name: str) -> int:
    return len(np.atleast_2d(index.vectors(page.doc, page.page, name)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, or one JSON object; 1 when something is missing."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("benchmark", type=Path)
    parser.add_argument("--index", type=Path, required=True, help="index of its PDFs; it is copied, not changed")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    pipeline = make_pipeline("poolings", {"description": "every pooling of words", "vectors": POOLINGS}, "poolings")
    try:
        benchmark = load_benchmark(options.benchmark)
        with tempfile.TemporaryDirectory(dir=options.index.absolute().parent) as place:
            copy = shutil.copytree(options.index, Path(place) / "index")
            repool(copy, pipeline)
            with Index.open(copy) as index:
                rows = measure(index, benchmark)
    except VragError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps({"benchmark": benchmark.name, "rows": rows}))
        return 0
    print("| pooling | vectors a page | top 10 among 32 | 100 | 256 | NDCG@10 | of exact |\n|" + " --- |" * 7)
    for row in rows[1:]:
        kept = " | ".join(f"{row[f'kept_{k}']:.3f}" for k in FIRST)
        print(f"| `{row['pooling']}` | {row['vectors']:.0f} | {kept} | {row['ndcg_at_10']:.3f} | {row['share']:.1%} |")
    print(f"| exact MaxSim | | | | | {rows[0]['ndcg_at_10']:.3f} | |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
