"""How well relevance tells whether the index has what was asked for, and what its coefficients follow from.

    python eval/relevance.py BENCHMARK=INDEX... [--cache FILE] [--families REGEX]

Every question of a benchmark (`queries.jsonl`) is asked of its index as it is, and without its document: a filter
leaves the document out, and the statistics of words are counted without it. Where other documents are of one family
with it, filings of one company in other years, they may answer too, so it is also asked without the whole family:
REGEX takes the family from a file's name. Questions of `unanswerable.jsonl` are asked of their document, which is
there and does not answer them, beside those that it answers. All of it twice: by words alone, and read.

First comes what relevance costs a search. The table is cross-validated: each document's questions are judged by what
was fitted without them; rows "as shipped" are judged by the coefficients of `vrag/search/relevance.py`. What is fitted
on the questions without their family is printed behind it, and belongs there.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from relevance_fit import Judged, auc, cross_validated, fit, relevance, rows

from vrag import Index, VragError
from vrag.cascade.bm25 import TEXT
from vrag.catalog.payload import page_place
from vrag.search.found import NOT_RELEVANT
from vrag.search.ranking import rank_pages
from vrag.search.relevance import OF_READ, OF_WORDS, JudgedPage, evidence, query_terms, relevances
from vrag.search.searcher import Searcher
from vrag.search.term_worth import TermWorth, term_worth
from vrag.search.where import parse_where

CASCADES = {"by words": "best", "read": "read"}
HITS = 10
_FAMILY = r"(.+?)_(?=\d{4})"  # of FinanceBench: COMPANY_YEAR...
_AROUND = 10  # pages beyond the hits, as a search asks for
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Counts:
    """In how many pages of each document a term is.

    Args:
        pages: In all.
        of_terms: By term, pages by document.
    """

    pages: int
    of_terms: dict[int, Counter[str]]

    @classmethod
    def of(cls, index: Index) -> Counts:
        """Of all documents of an index, by name."""
        found: dict[int, Counter[str]] = {}
        labels = index.documents.labels([document.doc_id for document in index.documents.all()])
        for record in index.stored.store.scroll(parse_where((), index.documents), [TEXT]):
            terms = record.sparse.get(TEXT)
            for term in terms.indices.tolist() if terms else ():
                found.setdefault(term, Counter())[labels[page_place(record.payload)[0]][0]] += 1
        return cls(index.page_count, found)

    def worth(self, terms: Sequence[int], without: Sequence[str]) -> np.ndarray:
        """What terms are worth where documents are left out; the number of pages is left as it is."""
        each = [self.of_terms.get(term, Counter()) for term in terms]
        counts = np.array([of.total() - sum(of[doc] for doc in without) for of in each], np.float64)
        return np.log1p((self.pages - counts + 0.5) / (counts + 0.5))


@dataclass(frozen=True, slots=True)
class Asker:
    """Asks an index, and keeps what speaks for the hits."""

    index: Index
    counts: Counts

    def ask(
        self, query: str, cascade: str, where: Sequence[str] = (), without: Sequence[str] = ()
    ) -> list[list[float]]:
        """The evidence of each hit."""
        stored, searcher = self.index.stored, Searcher(self.index.stored, self.index.embedder)
        lane = stored.pipeline.text
        assert lane is not None
        if (terms := query_terms(lane, query)) is None:
            return []
        selection = searcher.select([*where, *(f"doc!={doc}" for doc in without)])
        runner = searcher.runner(query, searcher.embed(query).vectors, selection)
        ranking = rank_pages(runner, stored.pipeline.cascade(cascade), HITS, _AROUND)
        points, logits = ranking.points[:HITS], ranking.trail.logits
        labels = stored.documents.labels([str(point.payload["doc_id"]) for point in points])
        pages = [JudgedPage(p.id, doc := str(p.payload["doc_id"]), labels[doc][1], logits.get(p.id)) for p in points]
        known = term_worth(stored.store, runner.glance, terms.terms, [page.id for page in pages], runner.count_pages)
        worth = self.counts.worth(terms.terms.indices.tolist(), without)
        found = evidence(terms, TermWorth(worth, known.weights), pages)
        return [[value for value in seen if value is not None] for seen in found.values()]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("places", metavar="BENCHMARK=INDEX", nargs="+")
    parser.add_argument("--cache", type=Path, help="where what was found is kept, and taken from if it is there")
    parser.add_argument("--families", default=_FAMILY)
    options = parser.parse_args(arguments)
    if options.cache and options.cache.is_file():
        found = json.loads(options.cache.read_text("utf-8"))
    else:
        try:
            found = [row for place in options.places for row in _asked(place, options.families)]
        except VragError as error:
            parser.error(str(error))
        if options.cache:
            options.cache.write_text(json.dumps(found), encoding="utf-8")
    print("| questions of | judged | left out | AUC [95 %] | ECE | false not found | not found of those left out |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for how, shipped in (("by words", OF_WORDS), ("read", OF_READ)):
        for line in _table(found, how, shipped):
            print(line)
    return 0


def _asked(place: str, family: str) -> Iterator[Row]:
    folder, opened = (Path(part) for part in place.partition("=")[::2])
    if not (folder / "queries.jsonl").is_file():
        raise VragError(
            f"There is no {folder / 'queries.jsonl'}.", "Name BENCHMARK=INDEX: a benchmark folder, its index."
        )
    questions = _rows_of(folder / "queries.jsonl")
    unanswerable = _rows_of(folder / "unanswerable.jsonl")
    with Index.hold(opened) as index:
        asker = Asker(index, Counts.of(index))
        docs = {doc for of_term in asker.counts.of_terms.values() for doc in of_term}
        for how, cascade in CASCADES.items():
            for number, row in enumerate(questions):
                print(f"\r{folder.name}, {how}: {number + 1} of {len(questions)}", end="", file=sys.stderr)
                kin = sorted(doc for doc in docs if _family(doc, family) == _family(row["doc"], family))
                about = {"benchmark": folder.name, "doc": row["doc"], "how": how}
                query, of_doc = row["query"], [f"doc={row['doc']}"]
                yield {**about, "left": "nothing", "hits": asker.ask(query, cascade)}
                yield {**about, "left": "document", "hits": asker.ask(query, cascade, (), [row["doc"]])}
                if len(kin) > 1:
                    yield {**about, "left": "family", "hits": asker.ask(query, cascade, (), kin)}
                yield {**about, "left": "others", "hits": asker.ask(query, cascade, of_doc)}
            for row in unanswerable:
                about = {"benchmark": folder.name, "doc": row["doc"], "how": how}
                yield {**about, "left": "answer", "hits": asker.ask(row["query"], cascade, [f"doc={row['doc']}"])}
            print(file=sys.stderr)
        _print_cost(index, [row["query"] for row in questions])


def _table(found: Sequence[Row], how: str, shipped: Sequence[float]) -> Iterator[str]:
    of_kind = {left: [row for row in found if row["how"] == how and row["left"] == left and row["hits"]]
               for left in ("nothing", "document", "family", "others", "answer")}  # fmt: skip
    there = [_judged(row, True) for row in of_kind["nothing"]]
    alone = {(row["benchmark"], row["doc"]) for row in of_kind["family"]}
    without = [row for row in of_kind["document"] if (row["benchmark"], row["doc"]) not in alone] + of_kind["family"]
    for left, rows_left in (("document", of_kind["document"]), ("document and family", without)):
        searches = [*there, *(_judged(row, False) for row in rows_left)]
        as_shipped = np.array([relevance(search, np.array(shipped)) for search in searches])
        for judged, likely in ((how, cross_validated(searches)), (f"{how}, as shipped", as_shipped)):
            for name in dict.fromkeys(search.benchmark for search in searches):
                yield f"| {name} | {judged} | {left} | {' | '.join(rows(name, likely, searches, NOT_RELEVANT))} |"
    coefficients = fit(searches)
    answered, unanswered = ([relevance(_judged(row, True), coefficients) for row in of_kind[left]
                             if any(r["benchmark"] == row["benchmark"] for r in of_kind["answer"])]
                            for left in ("others", "answer"))  # fmt: skip
    if unanswered:
        told = np.array(unanswered)
        yield (f"| unanswerable beside answerable, of one document | {how} | the answer | "
               f"{auc(np.array(answered), told):.3f} | | | {(told < NOT_RELEVANT).mean():.1%} |")  # fmt: skip
    yield f"Fitted {how}: {', '.join(f'{value:.2f}' for value in coefficients)}; shipped: {shipped}"


def _judged(row: Row, is_there: bool) -> Judged:
    seen = len(OF_READ if row["how"] == "read" else OF_WORDS) - 1
    hits = [hit for hit in row["hits"] if len(hit) == seen]  # the others were not read: time was short
    return Judged(row["benchmark"], row["doc"], np.array(hits, np.float64), is_there)


def _print_cost(index: Index, queries: Sequence[str]) -> None:
    """What relevance takes of a search that has counted its words already."""
    searcher, stored, spent = Searcher(index.stored, index.embedder), index.stored, list[float]()
    for query in queries:
        runner = searcher.runner(query, searcher.embed(query).vectors, searcher.select(()))
        points = rank_pages(runner, stored.pipeline.cascade(CASCADES["by words"]), HITS, _AROUND).points[:HITS]
        pages = [JudgedPage(point.id, str(point.payload["doc_id"]), "") for point in points]
        begun = time.perf_counter()
        assert stored.pipeline.text is not None
        if (terms := query_terms(stored.pipeline.text, query)) is not None:
            relevances(runner, terms, pages)
        spent.append(time.perf_counter() - begun)
    print(f"{index.page_count} pages: relevance of {HITS} hits takes {1000 * float(np.median(spent)):.2f} ms (median)")


def _family(doc: str, family: str) -> str:
    match = re.match(family, doc)
    return match[1] if match else doc


def _rows_of(file: Path) -> list[Row]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines() if line] if file.is_file() else []


if __name__ == "__main__":
    sys.exit(main())
