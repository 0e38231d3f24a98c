"""Text from outside becomes values here: JSON, TOML and numbers, whoever wrote them.

The parsers of Python's library raise five kinds of exceptions, accept `NaN`, and build numbers and nestings that break
what comes after them. Here all that is wrong is one `MalformedError`, whose text says what, fit to follow "FILE: ".
What is returned is bounded: no nesting past `DEEPEST`, whole numbers of 64 bits, finite decimals, no key twice.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DEEPEST = 64  # lists and objects within each other
LEAST_WHOLE, MOST_WHOLE = -(2**63), 2**64 - 1  # what numpy, the engines and other languages hold
MOST_TEXT = 256 << 20  # bytes of a file that is read as one text
MOST_TOML = 64 << 10  # bytes: its parser takes quadratic time for keys of many parts, and people write it
_AT_ONCE = 1 << 20  # bytes
_LONGEST = 400  # characters of a number: the smallest decimal written out has 325 digits after the point
_DECIMAL = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)
_WHOLE = re.compile(r"[-+]?\d+", re.ASCII)


class MalformedError(ValueError):
    """Text that is not what it should be; `str(error)` says why, without the place."""


def parse_json(data: str | bytes) -> Any:
    """The value of a JSON text.

    Strings may hold lone surrogates, as names of files that are no UTF-8 do; see `check_unicode`.

    Raises:
        MalformedError: It is not UTF-8, not JSON, too deep, has a key twice, or a number that is out of range.
    """
    try:
        value = _JSON.decode(as_text(data))
    except json.JSONDecodeError as error:
        line = f"line {error.lineno}, " if error.lineno > 1 else ""
        raise MalformedError(f"not JSON ({error.msg}, {line}character {error.colno})") from error
    except RecursionError as error:
        raise MalformedError(_TOO_DEEP) from error
    _check_depth(value)
    return value


def parse_toml(data: str | bytes) -> dict[str, Any]:
    """The table of a TOML text.

    Raises:
        MalformedError: It is not UTF-8, not TOML, too large, too deep, or has a number that is out of range.
    """
    if len(data) > MOST_TOML:
        raise MalformedError(f"larger than {MOST_TOML >> 10} KiB")
    try:
        table = tomllib.loads(as_text(data), parse_float=lambda number: real_number(number.replace("_", "")))
    except RecursionError as error:
        raise MalformedError(_TOO_DEEP) from error
    except MalformedError:
        raise
    except ValueError as error:  # a TOMLDecodeError, or a number of more digits than Python converts
        raise MalformedError(f"not TOML ({error})") from error
    for level in _check_depth(table):
        for number in (one for value in level for one in _inside(value) if isinstance(one, int)):
            _in_range(number)
    return table


def read_text(path: Path) -> str:
    """The text of a UTF-8 file, without a byte order mark; a file without end is not read to its end.

    Raises:
        OSError: It cannot be read.
        MalformedError: It is not UTF-8, or larger than `MOST_TEXT`.
    """
    with path.open("rb") as file:
        return read_stream(file)


def read_stream(file: IO[bytes]) -> str:
    """The text of an open file, as `read_text`."""
    data = bytearray()
    while part := file.read(_AT_ONCE):  # a read of all that is allowed would take that much memory first
        data += part
        if len(data) > MOST_TEXT:
            raise MalformedError(f"larger than {MOST_TEXT >> 20} MiB")
    return as_text(bytes(data))


def as_text(data: str | bytes) -> str:
    """UTF-8 as text, without a byte order mark.

    Raises:
        MalformedError: It is not UTF-8.
    """
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
    except UnicodeDecodeError as error:
        raise MalformedError(f"not UTF-8 (byte {error.start + 1})") from error
    return text.removeprefix("\ufeff")


def json_lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines of a JSON Lines text that are not blank, numbered from 1.

    JSON strings may hold U+2028 and other characters that `str.splitlines` takes for line ends.
    """
    return ((number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip())


def whole_number(text: str) -> int:
    """A whole number in decimal digits.

    Raises:
        MalformedError: It is not one, or not within 64 bits.
    """
    text = text.strip()
    if len(text) > _LONGEST:
        raise MalformedError("out of range")
    if not _WHOLE.fullmatch(text):
        raise MalformedError("not a whole number")
    return _in_range(int(text))


def real_number(text: str) -> float:
    """A number in decimal digits, perhaps with a point and an exponent.

    Raises:
        MalformedError: It is not one, or not finite.
    """
    text = text.strip()
    if len(text) > _LONGEST:
        raise MalformedError("out of range")
    if not _DECIMAL.fullmatch(text):
        raise MalformedError("not a finite number")
    number = float(text)
    if not math.isfinite(number):
        raise MalformedError("out of range")
    return number


def check_unicode(text: str) -> None:
    """Make sure that a text can be encoded: bytes that are no UTF-8 and halves of characters cannot.

    Raises:
        MalformedError: It holds a lone surrogate.
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise MalformedError(f"not Unicode text (character {error.start + 1})") from error


def reason_of(error: Exception) -> str:
    """Why a file could not be read, without the system's error number and the path: `MalformedError` and `OSError`."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__


_TOO_DEEP = f"nested more than {DEEPEST} deep"


def _refuse(name: str) -> Any:
    raise MalformedError(f"{name} is not a finite number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        seen = set[str]()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise MalformedError(f"the key {twice!r} stands twice")
    return table


_JSON = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=real_number, parse_int=whole_number, parse_constant=_refuse
)


def _in_range(number: int) -> int:
    if not LEAST_WHOLE <= number <= MOST_WHOLE:
        raise MalformedError("a whole number past 64 bits")
    return number


def _check_depth(value: Any) -> list[list[Any]]:
    """The lists and tables of a value, level by level."""
    levels, level = [], [value] if isinstance(value, (list, dict)) else []
    while level:
        levels.append(level)
        if len(levels) > DEEPEST:
            raise MalformedError(_TOO_DEEP)
        level = [child for one in level for child in _inside(one) if isinstance(child, (list, dict))]
    return levels


def _inside(value: list[Any] | dict[str, Any]) -> Any:
    return value.values() if isinstance(value, dict) else value
