"""A benchmark of five pages in two documents, with four questions of which three are judged."""

import json

from tests.conftest import ANIMALS, MACHINES
from tests.pdfs import write_pdf

PAGES = [("animals.pdf", 1), ("animals.pdf", 2), ("animals.pdf", 3), ("machines.pdf", 1), ("machines.pdf", 2)]
QUESTIONS = [
    ("animals.pdf", 1, "snow leopard in the mountains"),
    ("machines.pdf", 2, "invoice for hydraulic pumps"),
    ("machines.pdf", 1, "Where do penguins breed on the ice?"),  # labelled wrongly: its page is not the best one
]


ANSWERS = [
    {"query-id": 0, "answer": "blue sheep", "format": "Str"},
    {"query-id": 1, "answer": "Rotterdam", "evidence": [{"page": 2, "text": MACHINES[1]}]},
    {"query-id": 2, "answer": "['krill', 'Antarctica']", "format": "List"},  # right, and of no page that is labelled
]
UNANSWERABLE = [{"query": "What does the oil filter cost?", "doc": "machines.pdf"}]


def write_documents(folder):
    write_pdf(folder / "animals.pdf", ANIMALS)
    write_pdf(folder / "machines.pdf", MACHINES)


def write_rows(path, rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def write_tiny(folder):
    """The benchmark in our own layout."""
    write_documents(folder / "pdfs")
    ids = {page: f"p{number}" for number, page in enumerate(PAGES)}
    write_rows(folder / "corpus.jsonl", [{"corpus-id": ids[p], "doc": p[0], "page": p[1]} for p in PAGES])
    queries = [{"query-id": n, "query": text, "doc": doc} for n, (doc, _, text) in enumerate(QUESTIONS)]
    write_rows(folder / "queries.jsonl", [*queries, {"query-id": 99, "query": "a question that nobody labelled"}])
    qrels = [{"query-id": n, "corpus-id": ids[doc, page], "score": 1} for n, (doc, page, _) in enumerate(QUESTIONS)]
    write_rows(folder / "qrels.jsonl", qrels)
    return folder


def write_tiny_answers(folder):
    """The same with answers."""
    write_tiny(folder)
    write_rows(folder / "answers.jsonl", ANSWERS)
    write_rows(folder / "unanswerable.jsonl", UNANSWERABLE)
    return folder
