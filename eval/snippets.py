"""How often the snippet of the first hit shows the answer, through the public API.

    python eval/snippets.py FOLDER [--index DIR] [--cascade NAME] [--misses]

FOLDER has `pdfs/`, `answers.jsonl` (`{"query-id", "answer", "format"}`) and `queries.jsonl` or `questions.jsonl`
(`{"query-id", "query"}`). An answer is shown where its words stand in the snippet one after the other, numbers
without separators and trailing zeros; of a list all of them. Answers that have to be worked out stand nowhere: the
second figure is of the questions whose first page holds the answer.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vrag import Index
from vrag.evaluation.numbers.containing import contains
from vrag.evaluation.numbers.short_answer import read_answer
from vrag.settings import is_index

_NO_ANSWER = "None"


@dataclass(frozen=True, slots=True)
class Shown:
    """One question.

    Args:
        query: As asked.
        answer: As labelled.
        snippet: Of the first hit.
        is_on_page: Whether the first hit's page holds the answer.
        is_shown: Whether its snippet does.
    """

    query: str
    answer: str
    snippet: str
    is_on_page: bool
    is_shown: bool


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the shares, and what was missed when asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--index", type=Path, help="gone on with, or made; by default a new one that is thrown away")
    parser.add_argument("--cascade", help="by default the index's own")
    parser.add_argument("--misses", action="store_true", help="print the questions whose answer is not shown")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        place = options.index or Path(scratch) / "index"
        with Index.open(place) if is_index(place) else Index.create(place) as index:
            index.ingest([options.folder / "pdfs"])
            rows = list(ask(index, options.folder, options.cascade))
    for row in rows if options.misses else ():
        if row.is_on_page and not row.is_shown:
            print(f"{row.query}\n  answer: {row.answer}\n  shown: {row.snippet}")
    shown, on_page = sum(row.is_shown for row in rows), sum(row.is_on_page for row in rows)
    words = sum(len(row.snippet.split()) for row in rows) / max(len(rows), 1)
    print(f"{options.folder.name}: {len(rows)} questions, snippets of {words:.0f} words; the first snippet shows the")
    print(f"answer of {shown} ({shown / max(len(rows), 1):.1%}), {shown / max(on_page, 1):.1%} of the {on_page} whose "
          f"first page holds it")  # fmt: skip
    return 0


def ask(index: Index, folder: Path, cascade: str | None = None) -> Iterator[Shown]:
    """Ask every question that has an answer."""
    texts = {(doc_id, page): " ".join(words) for doc_id, page, words in index.texts()}
    labels = index.documents.labels([doc_id for doc_id, _ in texts])
    pages = {(labels[doc_id][0], page): text for (doc_id, page), text in texts.items()}
    answers = {row["query-id"]: row for row in rows_of(folder / "answers.jsonl")}
    asked = folder / "queries.jsonl"
    for row in rows_of(asked if asked.is_file() else folder / "questions.jsonl"):
        answer = answers.get(row["query-id"])
        hits = index.search(row["query"], 1, cascade) if answer and answer["format"] != _NO_ANSWER else []
        for hit in hits:
            text = index.snippet(row["query"], hit)
            parts = read_answer(answer["answer"], answer["format"]).parts
            on_page, shown = (all(contains(said, part) for part in parts) for said in (pages[hit.doc, hit.page], text))
            yield Shown(row["query"], answer["answer"], text, on_page, shown)


def rows_of(file: Path) -> list[dict[str, Any]]:
    """The rows of a file of JSON Lines."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line]


if __name__ == "__main__":
    sys.exit(main())
