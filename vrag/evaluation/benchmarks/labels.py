"""What a file of questions says of documents: which page answers what, checked row by row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vrag.errors import VragError
from vrag.evaluation.benchmarks.question_rows import ANSWER, DOC, NOTHING, QuestionRow, read_question_rows
from vrag.evaluation.benchmarks.rows import Row
from vrag.evaluation.numbers.short_answer import ShortAnswer

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Label:
    """One row of the file: a page that answers a question, or that nothing does.

    Args:
        question: The question.
        doc: The page's document; of a question that nothing answers the one it is asked of, or None for all.
        page: From 1; None where nothing answers the question.
        grade: How well it does.
        answer: The right answer, where the row has it.
        id: Of the question; None where it has none.
        kind: Of the question; may be empty.
        language: Of the question; may be empty.
    """

    question: str
    doc: str | None
    page: int | None
    grade: int = 1
    answer: ShortAnswer | None = None
    id: str | None = None
    kind: str = ""
    language: str = ""

    @property
    def is_unanswerable(self) -> bool:
        """Whether nothing answers the question."""
        return self.page is None


def read_labels(questions: Path, pages: Mapping[str, int]) -> list[Label]:
    """The labels of all rows.

    Args:
        questions: As `read_question_rows` takes it.
        pages: Pages of each document, by its path below the folder of documents.

    Raises:
        UsageError: There is no such file.
        VragError: All that is wrong with its rows, in one error.
    """
    seen = _Seen()
    labels, problems = [], []
    for asked in read_question_rows(questions):
        try:
            label = _label(asked, pages)
            seen.add(asked.row, label)
        except VragError as error:
            problems.append(str(error))
        else:
            labels.append(label)
    if problems:
        raise together(problems, "rows are wrong", "Nothing was made.")
    if not labels:
        raise VragError(f"{questions} is empty.")
    if all(label.is_unanswerable for label in labels):
        raise VragError(f"{questions} has no question that a page answers.", "Name the page of some.")
    return labels


def together(problems: list[str], what: str, hint: str) -> VragError:
    """One error for many."""
    more = [f"... and {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else []
    return VragError(f"{len(problems)} {what}:", hint, [*problems[:_SHOWN], *more])


class _Seen:
    """What the rows so far say of each question, none of which a further one may contradict."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str | None, int | None], int] = {}
        self._first: dict[str, tuple[int, Label]] = {}
        self._answers: dict[str, tuple[int, ShortAnswer]] = {}
        self._ids: dict[str | None, tuple[int, str]] = {}

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
        line, named = self._ids.setdefault(label.id, (row.line, label.question))
        if label.id is not None and named != label.question:
            raise row.error(f"{row.unit} {line} has the id {label.id}, too, and another question")
        self._rows[key] = row.line


def _label(asked: QuestionRow, pages: Mapping[str, int]) -> Label:
    row, question, answer, page = asked.row, asked.text, asked.answer, asked.page
    about = (None if asked.id is None else str(asked.id), asked.kind, asked.language)
    if page is None:
        if answer not in (None, NOTHING):
            raise row.error("there is an answer, and no page that has it")
        if ANSWER not in row.fields and answer is None:
            raise row.error("there is no page; where nothing answers a question, give it an empty 'answer'")
        return Label(question, _document(row, asked.doc, pages) if asked.doc else None, None, 1, None, *about)
    if answer == NOTHING:
        raise row.error("nothing answers the question, and yet there is a page")
    doc = _document(row, asked.doc or row.text(*DOC), pages)
    if page > pages[doc]:
        raise row.error(f"{doc!r} has {pages[doc]} pages, there is no page {page}")
    return Label(question, doc, page, asked.grade, answer, *about)


def _document(row: Row, name: str, pages: Mapping[str, int]) -> str:
    """The document that a row means: its path below the folder, or its name when only one is called so."""
    found = [doc for doc in pages if doc == name] or [doc for doc in pages if doc.rpartition("/")[2] == name]
    if not found:
        raise row.error(f"there is no file {name!r}")
    if len(found) > 1:
        raise row.error(f"{name!r} may be any of {', '.join(found)}")
    return found[0]
