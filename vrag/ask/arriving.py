"""Claims out of JSON while a model is still writing it, and all of them when it has ended."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, SupportsIndex

MOST_LOOKS = 500_000  # at characters, to repair an answer: some texts take the cube of their length
_CLAIMS = re.compile(r'"claims"\s{0,20}:\s{0,20}\[')
_FOUND = re.compile(r'"found"\s{0,20}:\s{0,20}(true|false)')
_LONGEST = 64  # characters of either
_DEPTH = {"{": 1, "[": 1, "}": -1, "]": -1}


class Arriving:
    """The JSON of an answer, as far as it has come; each character is looked at once, each claim decoded once."""

    def __init__(self) -> None:
        self.claims: list[dict[str, Any]] = []  # so far
        self.denies = False  # whether it says by now that the pages do not answer
        self._pieces: list[str] = []
        self._end = ""  # of what came before, in which a key may have begun
        self._said_found = False
        self._objects: _Objects | None = None  # of the list of claims, once it has begun

    @property
    def text(self) -> str:
        """All that has come."""
        return "".join(self._pieces)

    def feed(self, piece: str) -> Iterator[dict[str, Any]]:
        """The claims that are whole with this piece."""
        self._pieces.append(piece)
        known = self._end + piece
        self._end = known[-_LONGEST:]
        if not self._said_found and (said := _FOUND.search(known)):
            self._said_found, self.denies = True, said[1] == "false"
        if self._objects is None and (start := _CLAIMS.search(known)):
            self._objects, piece = _Objects(), known[start.end() :]
        for claim in self._objects.feed(piece) if self._objects else ():
            self.claims.append(claim)
            yield claim


class _Objects:
    """The objects of a list of which the beginning was read, until it ends or holds something else."""

    def __init__(self) -> None:
        self._has_ended = False
        self._text: list[str] = []  # of an object that has begun
        self._depth = 0
        self._in_string = self._is_escaped = False

    def feed(self, piece: str) -> Iterator[dict[str, Any]]:
        """Those that are whole with this piece."""
        start = 0
        for at, char in enumerate(piece):
            if self._has_ended:
                return
            if self._depth or char == "{":
                self._step(char)
                if not self._depth:
                    yield from self._whole(piece[start : at + 1])
                    start = at + 1
            elif char in ", \t\r\n":
                start = at + 1
            else:
                self._has_ended = True
        if self._depth:
            self._text.append(piece[start:])

    def _step(self, char: str) -> None:
        """Go on by a character of an object."""
        if self._is_escaped:
            self._is_escaped = False
        elif self._in_string:
            self._is_escaped = char == "\\"
            self._in_string = char != '"'
        elif char == '"':
            self._in_string = True
        else:
            self._depth += _DEPTH.get(char, 0)

    def _whole(self, end: str) -> Iterator[dict[str, Any]]:
        text = "".join((*self._text, end))
        self._text = []
        try:
            yield json.loads(text)
        except (ValueError, RecursionError):  # not quite JSON: the end will tell
            self._has_ended = True


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer.

    Args:
        found: Whether the model says that the pages answer the question.
        claims: As it wrote them.
    """

    found: bool
    claims: tuple[Any, ...]


def reply_of(text: str) -> Reply | None:
    """The answer in a text, though it is not quite JSON; None where none can be made out."""
    said = repaired(text)
    if isinstance(said, list):  # several texts beside each other, or the claims alone
        said = next((one for one in said if isinstance(one, dict) and "claims" in one), {"claims": said})
    if not isinstance(said, dict) or not isinstance(said.get("claims"), list):
        return None
    claims = tuple(claim for claim in said["claims"] if isinstance(claim, dict))
    return Reply(str(said.get("found", True)).casefold() not in ("false", "0", "no"), claims)


def repaired(text: str) -> Any:
    """What a model has written as JSON, though it is not quite JSON; None where nothing can be made out."""
    from json_repair import loads

    try:
        return loads(_Counted(text))
    except (ValueError, RecursionError):
        return None


class _Counted(str):
    """A text at whose characters nobody looks more than `MOST_LOOKS` times."""

    left = MOST_LOOKS

    def __getitem__(self, key: SupportsIndex | slice) -> str:
        found = super().__getitem__(key)
        self.left -= len(found)
        if self.left < 0:
            raise ValueError("this takes too long to repair")
        return found
