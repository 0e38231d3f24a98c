"""Questions to ask, with the pages that answer them where that is known: of a file, or of a benchmark folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from vrag.errors import UsageError, VragError
from vrag.evaluation.benchmarks.folder import load_benchmark
from vrag.evaluation.benchmarks.question_rows import QuestionRow, read_question_rows
from vrag.evaluation.benchmarks.rows import Row


@dataclass(frozen=True, slots=True)
class GoodPage:
    """A page that answers a question.

    Args:
        doc: Its document, by its path or name.
        page: From 1.
        grade: How well it answers.
        row: That says so; None of a benchmark folder.
    """

    doc: str
    page: int
    grade: int
    row: Row | None = None


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """A question.

    Args:
        id: As it is written; the number of its line where it has none.
        text: In words.
        place: File and line, for messages.
        where: The pages to ask, as `--where` has it.
        pages: That answer it; none where nobody says.
    """

    id: str | int
    text: str
    place: str
    where: tuple[str, ...] = ()
    pages: tuple[GoodPage, ...] = ()


def read_questions(source: Path) -> list[AskedQuestion]:
    """The questions of a file (docs/reference/questions.md), `-` for standard input, or of a benchmark folder.

    Rows of a file with the same question and the same id, or none, are one question that several pages answer.

    Raises:
        UsageError: There is no such file, a row is malformed (file and line are named), or there is no question.
    """
    try:
        questions = list(_of_folder(source)) if source.is_dir() else _of_rows(read_question_rows(source))
    except VragError as error:
        raise UsageError(error.message, error.hint, error.details) from error
    if not questions:
        raise UsageError(f"{source} has no questions.", 'Write rows such as {"query": "revenue by region"}.')
    return questions


def _of_folder(folder: Path) -> Iterator[AskedQuestion]:
    benchmark = load_benchmark(folder)
    for query in benchmark.queries:
        grades = benchmark.qrels.get(query.id, {})
        pages = tuple(GoodPage(*benchmark.corpus[corpus_id], grade) for corpus_id, grade in grades.items())
        yield AskedQuestion(query.id, query.text, f"{folder}, question {query.id}", (), pages)


def _of_rows(rows: Iterator[QuestionRow]) -> list[AskedQuestion]:
    found: dict[object, AskedQuestion] = {}
    for asked in rows:
        row, key = asked.row, (asked.text, asked.id, asked.where)
        name = row.line if asked.id is None else asked.id
        before = found.get(key, AskedQuestion(name, asked.text, row.place, asked.where))
        found[key] = replace(before, pages=(*before.pages, *_page(asked)))
    return list(found.values())


def _page(asked: QuestionRow) -> Iterator[GoodPage]:
    doc, page = asked.doc, asked.page
    if page is not None and doc is None:
        raise asked.row.error("there is a page, and no document that it is of")
    if doc is not None and page is not None:
        yield GoodPage(doc, page, asked.grade, asked.row)
