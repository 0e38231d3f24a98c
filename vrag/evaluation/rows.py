"""JSON Lines files read row by row, so that a malformed row is named by its file and line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vrag.errors import UsageError, VragError


@dataclass(frozen=True, slots=True)
class Row:
    """One JSON object of a file; its getters raise `VragError` for what is missing or of the wrong kind.

    Args:
        path: The file.
        line: Line number from 1.
        fields: The object.
    """

    path: Path
    line: int
    fields: Mapping[str, Any]

    def id(self, key: str) -> str:
        """A string or whole number, as a string: layouts write ids either way."""
        value = self._get(key)
        if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
            raise self.error(f"{key!r} must be a string or a whole number, not {value!r}")
        return str(value)

    def text(self, key: str) -> str:
        """A string that is not blank."""
        value = self._get(key)
        if not isinstance(value, str) or not value.strip():
            raise self.error(f"{key!r} must be text, not {value!r}")
        return value

    def optional_text(self, key: str) -> str | None:
        """A string, or None where the key is missing or null."""
        return None if self.fields.get(key) is None else self.text(key)

    def integer(self, key: str, least: int | None = None) -> int:
        """A whole number, at least `least`."""
        value = self._get(key)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.error(f"{key!r} must be a whole number, not {value!r}")
        if least is not None and value < least:
            raise self.error(f"{key!r} must be at least {least}, not {value}")
        return value

    def error(self, problem: str) -> VragError:
        """An error that names this row."""
        return VragError(f"{self.path}, line {self.line}: {problem}.")

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
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise UsageError(f"{path} is missing.") from error
    except UnicodeDecodeError as error:
        raise VragError(f"{path} is not UTF-8 (byte {error.start}).", "Save it as UTF-8.") from error
    # Not splitlines(): JSON strings may hold U+2028 and other characters that it takes for line ends.
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield _parse(path, number, line)


def _parse(path: Path, number: int, line: str) -> Row:
    try:
        fields = json.loads(line)
    except ValueError as error:
        raise VragError(f"{path}, line {number}: not JSON ({error}).") from error
    if not isinstance(fields, dict):
        raise VragError(f"{path}, line {number}: not a JSON object, but {type(fields).__name__}.")
    return Row(path, number, fields)
