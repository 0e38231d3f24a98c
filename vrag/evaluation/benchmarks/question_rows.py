"""Files of questions: one format for all that asks them, measures with them, or makes a benchmark of them.

docs/reference/questions.md describes it. A field that is left out, empty or null is the same thing.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vrag.errors import UsageError
from vrag.evaluation.benchmarks.rows import Row, parse_rows, parse_table, read_file, text_of
from vrag.evaluation.numbers.short_answer import FORMATS, AnswerFormat, ShortAnswer, read_answer
from vrag.runtime.parsing import read_stream

QUERY_ID = ("query-id", "query_id", "_id", "id")
QUERY_TEXT = ("query", "question", "text")
DOC, PAGE, GRADE = ("doc", "file"), ("page",), ("score", "grade")
ANSWER, FORMAT = "answer", "format"
TABLES = {".csv": ",", ".tsv": "\t"}
NOTHING = ShortAnswer(("Not answerable",), "None")
_LINES = (".jsonl", ".json", ".ndjson", "")  # a pipe has no suffix
_STDIN = Path("-")


@dataclass(frozen=True, slots=True)
class QuestionRow:
    """One row of such a file; its properties raise `VragError`, with file and line, for what is of the wrong kind.

    Args:
        row: Its fields.
    """

    row: Row

    @property
    def text(self) -> str:
        """The question."""
        return self.row.text(*QUERY_TEXT).strip()

    @property
    def id(self) -> str | int | None:
        """Its id as it is written; None where it has none."""
        if not self.row.is_given(*QUERY_ID):
            return None
        self.row.id(*QUERY_ID)
        value: str | int = self.row.fields[self.row.key(*QUERY_ID)]
        return value

    @property
    def doc(self) -> str | None:
        """The document that it is about."""
        doc = self.row.optional_text(*DOC)
        return doc.strip() if doc else None

    @property
    def page(self) -> int | None:
        """The page that answers it, from 1."""
        return self.row.integer(*PAGE, least=1) if self.row.is_given(*PAGE) else None

    @property
    def grade(self) -> int:
        """How well that page does, from 1."""
        return self.row.integer(*GRADE, least=1) if self.row.is_given(*GRADE) else 1

    @property
    def kind(self) -> str:
        """What kind of question it is, in the words of who made it; may be empty."""
        return self.row.optional_text("type") or ""

    @property
    def language(self) -> str:
        """Its language, in the same words; may be empty."""
        return self.row.optional_text("language") or ""

    @property
    def where(self) -> tuple[str, ...]:
        """The pages to ask, as `--where` has it."""
        given = self.row.fields.get("where") or []
        clauses = [given] if isinstance(given, str) else given
        if not isinstance(clauses, list) or not all(isinstance(clause, str) for clause in clauses):
            raise self.row.error("'where' must be KEY=VALUE, or a list of such")
        return tuple(clause for clause in clauses if clause.strip())

    @property
    def answer(self) -> ShortAnswer | None:
        """The right answer; `NOTHING` where the format says that nothing answers it, None where nobody says."""
        form = answer_format(self.row)
        if form == "None":
            return NOTHING
        if self.row.is_given(ANSWER):
            return row_answer(self.row, form)
        if form is not None:
            raise self.row.error(f"there is the format {form}, and no answer")
        return None


def read_question_rows(source: Path) -> Iterator[QuestionRow]:
    """The rows of a file of questions: a table where its name ends with .csv or .tsv, else JSON Lines; `-` is stdin.

    Raises:
        UsageError: There is no such file, or its name ends otherwise.
        VragError: It is malformed.
    """
    if source == _STDIN:
        name = "standard input"
        rows = parse_rows(name, text_of(name, lambda: read_stream(sys.stdin.buffer)))
    else:
        suffix = source.suffix.lower()
        if suffix not in (*TABLES, *_LINES):
            raise UsageError(f"{source} is neither a table (.csv, .tsv) nor JSON Lines (.jsonl).", "Save it as one.")
        text, delimiter = read_file(source), TABLES.get(suffix)
        rows = parse_rows(source, text) if delimiter is None else parse_table(source, text, _cut(text, delimiter))
    return map(QuestionRow, rows)


def _cut(text: str, delimiter: str) -> str:
    """What stands between the cells: where a comma is the decimal point, spreadsheets write a semicolon."""
    head = text.partition("\n")[0]
    return ";" if delimiter == "," and ";" in head and "," not in head else delimiter


def answer_format(row: Row) -> AnswerFormat | None:
    """The format that a row names for its answer; None when it names none."""
    form = row.optional_text(FORMAT)
    if form is not None and form not in FORMATS:
        raise row.error(f"'format' must be one of {', '.join(FORMATS)}, not {form!r}")
    return form


def row_answer(row: Row, form: AnswerFormat | None) -> ShortAnswer:
    """The answer of a row, of a format that is guessed where it is None."""
    try:
        return read_answer(row.fields.get(ANSWER), form)
    except ValueError as error:
        raise row.error(f"'answer' {error}") from error
