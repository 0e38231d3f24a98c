"""How often the quotes of `vrag ask` show the answer, and whether the pages they cite are the labelled ones.

    python eval/answers.py FOLDER... [--index DIR...] [--scope document union] [--misses]

A FOLDER has `pdfs/`, `queries.jsonl`, `corpus.jsonl`, `qrels.jsonl`, `answers.jsonl` and may have `unanswerable.jsonl`;
questions whose document an index lacks are left out. Printed for each folder and for all together:

- shown: share of the questions, among those whose answer (Str, Int or Float) stands literally on a labelled page, whose
  first or whose three quotes have it;
- cited: share of all questions whose first quote is of a labelled page, and the mean F1 of the pages of all quotes;
- supported: share of the quotes that their own pages support;
- unanswerable: F1 of `found` being false, where there are questions that their document does not answer.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from snippets import holds, rows_of  # noqa: E402

from vrag import Answer, Index  # noqa: E402
from vrag.settings import is_index  # noqa: E402

_LITERAL = ("Str", "Int", "Float")
Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Asked:
    """One question with its answer.

    Args:
        answer: Of `Index.ask`.
        wanted: As labelled; empty where it stands on no labelled page, or is a list.
        pages: Labelled ones; none for a question that cannot be answered.
    """

    answer: Answer
    wanted: str
    pages: frozenset[Place]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the shares of every folder and scope."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, nargs="+")
    parser.add_argument("--index", type=Path, nargs="*", default=[], help="one a folder; by default a new one")
    parser.add_argument("--scope", nargs="+", default=["document", "union"], choices=["document", "union"])
    parser.add_argument("--misses", action="store_true", help="print the questions whose answer is not shown")
    options = parser.parse_args(arguments)
    asked: dict[tuple[str, str], list[Asked]] = {}
    for number, folder in enumerate(options.folder):
        with tempfile.TemporaryDirectory() as scratch:
            place = options.index[number] if number < len(options.index) else Path(scratch) / "index"
            with Index.hold(place) if is_index(place) else Index.create(place) as index:
                if not index.page_count:
                    index.ingest([folder / "pdfs"])
                asked |= {(scope, folder.name): list(ask_all(index, folder, scope)) for scope in options.scope}
    for scope in options.scope:
        rows = {name: found for (of_scope, name), found in asked.items() if of_scope == scope}
        rows |= {"together": [row for found in rows.values() for row in found]} if len(rows) > 1 else {}
        for name, found in rows.items():
            print(f"{name}, {scope}: {summary(found)}")
            for row in found if options.misses and name != "together" else ():
                _print_miss(row)
    return 0


def summary(asked: Sequence[Asked]) -> str:
    """The shares in words."""
    literal = [row for row in asked if row.wanted]
    first = _share([_shows(row, 1) for row in literal])
    three = _share([_shows(row, 3) for row in literal])
    labelled = [row for row in asked if row.pages]
    at_first = _share([not row.pages.isdisjoint(_cited(row)[:1]) for row in labelled])
    cited = _share([_f1(set(_cited(row)), row.pages) for row in labelled])
    quotes = [quote.status == "supported" for row in asked for quote in row.answer.quotes]
    said = (
        f"{len(labelled)} questions; shown by the first quote {first:.3f}, by three {three:.3f} of {len(literal)}; "
        f"cited: precision at 1 {at_first:.3f}, F1 {cited:.3f}; {_share(quotes):.3f} of {len(quotes)} quotes supported"
    )
    unanswerable = {i for i, row in enumerate(asked) if not row.pages}
    refused = {i for i, row in enumerate(asked) if not row.answer.found}
    return f"{said}; unanswerable F1 {_f1(refused, unanswerable):.3f}" if unanswerable else said


def ask_all(index: Index, folder: Path, scope: str) -> Iterator[Asked]:
    """Ask the questions whose documents an index has.

    Args:
        index: With the pages of the folder, or some of them.
        folder: A benchmark's.
        scope: "document": only the question's document is searched; "union": all pages, where pages are labelled.
    """
    names = {Path(document.paths[0]).name: document.doc_id for document in index.documents.all()}
    texts = {(doc_id, page): " ".join(words) for doc_id, page, words in index.texts()}
    for row in _questions(folder):
        if row["doc"] not in names or (scope == "union" and not row["pages"]):
            continue
        where = [f"doc={row['doc']}"] if scope == "document" else []
        said = [texts.get((names[doc], page), "") for doc, page in row["pages"] if doc in names]
        is_literal = any(holds(text, row["answer"]) for text in said)
        yield Asked(index.ask(row["query"], where=where), row["answer"] if is_literal else "", row["pages"])


def _questions(folder: Path) -> Iterator[dict[str, Any]]:
    """Rows with `query`, `doc`, `answer` (empty when it is no single text) and labelled `pages`."""
    corpus = {row["corpus-id"]: (row["doc"], row["page"]) for row in rows_of(folder / "corpus.jsonl")}
    pages: dict[Any, set[Place]] = {}
    for row in rows_of(folder / "qrels.jsonl"):
        pages.setdefault(row["query-id"], set()).add(corpus[row["corpus-id"]])
    answers = {row["query-id"]: row for row in rows_of(folder / "answers.jsonl")}
    for row in rows_of(folder / "queries.jsonl"):
        answer = answers.get(row["query-id"], {})
        text = str(answer["answer"]) if answer.get("format") in _LITERAL else ""
        yield {**row, "answer": text, "pages": frozenset(pages.get(row["query-id"], ()))}
    more = folder / "unanswerable.jsonl"
    for row in rows_of(more) if more.is_file() else ():
        yield {**row, "answer": "", "pages": frozenset()}


def _shows(row: Asked, count: int) -> bool:
    return any(holds(quote.text, row.wanted) for quote in row.answer.quotes[:count])


def _cited(row: Asked) -> list[Place]:
    """Pages of the quotes, as the labels name them."""
    return [(Path(quote.path).name, quote.page) for quote in row.answer.quotes]


def _f1(found: set[Any], wanted: set[Any] | frozenset[Any]) -> float:
    return 2 * len(found & wanted) / max(len(found) + len(wanted), 1)


def _share(values: Sequence[float]) -> float:
    return sum(values) / max(len(values), 1)


def _print_miss(row: Asked) -> None:
    if row.wanted and not _shows(row, 3):
        print(f"  {row.answer.question}\n    answer: {row.wanted}")
        print("".join(f"    quoted: {quote.doc}, page {quote.page}: {quote.text}\n" for quote in row.answer.quotes))


if __name__ == "__main__":
    sys.exit(main())
