"""A benchmark from one's own documents: a file of questions with the pages that answer them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vrag.errors import UsageError, VragError
from vrag.evaluation.benchmarks.folder import CORPUS, PDFS, QRELS, QUERIES
from vrag.evaluation.benchmarks.rows import Row, read_rows, read_table
from vrag.pages.files import find_files
from vrag.pages.page import PageSpec
from vrag.pages.workers import PageWorkers, count_pages

_SHOWN = 20
FILE, PAGE, QUESTION, GRADE = ("file", "doc"), ("page",), ("question", "query"), ("score", "grade")


@dataclass(frozen=True, slots=True)
class Label:
    """One row of the questions file: a page that answers a question."""

    question: str
    doc: str
    page: int
    grade: int


@dataclass(frozen=True, slots=True)
class Made:
    """What was made.

    Args:
        folder: The benchmark.
        documents: Its documents.
        pages: Its pages.
        queries: Its questions.
        labels: Its judgements.
    """

    folder: Path
    documents: int
    pages: int
    queries: int
    labels: int


def make_benchmark(questions: Path, documents: Path, out: Path) -> Made:
    """Make a benchmark folder in our own layout; the documents are copied into it.

    Every page of every document in `documents` is part of the corpus, those that answer nothing too.

    Args:
        questions: `.csv` or `.jsonl` rows with question, file and page; one row a page when several pages answer a
            question, and where they answer it better or worse, a score from 1.
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
    pages = _count(root, find_files([documents]))
    labels = _checked(questions, pages)
    _write(out, pages, labels)
    for doc in pages:
        target = out / PDFS / doc
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / doc, target)
    asked = {label.question for label in labels}
    return Made(out, len(pages), sum(pages.values()), len(asked), len(labels))


def _count(root: Path, files: Sequence[Path]) -> dict[str, int]:
    """Pages of each document, by its path below the root."""
    with PageWorkers(PageSpec(), min(len(files), os.cpu_count() or 1)) as workers:
        counts, problems = count_pages(files, workers)
    if problems:
        raise _together(problems, "documents cannot be read", "Take them out of the folder.")
    return {path.relative_to(root).as_posix(): pages for path, pages in counts.items()}


def _checked(questions: Path, pages: Mapping[str, int]) -> list[Label]:
    """The labels of all rows, or all that is wrong with them in one error."""
    seen: dict[tuple[str, str, int], int] = {}
    labels, problems = [], []
    for row in _rows(questions):
        try:
            label = _label(row, pages)
            key = (label.question, label.doc, label.page)
            if key in seen:
                raise row.error(f"the same question, file and page as in {row.unit} {seen[key]}")
        except VragError as error:
            problems.append(str(error))
        else:
            seen[key] = row.line
            labels.append(label)
    if problems:
        raise _together(problems, "rows are wrong", "Nothing was made.")
    if not labels:
        raise VragError(f"{questions} is empty.")
    return labels


def _label(row: Row, pages: Mapping[str, int]) -> Label:
    doc = _document(row, pages)
    page = _number(row, PAGE, 1)
    if page > pages[doc]:
        raise row.error(f"{doc!r} has {pages[doc]} pages, there is no page {page}")
    has_grade = any(row.fields.get(key) not in (None, "") for key in GRADE)
    return Label(row.text(*QUESTION).strip(), doc, page, _number(row, GRADE, 1) if has_grade else 1)


def _document(row: Row, pages: Mapping[str, int]) -> str:
    """The document that a row means: its path below the folder, or its name when only one is called so."""
    name = row.text(*FILE).strip()
    found = [doc for doc in pages if doc == name] or [doc for doc in pages if doc.rpartition("/")[2] == name]
    if not found:
        raise row.error(f"there is no file {name!r}")
    if len(found) > 1:
        raise row.error(f"{name!r} may be any of {', '.join(found)}")
    return found[0]


def _number(row: Row, keys: tuple[str, ...], least: int) -> int:
    """A whole number, written as such or as text."""
    key = row.key(*keys)
    value = row.fields.get(key)
    if isinstance(value, str) and value.strip().lstrip("-").isdecimal():
        row = Row(row.path, row.line, {**row.fields, key: int(value)}, row.unit)
    return row.integer(key, least=least)


def _rows(questions: Path) -> Iterator[Row]:
    if questions.suffix.lower() == ".csv":
        return read_table(questions, ",")
    if questions.suffix.lower() in (".jsonl", ".json"):
        return read_rows(questions)
    raise UsageError(f"{questions} is neither .csv nor .jsonl.", "Columns: question, file, page.")


def _write(out: Path, pages: Mapping[str, int], labels: Iterable[Label]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    places = [(doc, page) for doc, count in pages.items() for page in range(1, count + 1)]
    ids = {place: f"p{number}" for number, place in enumerate(places)}
    by_question: dict[str, list[Label]] = {}
    for label in labels:
        by_question.setdefault(label.question, []).append(label)
    numbered = [(f"q{number}", mine) for number, mine in enumerate(by_question.values())]
    _lines(out / CORPUS, ({"corpus-id": ids[place], "doc": place[0], "page": place[1]} for place in places))
    _lines(out / QUERIES, (_query(name, mine) for name, mine in numbered))
    rows = ((name, label) for name, mine in numbered for label in mine)
    _lines(out / QRELS, ({"query-id": q, "corpus-id": ids[at.doc, at.page], "score": at.grade} for q, at in rows))


def _query(name: str, labels: list[Label]) -> dict[str, Any]:
    """A question; it carries its document when all its pages are of one."""
    docs = {label.doc for label in labels}
    row = {"query-id": name, "query": labels[0].question}
    return {**row, "doc": labels[0].doc} if len(docs) == 1 else row


def _lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_text(text, encoding="utf-8", errors="backslashreplace")


def _together(problems: list[str], what: str, hint: str) -> VragError:
    more = [f"... and {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else []
    return VragError(f"{len(problems)} {what}:", hint, [*problems[:_SHOWN], *more])
