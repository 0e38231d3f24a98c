"""Metadata that comes in files: `report.pdf.json` beside `report.pdf`, or a table by file name."""

from __future__ import annotations

import csv
import errno
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

from vrag.catalog.metadata import from_json, from_text, key_name, kind_of
from vrag.errors import UsageError
from vrag.runtime.parsing import MalformedError, json_lines, parse_json, read_text, reason_of
from vrag.runtime.pathtext import quoted

FILE_COLUMN = "file"
MAX_BYTES = 1 << 20

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Given:
    """Metadata that comes with an ingest.

    Args:
        for_all: Of every document of the run; None takes a key away again.
        table: By file name or the end of a path.
    """

    for_all: Mapping[str, Any] = field(default_factory=dict)
    table: Mapping[str, Values] = field(default_factory=dict)

    def of(self, path: Path) -> Values:
        """What is given for a file; what is given for all wins."""
        rows = [self.table[name] for name in (path.name, *_ends(path)) if name in self.table] if self.table else []
        return {key: value for layer in (*rows, self.for_all) for key, value in layer.items()}


def given(clauses: Sequence[str] = (), table: Path | None = None) -> Given:
    """Metadata from `KEY=VALUE` clauses and a CSV or JSONL table.

    Raises:
        UsageError: A clause is not of that form, or the table cannot be read.
    """
    for_all: Values = {}
    for clause in clauses:
        name, equals, text = clause.partition("=")
        key = key_name(name)
        if not equals or not key:
            raise UsageError(f"Metadata {clause!r} is not KEY=VALUE.", "e.g. --meta year=2024")
        for_all[key] = _typed(text, f"Metadata {key}") if text.strip() else None
    return Given(for_all, read_table(table) if table else {})


def read_sidecar(path: Path) -> Values:
    """The object in `NAME.json` beside a file; empty when there is none.

    Raises:
        UsageError: It is not an object of plain values.
    """
    sidecar = path.with_name(f"{path.name}.json")
    try:
        if not sidecar.is_file():
            return {}
        if sidecar.stat().st_size > MAX_BYTES:
            raise UsageError(f"{sidecar.name} is larger than 1 MB: that is no metadata.")
        row = parse_json(read_text(sidecar))
    except (OSError, MalformedError) as error:
        if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
            return {}  # the file's own name is so long that no such file can stand beside it
        raise UsageError(f"{sidecar.name} cannot be read: {reason_of(error)}.") from error
    return _from_object(row, sidecar.name)


def read_table(file: Path) -> dict[str, Values]:
    """Rows of a CSV or JSONL file by their column `file`: a file's name, or the end of its path.

    A CSV column is of one type: that of its values, when they all have the same, else string.

    Raises:
        UsageError: It cannot be read, or has no such column.
    """
    try:
        text = read_text(file)
        rows = list(_json_rows(text, file) if file.suffix.lower() == ".jsonl" else _csv_rows(text, file))
    except (OSError, MalformedError, csv.Error) as error:
        raise UsageError(f"{file} cannot be read: {reason_of(error)}.") from error
    table: dict[str, Values] = {}
    for row in rows:
        name = row.pop(FILE_COLUMN, None)
        if not isinstance(name, str) or not name.strip():
            raise UsageError(f"{file}: every row needs a column {FILE_COLUMN!r}: a file's name or path.")
        table.setdefault(PurePath(name.strip()).as_posix(), {}).update(row)
    return table


def _json_rows(text: str, file: Path) -> Iterator[Values]:
    for number, line in json_lines(text):
        try:
            row = parse_json(line)
        except MalformedError as error:
            raise UsageError(f"{file}, line {number}: {error}.") from error
        yield _from_object(row, f"{file}, line {number}")


def _csv_rows(text: str, file: Path) -> Iterator[Values]:
    reader = csv.DictReader(io.StringIO(text, newline=""))
    rows = [{key_name(key): cell for key, cell in row.items() if key and isinstance(cell, str)} for row in reader]
    columns = {key for row in rows for key in row} - {FILE_COLUMN}
    typed = {
        key
        for key in columns
        if len({kind_of(_typed(row[key], f"{file}: {key}")) for row in rows if row.get(key)}) == 1
    }
    for row in rows:
        yield {key: from_text(cell) if key in typed else cell for key, cell in row.items() if cell}


def _typed(text: str, place: str) -> Any:
    """A value as people type it.

    Raises:
        UsageError: A number out of range.
    """
    try:
        return from_text(text)
    except MalformedError as error:
        raise UsageError(f"{place}={quoted(text)} is {error}.", "In quotes it is text.") from error


def _from_object(row: Any, place: str) -> Values:
    if not isinstance(row, dict):
        raise UsageError(f'{place}: needs a JSON object, e.g. {{"year": 2024}}.')
    values: Values = {}
    for name, value in row.items():
        if value is not None and (key := key_name(name)):
            try:
                values[key] = from_json(value)
            except ValueError as error:
                raise UsageError(f"{place}: {name}: {error}.") from error
    return values


def _ends(path: Path) -> Iterator[str]:
    """The ends of a path of two parts and more, the shortest first, and the whole path."""
    parts = path.parts
    for length in range(2, len(parts)):
        yield "/".join(parts[-length:])
    yield path.as_posix()
