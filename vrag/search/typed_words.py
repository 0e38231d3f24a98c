"""Which of a query's rows stand for which of the words that were typed."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from vrag.embedders.protocol import WHOLE_QUERY

ADDED = "(added by the model)"  # tokens of its prompt, and those that it was trained to see behind every query
_MARKS = ("##", "\N{LOWER ONE EIGHTH BLOCK}", "Ġ")  # of WordPiece, SentencePiece and byte-level BPE


@dataclass(frozen=True, slots=True)
class TypedWord:
    """A word as it was typed, or what a model adds.

    Args:
        text: For people to read.
        rows: Which of the query's m rows are pieces of it, from 0, at least one.
    """

    text: str
    rows: tuple[int, ...]

    @property
    def is_typed(self) -> bool:
        """Whether somebody typed it; else a row for the whole query, or a model's own tokens."""
        return self.text not in (ADDED, WHOLE_QUERY)


def typed_words(query: str, tokens: Sequence[str]) -> list[TypedWord]:
    """The rows of a query grouped by word, in the order in which the words' first rows come.

    Args:
        query: As typed.
        tokens: The m words or pieces that the rows stand for, in the order of the text.
    """
    words = query.split()
    plain = [_plain(word) for word in words]
    rows: dict[str | int, list[int]] = {}
    word, place = 0, 0  # where in which word the next piece is looked for
    for row, token in enumerate(tokens):
        mark = next((mark for mark in _MARKS if token.startswith(mark) and token != mark), "")
        piece = _plain(token.removeprefix(mark))
        found = _find(plain, word, place, piece) if token != WHOLE_QUERY else None
        if found is None:
            rows.setdefault(WHOLE_QUERY if token == WHOLE_QUERY else ADDED, []).append(row)
        else:
            rows.setdefault(found[0], []).append(row)
            word, place = found[0], found[1] + len(piece)
    return [TypedWord(words[key] if isinstance(key, int) else key, tuple(found)) for key, found in rows.items()]


def _find(plain: Sequence[str], word: int, place: int, piece: str) -> tuple[int, int] | None:
    """Word and place in it where a piece stands: where the last one ended, or else where a later word begins."""
    if not piece:
        return None
    if word < len(plain) and plain[word].startswith(piece, place):
        return word, place
    return next(((i, 0) for i in range(word + (place > 0), len(plain)) if plain[i].startswith(piece)), None)


def _plain(text: str) -> str:
    """Without accents and capitals, as uncased models read."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in apart if not unicodedata.combining(char))
