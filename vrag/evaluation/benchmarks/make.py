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
from vrag.evaluation.benchmarks.answer_key import ANSWERS, NOTHING, UNANSWERABLE, answer_format, row_answer
from vrag.evaluation.benchmarks.folder import CORPUS, PDFS, QRELS, QUERIES
from vrag.evaluation.benchmarks.rows import Row, read_rows, read_table
from vrag.evaluation.numbers.short_answer import ShortAnswer
from vrag.pages.files import find_files
from vrag.pages.page import PageSpec
from vrag.pages.workers import PageWorkers, count_pages

_SHOWN = 20
FILE, PAGE, QUESTION, GRADE = ("file", "doc"), ("page",), ("question", "query"), ("score", "grade")
ANSWER, FORMAT = "answer", "format"


@dataclass(frozen=True, slots=True)
class Label:
    """One row of the questions file: a page that answers a question, or that nothing does.

    Args:
        question: The question.
        doc: The page's document; of a question that nothing answers the one it is asked of, or None for all.
        page: From 1; None where nothing answers the question.
        grade: How well it does.
        answer: The right answer, where the row has it.
    """

    question: str
    doc: str | None
    page: int | None
    grade: int = 1
    answer: ShortAnswer | None = None

    @property
    def is_unanswerable(self) -> bool:
        """Whether nothing answers the question."""
        return self.page is None


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
        questions: `.csv` or `.jsonl` rows with question, file and page; one row a page when several pages answer a
            question, and where they answer it better or worse, a score from 1. With a column answer, and perhaps
            format, a row without page is a question that nothing answers, or its file does not.
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
    judged = [label for label in labels if not label.is_unanswerable]
    asked, answered = {label.question for label in judged}, {label.question for label in judged if label.answer}
    counts = (len(asked), len(judged), len(answered), len(labels) - len(judged))
    return Made(out, len(pages), sum(pages.values()), *counts)


def _count(root: Path, files: Sequence[Path]) -> dict[str, int]:
    """Pages of each document, by its path below the root."""
    with PageWorkers(PageSpec(), min(len(files), os.cpu_count() or 1)) as workers:
        counts, problems = count_pages(files, workers)
    if problems:
        raise _together(problems, "documents cannot be read", "Take them out of the folder.")
    return {path.relative_to(root).as_posix(): pages for path, pages in counts.items()}


def _checked(questions: Path, pages: Mapping[str, int]) -> list[Label]:
    """The labels of all rows, or all that is wrong with them in one error."""
    seen = _Seen()
    labels, problems = [], []
    for row in _rows(questions):
        try:
            label = _label(row, pages)
            seen.add(row, label)
        except VragError as error:
            problems.append(str(error))
        else:
            labels.append(label)
    if problems:
        raise _together(problems, "rows are wrong", "Nothing was made.")
    if not labels:
        raise VragError(f"{questions} is empty.")
    if all(label.is_unanswerable for label in labels):
        raise VragError(f"{questions} has no question that a page answers.", "Name the page of some.")
    return labels


class _Seen:
    """What the rows so far say of each question, none of which a further one may contradict."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str | None, int | None], int] = {}
        self._first: dict[str, tuple[int, Label]] = {}
        self._answers: dict[str, tuple[int, ShortAnswer]] = {}

    def add(self, row: Row, label: Label) -> None:
        """Take a row.

        Raises:
            VragError: It repeats or contradicts another one.
        """
        key = (label.question, label.doc, label.page)
        if key in self._rows:
            raise row.error(f"the same question, file and page as in {row.unit} {self._rows[key]}")
        line, first = self._first.setdefault(label.question, (row.line, label))
        if first.is_unanswerable != label.is_unanswerable:
            raise row.error(f"the question has a page in one of this row and {row.unit} {line}, and none in the other")
        if label.answer:
            line, answer = self._answers.setdefault(label.question, (row.line, label.answer))
            if answer != label.answer:
                raise row.error(f"the question has another answer in {row.unit} {line}: {answer.text!r}")
        self._rows[key] = row.line


def _label(row: Row, pages: Mapping[str, int]) -> Label:
    question, answer = row.text(*QUESTION).strip(), _answer(row)
    if ANSWER in row.fields and not _is_given(row, *PAGE):
        if answer is not None and answer.form != "None":
            raise row.error("there is an answer, and no page that has it")
        return Label(question, _document(row, pages) if _is_given(row, *FILE) else None, None)
    if answer is not None and answer.form == "None":
        raise row.error("nothing answers the question, and yet there is a page")
    doc = _document(row, pages)
    page = _number(row, PAGE, 1)
    if page > pages[doc]:
        raise row.error(f"{doc!r} has {pages[doc]} pages, there is no page {page}")
    return Label(question, doc, page, _number(row, GRADE, 1) if _is_given(row, *GRADE) else 1, answer)


def _answer(row: Row) -> ShortAnswer | None:
    """The answer of a row; None when it has none."""
    form = answer_format(row) if _is_given(row, FORMAT) else None
    if form == "None":
        return NOTHING
    if _is_given(row, ANSWER):
        return row_answer(row, form)
    if form is not None:
        raise row.error(f"there is the format {form}, and no answer")
    return None


def _is_given(row: Row, *keys: str) -> bool:
    return any(row.fields.get(key) not in (None, "") for key in keys)


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


def _write(out: Path, pages: Mapping[str, int], labels: Sequence[Label]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    places = [(doc, page) for doc, count in pages.items() for page in range(1, count + 1)]
    ids: dict[tuple[str | None, int | None], str] = {place: f"p{number}" for number, place in enumerate(places)}
    nothing = [label for label in labels if label.is_unanswerable]
    by_question: dict[str, list[Label]] = {}
    for label in labels:
        if not label.is_unanswerable:
            by_question.setdefault(label.question, []).append(label)
    numbered = [(f"q{number}", mine) for number, mine in enumerate(by_question.values())]
    _lines(out / CORPUS, ({"corpus-id": ids[place], "doc": place[0], "page": place[1]} for place in places))
    _lines(out / QUERIES, (_query(name, mine) for name, mine in numbered))
    rows = ((name, label) for name, mine in numbered for label in mine)
    _lines(out / QRELS, ({"query-id": q, "corpus-id": ids[at.doc, at.page], "score": at.grade} for q, at in rows))
    answers = [(name, answer) for name, mine in numbered for answer in [one.answer for one in mine if one.answer][:1]]
    if answers or nothing:
        _lines(out / ANSWERS, (_answer_row(name, answer) for name, answer in answers))
        _lines(out / UNANSWERABLE, map(_nothing_row, nothing))


def _answer_row(name: str, answer: ShortAnswer) -> dict[str, Any]:
    said = list(answer.parts) if answer.form == "List" else answer.parts[0]
    return {"query-id": name, "answer": said, "format": answer.form}


def _nothing_row(label: Label) -> dict[str, Any]:
    return {"query": label.question, **({"doc": label.doc} if label.doc else {})}


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
