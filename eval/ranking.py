"""What the last steps of the default cascade add to the ranking, on labelled questions, through the public API.

    python eval/ranking.py BENCHMARK=INDEX [BENCHMARK=INDEX ...] [--read] [--json FILE]

BENCHMARK is a folder as docs/reference/evaluation.md has it, INDEX one of its pages. Every question is asked of all
pages (`union`) and of its own document (`document`). The table has NDCG@10 of the default cascade without its last
steps and with each part of `wording`, differences with 95 % intervals and p of a paired randomisation test, and what
comes of it where the weight and the number of pages are chosen on other documents. `--read` asks with `read(...)` as
well.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import numpy.typing as npt

from vrag import Hit, Index, VragError
from vrag.cascade.cascade import Cascade, Wording
from vrag.evaluation.benchmarks.benchmark import Benchmark, PageRef, Query
from vrag.evaluation.benchmarks.folder import load_benchmark
from vrag.evaluation.numbers.metrics import evaluate
from vrag.evaluation.numbers.statistics import bootstrap_interval, randomisation_test
from vrag.grid import FloatArray
from vrag.pipeline.pipeline import load_pipeline
from vrag.search.named_pages import LAST
from vrag.search.wording_shares import AskedWords, plain_text

TOP, DEEPEST = 10, 50
SCOPES = ("union", "document")
PARTS = ("title", "pairs", "years", "places")
PAGES = (10, 20, 30, 50)
WEIGHTS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
IntArray, BoolArray = npt.NDArray[np.int64], npt.NDArray[np.bool_]
Words = Mapping[tuple[str, int], str]  # of a page as `plain_text` has them, by document id and page


@dataclass(frozen=True, slots=True)
class Asking:
    """A question asked of one scope, without the last steps.

    Args:
        group: Set and scope.
        doc: The document that the question is about.
        ids: Corpus ids of the n pages found, best first, and behind them of pages that the question names by number.
        docs: int64 [n + named], which document each page is of.
        scores: float64 [n], of those found.
        shares: float64 [n + named, 4], what `wording` finds on them, in the order of `PARTS`.
        named: bool [n + named], which of them the question names by number.
        grades: Of the labelled pages, by corpus id.
    """

    group: tuple[str, str]
    doc: str
    ids: tuple[str, ...]
    docs: IntArray
    scores: FloatArray
    shares: FloatArray
    named: BoolArray
    grades: Mapping[str, int]

    def ndcg(self, pages: int, weight: float, parts: Sequence[str] = PARTS) -> float:
        """NDCG@10 with the first pages in a new order."""
        if not (pages and len(self.scores)):
            return _ndcg(self.ids[: len(self.scores)], self.grades)
        first = np.arange(len(self.ids)) < min(pages, len(self.scores))
        before = np.full(len(self.ids), -np.inf)
        before[: len(self.scores)] = self.scores
        if "places" in parts:
            joining = self.named & np.isin(self.docs, self.docs[first])
            before[joining] = [
                self.scores[(self.docs[: len(self.scores)] == doc).argmax()] for doc in self.docs[joining]
            ]
            first |= joining
        lifts = self.shares[:, [PARTS.index(part) for part in parts]].sum(axis=1)
        after = np.where(first, before + weight * abs(self.scores[0]) * lifts, -np.inf)
        order = [*np.argsort(-after, kind="stable")[: first.sum()], *np.flatnonzero(~first)]
        return _ndcg([self.ids[i] for i in order if first[i] or i < len(self.scores)], self.grades)


def main(arguments: Sequence[str] | None = None) -> int:
    """Ask and print; 1 when a set cannot be asked."""
    options = _parse(arguments)
    try:
        askings, costs, read = _ask_sets(options.sets, options.read)
    except VragError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    report = {"rows": _rows(askings, read), "left_out": _left_out(askings), "milliseconds": costs}
    _print(report, askings)
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0


def _ask_sets(sets: Sequence[str], reads: bool) -> tuple[list[Asking], dict[str, Any], list[float]]:
    askings: list[Asking] = []
    costs: dict[str, Any] = {}
    read: list[float] = []
    for folder, _, path in (text.partition("=") for text in sets):
        benchmark = load_benchmark(Path(folder))
        with Index.open(Path(path)) as index:
            words: Words = {(doc, page): plain_text(" ".join(texts)) for doc, page, texts in index.texts()}
            names = {
                document.doc_id: (PurePath(document.paths[0]), document.pages) for document in index.documents.all()
            }
            queries = [query for query in benchmark.queries if query.id in benchmark.qrels and query.doc]
            for scope, query in product(SCOPES, queries):
                askings.append(_ask(index, benchmark, scope, query, words, names))
                if reads:
                    hits = _search(index, scope, query, str(_shipped("read")), TOP)
                    read.append(_ndcg([_id(benchmark, hit) for hit in hits], benchmark.qrels[query.id]))
                print(f"{benchmark.name}: {len(askings)} asked", end="\r", file=sys.stderr)
            costs[benchmark.name] = {"pages": index.page_count, **_costs(index, queries)}
    return askings, costs, read


def _ask(
    index: Index,
    benchmark: Benchmark,
    scope: str,
    query: Query,
    words: Words,
    names: Mapping[str, tuple[PurePath, int]],
) -> Asking:
    hits = _search(index, scope, query, str(_shipped("best").plain), DEEPEST)
    asked, docs = AskedWords.of(query.text), list(dict.fromkeys(hit.doc_id for hit in hits))
    named = {(doc, names[doc][1] if page == LAST else page) for doc in docs for page in asked.pages}
    found = [(hit.doc_id, hit.page) for hit in hits]
    places = [*found, *sorted(named.difference(found) & words.keys())]
    shares = [asked.shares(words[place], names[place[0]][0].stem, place in named) for place in places]
    return Asking(
        (benchmark.name, scope),
        f"{benchmark.name}/{query.doc}",
        tuple(benchmark.ids[PageRef(names[doc][0].name, page)][0] for doc, page in places),
        np.array([docs.index(doc) for doc, _ in places], np.int64),
        np.array([hit.score for hit in hits]),
        np.array(shares, np.float64).reshape(len(places), len(PARTS)),
        np.array([place in named for place in places], np.bool_),
        benchmark.qrels[query.id],
    )


def _search(index: Index, scope: str, query: Query, cascade: str, k: int) -> list[Hit]:
    return index.search(query.text, k=k, cascade=cascade, where=f"doc={query.doc}" if scope == "document" else ())


def _id(benchmark: Benchmark, hit: Hit) -> str:
    return benchmark.ids[PageRef(hit.doc, hit.page)][0]


def _ndcg(ids: Sequence[str], grades: Mapping[str, int]) -> float:
    run = {"": {page: float(-rank) for rank, page in enumerate(ids[:TOP])}}
    return float(evaluate(run, {"": dict(grades)}, [f"ndcg@{TOP}"])[f"ndcg@{TOP}"][0])


def _costs(index: Index, queries: Sequence[Query]) -> dict[str, float]:
    """Median milliseconds of a search without and with the last steps, which take turns."""
    cascades = {"before": str(_shipped("best").plain), "best": str(_shipped("best"))}
    seconds: dict[str, list[float]] = {name: [] for name in cascades}
    for query, (name, cascade) in product(queries, cascades.items()):
        index.embed_query(query.text)  # the index remembers it, so it is nobody's cost
        started = time.perf_counter()
        index.search(query.text, k=TOP, cascade=cascade)
        seconds[name].append(time.perf_counter() - started)
    return {name: 1000 * statistics.median(taken) for name, taken in seconds.items()}


def _rows(askings: Sequence[Asking], read: Sequence[float]) -> list[dict[str, Any]]:
    usual = _usual()
    before = np.array([asking.ndcg(0, 0) for asking in askings])
    found = {"before": before}
    for parts in (*([part] for part in PARTS), *([p for p in PARTS if p != part] for part in PARTS), PARTS):
        found[" + ".join(parts)] = np.array([asking.ndcg(*usual, parts) for asking in askings])
    if read:
        found["all, and read"] = np.array(read)
    return [_row(name, askings, values, before) for name, values in found.items()]


def _usual() -> tuple[int, float]:
    """Pages and weight as the built-in pipeline has them."""
    (step,) = (step for step in _shipped("best").reordering if isinstance(step, Wording))
    return step.pages, step.weight


def _row(name: str, askings: Sequence[Asking], values: FloatArray, before: FloatArray) -> dict[str, Any]:
    cells = {}
    for group in dict.fromkeys(asking.group for asking in askings):
        chosen = [i for i, asking in enumerate(askings) if asking.group == group]
        gain = (values - before)[chosen]
        p_value = randomisation_test(values[chosen], before[chosen])
        cells[", ".join(group)] = (values[chosen].mean(), gain.mean(), *bootstrap_interval(gain), p_value)
    return {"name": name, "cells": cells, "p": randomisation_test(values, before)}


def _left_out(askings: Sequence[Asking]) -> dict[str, Any]:
    """NDCG@10 on each document with the pages and the weight that are best on all others, and what these were."""
    grid = list(product(PAGES, WEIGHTS))
    scores = np.array([[asking.ndcg(*setting) for setting in grid] for asking in askings])
    groups = np.array([", ".join(asking.group) for asking in askings])
    docs, sets = (np.array(column) for column in zip(*((a.doc, a.group[0]) for a in askings), strict=True))
    found, chosen = np.zeros(len(askings)), Counter[tuple[int, float]]()
    for doc in dict.fromkeys(docs.tolist()):
        best = _best(scores, groups, docs != doc)
        found[docs == doc] = scores[docs == doc, best]
        chosen[grid[best]] += 1
    by_set = {}
    for name in dict.fromkeys(sets.tolist()):
        if (sets != name).any():
            best = _best(scores, groups, sets != name)
            by_set[name] = {"setting": grid[best], **_means(scores[:, best], groups, sets == name)}
    every = np.ones(len(askings), np.bool_)
    return {"chosen": {str(key): n for key, n in chosen.items()}, "ndcg": _means(found, groups, every), "sets": by_set}


def _best(scores: FloatArray, groups: Any, is_used: Any) -> int:
    """The column with the best mean over groups, each of which counts alike."""
    means = [scores[is_used & (groups == group)].mean(axis=0) for group in sorted(set(groups[is_used].tolist()))]
    return int(np.mean(means, axis=0).argmax())


def _means(values: FloatArray, groups: Any, is_used: Any) -> dict[str, float]:
    return {
        group: float(values[is_used & (groups == group)].mean()) for group in dict.fromkeys(groups[is_used].tolist())
    }


def _shipped(name: str) -> Cascade:
    """A cascade of the built-in pipeline, whatever the index was made with."""
    return load_pipeline().cascade(name)


def _print(report: Mapping[str, Any], askings: Sequence[Asking]) -> None:
    pages, weight = _usual()
    names = list(dict.fromkeys(", ".join(asking.group) for asking in askings))
    print(f"NDCG@{TOP}; wording({pages}, weight={weight}) and its parts; differences from before [95 %], p\n")
    print(f"| | {' | '.join(names)} | p of all |\n|{' --- |' * (len(names) + 2)}")
    for row in report["rows"]:
        cells = [_cell(row["cells"][name], row["name"] == "before") for name in names]
        print(f"| {row['name']} | {' | '.join(cells)} | {row['p']:.4f} |")
    left_out = report["left_out"]
    print(_left_out_row(left_out["ndcg"], names))
    print(f"\nPages and weight chosen on the other documents: {left_out['chosen']}")
    for name, found in left_out["sets"].items():
        print(f"{name}, chosen on the other sets: {found}")
    for name, cost in report["milliseconds"].items():
        print(f"{name}, {cost['pages']} pages: median {cost['before']:.0f} ms before, {cost['best']:.0f} ms with all")


def _left_out_row(means: Mapping[str, float], names: Sequence[str]) -> str:
    cells = [f"{means[name]:.3f}" for name in names]
    return f"| chosen without the document | {' | '.join(cells)} | |"


def _cell(values: Sequence[float], is_first: bool) -> str:
    mean, gain, low, high, p_value = values
    return f"{mean:.3f}" if is_first else f"{mean:.3f}, {gain:+.3f} [{low:+.3f}, {high:+.3f}], {p_value:.3f}"


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("sets", nargs="+", metavar="BENCHMARK=INDEX")
    parser.add_argument("--read", action="store_true", help="with the cross-encoder as well")
    parser.add_argument("--json", type=Path, help="write what was measured to this file")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
