"""Claims out of JSON while a model is still writing it, and all of them when it has ended."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_CLAIMS = re.compile(r'"claims"\s*:\s*\[')
_FOUND = re.compile(r'"found"\s*:\s*(true|false)')
_BETWEEN = re.compile(r"[\s,]*")
_DECODER = json.JSONDecoder()


class Arriving:
    """The JSON of an answer, as far as it has come."""

    def __init__(self) -> None:
        self.text = ""
        self.came = 0  # claims so far
        self._next = -1  # where the next claim begins; -1 before the first

    def feed(self, piece: str) -> Iterator[Any]:
        """The claims that are whole with this piece."""
        self.text += piece
        if self._next < 0 and (start := _CLAIMS.search(self.text)):
            self._next = start.end()
        while self._next >= 0 and "}" in piece:
            start_at = _between(self.text, self._next)
            try:
                claim, self._next = _DECODER.raw_decode(self.text, start_at)
            except (ValueError, RecursionError):  # not whole yet, or no JSON: the end will tell
                return
            if isinstance(claim, dict):
                self.came += 1
                yield claim

    @property
    def denies(self) -> bool:
        """Whether it says by now that the pages do not answer."""
        said = _FOUND.search(self.text)
        return said is not None and said[1] == "false"


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
        return loads(text)
    except (ValueError, RecursionError):
        return None


def _between(text: str, start: int) -> int:
    found = _BETWEEN.match(text, start)
    return found.end() if found else start
