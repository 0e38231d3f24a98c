"""What people type: words to look for, "exact phrases", and -words that must not be there.

    relief valve "pump number 3" -heating

The words and phrases are embedded together; the phrases and excluded words hold as filters at every stage.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from vrag.errors import UsageError
from vrag.payload import TEXT_KEY
from vrag.store.base import TextCondition

_PHRASE = re.compile(r'["“”„«]([^"“”„«»]+)["“”»]')
_EXCLUDED = re.compile(r"(?<!\S)-([^\W\d_][\w'-]*)")


@dataclass(frozen=True, slots=True)
class TypedQuery:
    """A query as it was typed.

    Args:
        text: What is looked for, without quotation marks and excluded words.
        conditions: What must and must not be on a page.
    """

    text: str
    conditions: tuple[TextCondition, ...]


def parse_typed(query: str) -> TypedQuery:
    """Split what was typed.

    Raises:
        UsageError: Only excluded words are left.
    """
    phrases = [phrase.strip() for phrase in _PHRASE.findall(query) if _words(phrase)]
    plain = _PHRASE.sub(r" \1 ", query)
    excluded = _EXCLUDED.findall(_PHRASE.sub(" ", query))
    text = " ".join(_EXCLUDED.sub(" ", plain).split()) if excluded else " ".join(plain.split())
    if excluded and not text:
        raise UsageError("The query says only what must not be there.", "Say what to look for as well.")
    must = [TextCondition(TEXT_KEY, phrase, phrase=True) for phrase in phrases]
    must_not = [TextCondition(TEXT_KEY, word, absent=True) for word in excluded]
    return TypedQuery(text, (*must, *must_not))


def exact_words(query: TypedQuery) -> TypedQuery:
    """The same query, every word of which must be on a page in the form typed."""
    words = [TextCondition(TEXT_KEY, word) for word in dict.fromkeys(query.text.split()) if _words(word)]
    return TypedQuery(query.text, (*query.conditions, *words))


def _words(text: str) -> bool:
    return re.search(r"\w", text) is not None
