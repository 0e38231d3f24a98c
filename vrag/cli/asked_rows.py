"""What a command is asked: one query on the command line, or a file of them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from vrag.errors import UsageError
from vrag.runtime.parsing import MalformedError, json_lines, parse_json, read_stream, read_text, reason_of
from vrag.runtime.pathtext import quoted
from vrag.search.query_text import check_query

_STDIN = Path("-")
QueriesOption = Annotated[
    Path | None,
    typer.Option(allow_dash=True, help='JSONL file of {"query-id", "query", "where"?} rows; - reads stdin.'),
]


def asked_rows(query: str | None, file: Path | None, example: str) -> Iterator[dict[str, Any]]:
    """The queries asked, each `{"query", "query-id"?, "where"?: [clauses]}`.

    Args:
        query: Asked on the command line.
        file: Of queries, `-` for standard input.
        example: Of a query, shown when there is neither.

    Raises:
        UsageError: There is neither, or both, the file is none of queries, or one of them cannot be asked.
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
        yield from _read_queries(file)


def _read_queries(file: Path) -> Iterator[dict[str, Any]]:
    name = "standard input" if file == _STDIN else str(file)
    try:
        text = read_stream(sys.stdin.buffer) if file == _STDIN else read_text(file)
    except (OSError, MalformedError) as error:
        raise UsageError(f"{name} cannot be read: {reason_of(error)}.") from error
    for number, line in json_lines(text):
        yield _parse_row(line, f"{name}, line {number}")


def _parse_row(line: str, place: str) -> dict[str, Any]:
    try:
        row = parse_json(line)
    except MalformedError as error:
        raise UsageError(f"{place}: {error}.") from error
    if not isinstance(row, dict) or not isinstance(row.get("query"), str) or "query-id" not in row:
        raise UsageError(f'{place}: needs a "query-id" and a "query".')
    clauses = row.get("where") or []
    clauses = [clauses] if isinstance(clauses, str) else clauses
    if not isinstance(clauses, list) or not all(isinstance(clause, str) for clause in clauses):
        raise UsageError(f'{place}: "where" must be "KEY=VALUE".')
    try:
        check_query(row["query"])
    except UsageError as error:
        raise UsageError(f"{place}: {error.message}", error.hint) from error
    return {"query": row["query"], "query-id": row["query-id"], "where": clauses}
