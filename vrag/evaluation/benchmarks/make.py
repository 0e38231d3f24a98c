"""A benchmark from one's own documents: a file of questions with the pages that answer them."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from vrag.errors import UsageError
from vrag.evaluation.benchmarks.folder import PDFS
from vrag.evaluation.benchmarks.labels import read_labels
from vrag.evaluation.benchmarks.question_tables import count_documents, tables_of


@dataclass(frozen=True, slots=True)
class Made:
    """What was made.

    Args:
        folder: The benchmark.
        documents: Its documents.
        pages: Its pages.
        queries: Its questions that pages answer.
        labels: Its judgements.
        answers: Questions of these whose right answer it has.
        unanswerable: Questions that nothing answers.
    """

    folder: Path
    documents: int
    pages: int
    queries: int
    labels: int
    answers: int
    unanswerable: int


def make_benchmark(questions: Path, documents: Path, out: Path) -> Made:
    """Make a benchmark folder in our own layout; the documents are copied into it.

    Every page of every document in `documents` is part of the corpus, those that answer nothing too.

    Args:
        questions: As `vrag.evaluation.benchmarks.question_rows` describes it; every row needs a page, unless it has an
            empty answer: then nothing answers the question, or its document does not.
        documents: Folder of PDFs and images.
        out: Folder to make; must not exist or be empty.

    Raises:
        UsageError: A path is missing, or `out` has something in it.
        VragError: Rows are wrong: every one is named with what is wrong about it.
    """
    if out.is_dir() and any(out.iterdir()):
        raise UsageError(f"{out} is not empty.", "Name another folder.")
    if not documents.is_dir():
        raise UsageError(f"There is no folder {documents}.", "Name the folder of the PDFs and images.")
    root = documents.absolute()
    pages = count_documents(root)
    labels = read_labels(questions, pages)
    out.mkdir(parents=True, exist_ok=True)
    for name, rows in tables_of(pages, labels).items():
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (out / name).write_text(text, encoding="utf-8", errors="backslashreplace")
    for doc in pages:
        target = out / PDFS / doc
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / doc, target)
    judged = [label for label in labels if not label.is_unanswerable]
    asked, answered = {label.question for label in judged}, {label.question for label in judged if label.answer}
    counts = (len(asked), len(judged), len(answered), len(labels) - len(judged))
    return Made(out, len(pages), sum(pages.values()), *counts)
