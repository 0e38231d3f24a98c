"""What a command is asked: one query on the command line, or a file of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from vrag.errors import UsageError
from vrag.runtime.pathtext import quoted
from vrag.search.query_text import check_query

QUESTIONS = "File of questions (CSV or JSONL), or a benchmark folder"
QueriesOption = Annotated[
    Path | None,
    typer.Option(allow_dash=True, help=f"{QUESTIONS}; - reads stdin."),
]


def asked_rows(query: str | None, file: Path | None, example: str) -> Iterator[dict[str, Any]]:
    """The queries asked, each `{"query", "query-id"?, "where"?: [clauses]}`.

    Args:
        query: Asked on the command line.
        file: Of questions, `-` for standard input; or a benchmark folder.
        example: Of a query, shown when there is neither.

    Raises:
        UsageError: There is neither, or both, the file is none of questions, or one of them cannot be asked.
    """
    if query is None and file is None:
        raise UsageError("Give a query, or a file of queries with --queries.", example)
    if query is not None and file is not None:
        raise UsageError(
            f"Give a query or --queries, not both: there are the query {quoted(query)} and the file {file}.",
            "Leave one of them out.",
        )
    if query is not None:
        check_query(query)
        yield {"query": query}
    else:
        assert file is not None
        yield from _rows_of(file)


def _rows_of(file: Path) -> Iterator[dict[str, Any]]:
    from vrag.evaluation.benchmarks.asked_questions import read_questions

    for question in read_questions(file):
        try:
            check_query(question.text)
        except UsageError as error:
            raise UsageError(f"{question.place}: {error.message}", error.hint) from error
        yield {"query": question.text, "query-id": question.id, "where": list(question.where)}
