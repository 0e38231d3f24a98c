"""Whether an answer stands in a text as it is, whatever the case of letters and the separators of numbers."""

from __future__ import annotations

import re
import unicodedata

_TOKEN = re.compile(r"\d[\d,]*(?:\.\d+)?|[^\W\d_]+")


def contains(text: str, answer: str) -> bool:
    """Whether the answer's words stand in a text one after the other; numbers without signs and trailing zeros."""
    have, wanted = _tokens(text), _tokens(answer)
    return bool(wanted) and any(have[i : i + len(wanted)] == wanted for i in range(len(have) - len(wanted) + 1))


def _tokens(text: str) -> list[str]:
    return [_plain(token) for token in _TOKEN.findall(unicodedata.normalize("NFKC", text).casefold())]


def _plain(token: str) -> str:
    """A number without separators and trailing zeros; a word as it is."""
    number = token.replace(",", "")
    return (number.rstrip("0").rstrip(".") if "." in number else number) if number[0].isdigit() else token
