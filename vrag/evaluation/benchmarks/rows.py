"""Rows of benchmark files, each of which knows its place, so that a malformed one is named by file and line."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vrag.errors import UsageError, VragError
from vrag.runtime.parsing import MalformedError, check_unicode, json_lines, parse_json, read_text, reason_of

_DIGITS = re.compile(r"-?\d{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Row:
    """One record of a file or table; its getters raise `VragError` for what is missing or of the wrong kind.

    Args:
        path: The file, or what else the table is called.
        line: Line number, or number of the row, from 1.
        fields: The object.
        unit: What `line` counts: "line" of a file, "row" of a table.
    """

    path: Path | str
    line: int
    fields: Mapping[str, Any]
    unit: str = "line"

    @property
    def place(self) -> str:
        """File and line, for messages."""
        return f"{self.path}, {self.unit} {self.line}"

    def id(self, *keys: str) -> str:
        """A string or whole number under the first of `keys` that is there, as a string: layouts differ in both."""
        key = self.key(*keys)
        value = self._get(key)
        if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
            raise self.error(f"{key!r} must be a string or a whole number, not {value!r}")
        return self._unicode(key, str(value))

    def key(self, *keys: str) -> str:
        """The first of `keys` with something in it, else the first that the row has, else the first one."""
        given = (key for key in keys if self.is_given(key))
        return next(given, None) or next((key for key in keys if key in self.fields), keys[0])

    def is_given(self, *keys: str) -> bool:
        """Whether there is something under one of `keys`: a field that is null or blank is as if it was left out."""
        values = (self.fields.get(key) for key in keys)
        return any(bool(value.strip()) if isinstance(value, str) else value is not None for value in values)

    def text(self, *keys: str) -> str:
        """A string that is not blank, under the first of `keys` that is there."""
        key = self.key(*keys)
        value = self._get(key)
        if not isinstance(value, str) or not value.strip():
            raise self.error(f"{key!r} must be text, not {value!r}")
        return self._unicode(key, value)

    def optional_text(self, *keys: str) -> str | None:
        """A string, or None where nothing is given."""
        return self.text(*keys) if self.is_given(*keys) else None

    def integer(self, *keys: str, least: int | None = None) -> int:
        """A whole number, perhaps written as text, at least `least`, under the first of `keys` that is there."""
        key = self.key(*keys)
        value = self._get(key)
        if isinstance(value, str) and _DIGITS.fullmatch(value.strip()):  # tables have nothing but text
            value = int(value)
        if isinstance(value, float) and value.is_integer():  # tables store grades as 1.0
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.error(f"{key!r} must be a whole number, not {value!r}")
        if least is not None and value < least:
            raise self.error(f"{key!r} must be at least {least}, not {value}")
        return value

    def error(self, problem: str) -> VragError:
        """An error that names this row."""
        return VragError(f"{self.place}: {problem}.")

    def _unicode(self, key: str, text: str) -> str:
        try:
            check_unicode(text)
        except MalformedError as error:
            raise self.error(f"{key!r} is {error}") from error
        return text

    def _get(self, key: str) -> Any:
        if key not in self.fields:
            raise self.error(f"{key!r} is missing; the row has {', '.join(map(repr, self.fields)) or 'nothing'}")
        return self.fields[key]


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of a JSON Lines file; blank lines are passed over.

    Raises:
        UsageError: There is no such file.
        VragError: It is not UTF-8, or a line is not a JSON object.
    """
    return parse_rows(path, read_file(path))


def parse_rows(place: Path | str, text: str) -> Iterator[Row]:
    """The rows of a JSON Lines text, as `read_rows`."""
    return (_parse(place, number, line) for number, line in json_lines(text))


def read_table(path: Path, delimiter: str) -> Iterator[Row]:
    """The rows of a table with a head line, as strings; cells are quoted as spreadsheets quote them.

    Raises:
        UsageError: There is no such file.
        VragError: It is not UTF-8, a cell is too long, or a row has more cells than the head.
    """
    return parse_table(path, read_file(path), delimiter)


def parse_table(place: Path | str, text: str, delimiter: str) -> Iterator[Row]:
    """The rows of the text of a table, as `read_table`."""
    reader = csv.DictReader(io.StringIO(text), delimiter=delimiter)
    try:
        for fields in reader:
            row = Row(place, reader.line_num, fields)
            if None in fields:
                raise row.error(f"more cells than the head has ({', '.join(reader.fieldnames or ())})")
            yield row
    except csv.Error as error:
        raise VragError(f"{place}, line {reader.line_num}: not a table ({error}).") from error


def read_file(path: Path) -> str:
    """The text of a file.

    Raises:
        UsageError: There is no such file.
        VragError: It cannot be read, or is not UTF-8.
    """
    return text_of(path, lambda: read_text(path))


def text_of(place: Path | str, read: Callable[[], str]) -> str:
    """What `read` gives; what keeps it from that as an error that names the place."""
    try:
        return read()
    except FileNotFoundError as error:
        raise UsageError(f"{place} is missing.") from error
    except OSError as error:
        raise VragError(f"{place} cannot be read: {reason_of(error)}.") from error
    except MalformedError as error:
        raise VragError(f"{place} is {error}.", "Save it as UTF-8.") from error


def _parse(place: Path | str, number: int, line: str) -> Row:
    try:
        fields = parse_json(line)
    except MalformedError as error:
        raise VragError(f"{place}, line {number}: {error}.") from error
    if not isinstance(fields, dict):
        raise VragError(f"{place}, line {number}: not a JSON object, but {type(fields).__name__}.")
    return Row(place, number, fields)
