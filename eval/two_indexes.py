"""Whether two indexes of the same files rank pages alike: what other weights, or fewer bits, cost.

    python eval/two_indexes.py BENCHMARK INDEX OTHER_INDEX [--pieces 1000] [--cascade best] [--json FILE]

People's questions are few, and one page that changes places in one of fifty answers moves their mean by 0.01. So pieces
of the pages' own text are asked too, as many as wanted: some words of a passage, in their order. The page they are of
is the right one. Printed are NDCG@10 of both indexes, the mean difference (OTHER less INDEX), and its standard error
over the queries: a mean that lies within two of them is no sign of a difference.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import sqrt
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tables import markdown

from vrag import Index, VragError
from vrag.evaluation.benchmarks.benchmark import Benchmark, PageRef
from vrag.evaluation.benchmarks.folder import load_benchmark
from vrag.evaluation.numbers.metrics import evaluate

TOP = 10
PASSAGE, REMEMBERED = 24, 8  # most words of a passage, and those of them that are asked for


class Asked(NamedTuple):
    """A query: its text, the document searched (empty for all), and the grades of pages that answer it, by id."""

    text: str
    doc: str
    grades: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Difference:
    """Two indexes over the same queries.

    Args:
        queries: How many.
        ndcg: NDCG@10 of the first index.
        other: Of the other one.
        mean: Of the differences, other less first.
        error: Standard error of that mean.
    """

    queries: int
    ndcg: float
    other: float
    mean: float
    error: float

    @classmethod
    def between(cls, first: np.ndarray, other: np.ndarray) -> Difference:
        """Of NDCG@10 by query."""
        by_query = other - first
        error = by_query.std(ddof=1) / sqrt(len(by_query))
        return cls(len(by_query), *map(float, (first.mean(), other.mean(), by_query.mean(), error)))

    def row(self, name: str) -> list[str]:
        """The cells of its row."""
        numbers = f"{self.ndcg:.4f}", f"{self.other:.4f}", f"{self.mean:+.4f}", f"{self.error:.4f}"
        return [name, str(self.queries), *numbers]


def questions_of(benchmark: Benchmark) -> Iterator[tuple[str, list[Asked]]]:
    """People's questions, asked of all pages and of their own document."""
    judged = [query for query in benchmark.queries if query.id in benchmark.qrels]
    yield "questions, all pages", [Asked(query.text, "", benchmark.qrels[query.id]) for query in judged]
    yield (
        "questions, their document",
        [Asked(query.text, query.doc, benchmark.qrels[query.id]) for query in judged if query.doc],
    )


def pieces_of(benchmark: Benchmark, index: Index, count: int) -> dict[str, list[Asked]]:
    """Pieces of the pages' text, as this index has read it, asked of all pages and of their own document."""
    chance = random.Random(7)
    pieces: list[Asked] = []
    for page in chance.choices(list(benchmark.ids), k=4 * count):  # some have too few words
        if len(pieces) == count:
            break
        words = index.page_text(page.doc, page.page).split()
        if len(words) >= REMEMBERED:
            start = chance.randrange(max(1, len(words) - PASSAGE + 1))
            passage = words[start : start + PASSAGE]
            chosen = sorted(chance.sample(range(len(passage)), REMEMBERED))
            text = " ".join(passage[place] for place in chosen)
            pieces.append(Asked(text, page.doc, dict.fromkeys(benchmark.ids[page], 1)))
    everywhere = [piece._replace(doc="") for piece in pieces]
    return {"pieces of text, all pages": everywhere, "pieces of text, their document": pieces}


def ndcg_of(index: Index, benchmark: Benchmark, asked: Sequence[Asked], cascade: str | None) -> np.ndarray:
    """NDCG@10 of each query, float64 [queries]."""
    found = {}
    for number, query in enumerate(asked):
        hits = index.search(query.text, TOP, cascade, where=f"doc={query.doc}" if query.doc else ())
        found[str(number)] = {name: hit.score for hit in hits for name in benchmark.ids[PageRef(hit.doc, hit.page)]}
        print(f"{number + 1}/{len(asked)}", end="\r", file=sys.stderr, flush=True)
    grades = {str(number): dict(query.grades) for number, query in enumerate(asked)}
    return evaluate(found, grades, ["ndcg@10"])["ndcg@10"]


def measure(options: argparse.Namespace) -> dict[str, Difference]:
    """Each kind of query."""
    benchmark = load_benchmark(options.benchmark)
    kinds: dict[str, list[Asked]] = {}
    found = []
    for place in (options.index, options.other):
        with Index.open(place) as index:
            kinds = kinds or dict(questions_of(benchmark)) | pieces_of(benchmark, index, options.pieces)
            found.append({kind: ndcg_of(index, benchmark, asked, options.cascade) for kind, asked in kinds.items()})
    return {kind: Difference.between(found[0][kind], found[1][kind]) for kind in kinds}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("benchmark", type=Path, help="folder with pdfs/, queries.jsonl, qrels.jsonl")
    parser.add_argument("index", type=Path, help="of its PDFs; it is compared with")
    parser.add_argument("other", type=Path, help="another one of them")
    parser.add_argument("--pieces", type=int, default=1000, help="pieces of text that are asked (default 1000)")
    parser.add_argument("--cascade", help="by default the index's own")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    try:
        differences = measure(options)
    except VragError as error:
        parser.error(str(error))
    head = ["queries", "number", "NDCG@10", "of the other", "difference", "standard error"]
    rows = (difference.row(f"{options.benchmark.name}, {kind}") for kind, difference in differences.items())
    print(markdown(head, rows))
    if options.json:
        options.json.write_text(json.dumps({kind: asdict(one) for kind, one in differences.items()}, indent=1) + "\n")


if __name__ == "__main__":
    main()
