"""The answers that are right, and the questions that nothing answers: `answers.jsonl` and `unanswerable.jsonl`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from vrag.errors import UsageError
from vrag.evaluation.benchmarks.benchmark import Benchmark, PageRef, Query, query_doc
from vrag.evaluation.benchmarks.question_rows import NOTHING, QUERY_ID, QuestionRow, answer_format, row_answer
from vrag.evaluation.benchmarks.rows import Row, read_rows
from vrag.evaluation.numbers.short_answer import ShortAnswer

ANSWERS, UNANSWERABLE = "answers.jsonl", "unanswerable.jsonl"


@dataclass(frozen=True, slots=True)
class AnswerKey:
    """A question with what is right to answer.

    Args:
        query: The question.
        answer: The right one; of format "None" where nothing answers the question.
        evidence: What its pages say that answers it, where the benchmark says so: page and text.
    """

    query: Query
    answer: ShortAnswer
    evidence: tuple[tuple[PageRef, str], ...] = ()

    @property
    def is_answerable(self) -> bool:
        """Whether something answers it."""
        return self.answer.form != "None"

    def labelled(self, benchmark: Benchmark) -> list[PageRef]:
        """The pages that answer it, by the benchmark's labels; none where nothing does."""
        grades = benchmark.qrels.get(self.query.id, {}) if self.is_answerable else {}
        return sorted({benchmark.corpus[corpus_id] for corpus_id, grade in grades.items() if grade > 0})


def load_answer_keys(folder: Path, benchmark: Benchmark, limit: int | None = None) -> list[AnswerKey]:
    """The questions of a benchmark folder whose right answer is known, in the order of its files.

    `answers.jsonl` has {"query-id", "answer", "format": Str, Int, Float, List or None, "evidence"?: [{"page", "text",
    "doc"?}]}, `unanswerable.jsonl` {"query", "doc"?, "query-id"?}.

    Args:
        folder: The folder.
        benchmark: What was read from it.
        limit: The first so many questions that are answered, and as many that are not; None for all.

    Raises:
        UsageError: The folder has no answers.
        VragError: A row is malformed, repeated, or refers to what is not there; file and line are named.
    """
    if not (folder / ANSWERS).is_file():
        hint = f"Rows of {ANSWERS}: query-id, answer, format. vrag eval make writes it from a column 'answer'."
        raise UsageError(f"{folder} has no {ANSWERS}.", hint)
    unanswerable = folder / UNANSWERABLE
    nothing = read_rows(unanswerable) if unanswerable.is_file() else iter(())
    keys = answer_keys(read_rows(folder / ANSWERS), nothing, benchmark, limit)
    if not keys:
        raise UsageError(f"{folder / ANSWERS} is empty.")
    return keys


def answer_keys(
    answers: Iterable[Row], unanswerable: Iterable[Row], benchmark: Benchmark, limit: int | None = None
) -> list[AnswerKey]:
    """The same of rows, whatever they were read from."""
    queries = {query.id: query for query in benchmark.queries}
    docs = set(benchmark.docs)
    keys: dict[str, AnswerKey] = {}
    for row in answers:
        _add(keys, row, _answered(row, queries, benchmark))
    for row in unanswerable:
        _add(keys, row, AnswerKey(_unanswerable(row, queries, docs), NOTHING))
    return list(_first(keys, limit))


def _add(keys: dict[str, AnswerKey], row: Row, key: AnswerKey) -> None:
    if key.query.id in keys:
        raise row.error(f"query id {key.query.id} is there twice")
    keys[key.query.id] = key


def _answered(row: Row, queries: Mapping[str, Query], benchmark: Benchmark) -> AnswerKey:
    query = queries.get(row.id(*QUERY_ID[:2]))
    if query is None:
        raise row.error(f"unknown query id {row.id(*QUERY_ID[:2])}")
    form = answer_format(row)
    if form == "None":
        return AnswerKey(query, NOTHING)
    return AnswerKey(query, row_answer(row, form), tuple(_evidence(row, query, benchmark)))


def _evidence(row: Row, query: Query, benchmark: Benchmark) -> Iterator[tuple[PageRef, str]]:
    given = row.fields.get("evidence") or []
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise row.error("'evidence' must be a list of objects with page and text")
    for one in given:
        part = Row(row.path, row.line, one, row.unit)
        page = PageRef(part.optional_text("doc") or query.doc or "", part.integer("page", least=1))
        if page not in benchmark.ids:
            raise row.error(f"'evidence' names page {page.page} of {page.doc!r}, which is not in the corpus")
        yield page, part.text("text")


def _unanswerable(row: Row, queries: Mapping[str, Query], docs: set[str]) -> Query:
    """The question of a row; its id is the one it has, else its line's number."""
    asked = QuestionRow(row)
    name = f"unanswerable-{row.line}" if asked.id is None else str(asked.id)
    if name in queries:
        raise row.error(f"query id {name} is one of the other questions")
    return Query(name, asked.text, query_doc(asked, docs), asked.kind, asked.language)


def _first(keys: Mapping[str, AnswerKey], limit: int | None) -> Iterator[AnswerKey]:
    counts = {True: 0, False: 0}
    for key in keys.values():
        counts[key.is_answerable] += 1
        if limit is None or counts[key.is_answerable] <= limit:
            yield key
