"""Words of a query that a text has too, so that they can be marked."""

from __future__ import annotations

import re
import unicodedata

from vrag.pages.language import ENGLISH, function_words_of, likely_language

_WORD = re.compile(r"\w+(?:['’-]\w+)*")
_STEM = 4  # letters that two forms of a word share at least
_ENDING = 3  # letters by which they may differ
AskedWords = tuple[set[str], set[str]]


def asked_words(query: str) -> AskedWords:
    """Words of a query, and what is left of them without an ending."""
    found = _WORD.findall(query)
    dropped = function_words_of(likely_language(found) or ENGLISH)
    words = {_plain(word) for word in found if word.casefold() not in dropped} - {""}
    return words, {stem for word in words for stem in _stems(word)}


def matched(asked: AskedWords, text: str) -> list[str]:
    """Words of a text that a query has too, as they stand there; endings may differ.

    Args:
        asked: From `asked_words`.
        text: To be marked.
    """
    words, stems = asked
    forms = {word: _plain(word) for word in _WORD.findall(text)}
    return [
        word for word, form in forms.items() if form in words or form in stems or not words.isdisjoint(_stems(form))
    ]


def matched_spans(asked: AskedWords, text: str) -> list[tuple[int, int]]:
    """First character and end of each of them in a text."""
    words = set(matched(asked, text))
    return [found.span() for found in _WORD.finditer(text) if found[0] in words]


def _stems(word: str) -> list[str]:
    """What a word may be without its ending."""
    stems = [word[:-letters] for letters in range(1, _ENDING + 1)]
    return [stem for stem in stems if len(stem) >= _STEM and stem.isalpha()]


def _plain(word: str) -> str:
    apart = unicodedata.normalize("NFKD", word.casefold())
    return "".join(char for char in apart if not unicodedata.combining(char))
