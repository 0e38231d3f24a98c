"""What people type: words to look for, "exact phrases", and -words that must not be there.

    relief valve "pump number 3" -heating

The words and phrases are embedded together; the phrases and excluded words hold as filters at every stage.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from vrag.catalog.kinds import TEXT_KEY
from vrag.errors import UsageError
from vrag.runtime.parsing import MalformedError, check_unicode
from vrag.runtime.pathtext import quoted, shown
from vrag.store.interface import TextCondition

# "plain": the query is a question; "typed": "phrases" must and -words must not be on a page; "exact": all words must be
Words = Literal["plain", "typed", "exact"]
MOST_CHARACTERS = 20_000  # of a query
MOST_CONDITIONS = 100  # words and phrases that must or must not be on a page
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


def check_query(query: str) -> None:
    """Make sure that a query is text with something in it that can be encoded, of a length that a question has.

    Raises:
        UsageError: It is not.
    """
    if not isinstance(query, str):
        raise UsageError(f"A query is text, not {type(query).__name__}.", 'e.g. search("revenue by region")')
    if not query.strip():
        raise UsageError("The query is empty.", "Say what you look for.")
    if len(query) > MOST_CHARACTERS:
        raise UsageError(f"The query is longer than {MOST_CHARACTERS} characters.", "Ask in fewer words.")
    try:
        check_unicode(query)
    except MalformedError as error:
        raise UsageError(f"The query {quoted(shown(query))} is {error}.", "Type it in UTF-8.") from error


def parse_typed(query: str) -> TypedQuery:
    """Split what was typed.

    Raises:
        UsageError: It is no text, or only excluded words are left.
    """
    check_query(query)
    phrases = [phrase.strip() for phrase in _PHRASE.findall(query) if _words(phrase)]
    plain = _PHRASE.sub(r" \1 ", query)
    excluded = _EXCLUDED.findall(_PHRASE.sub(" ", query))
    text = " ".join(_EXCLUDED.sub(" ", plain).split()) if excluded else " ".join(plain.split())
    if excluded and not text:
        raise UsageError(
            f"The query says only what must not be there: {', '.join(f'-{word}' for word in excluded)}.",
            'Say what to look for as well, e.g. vrag search "boiler manual -heating".',
        )
    must = [TextCondition(TEXT_KEY, phrase, phrase=True) for phrase in phrases]
    must_not = [TextCondition(TEXT_KEY, word, absent=True) for word in excluded]
    return _bounded(TypedQuery(text, (*must, *must_not)))


def read_query(query: str, words: Words) -> TypedQuery:
    """A query as it is meant, see `Words`.

    Raises:
        UsageError: As `parse_typed`, unless words are plain; or they are meant in no way that there is.
    """
    if words not in get_args(Words):
        raise UsageError(f"words cannot be {words!r}.", f"They are one of: {', '.join(get_args(Words))}.")
    if words == "plain":
        return TypedQuery(query, ())
    typed = parse_typed(query)
    return exact_words(typed) if words == "exact" else typed


def exact_words(query: TypedQuery) -> TypedQuery:
    """The same query, every word of which must be on a page in the form typed."""
    words = [TextCondition(TEXT_KEY, word) for word in dict.fromkeys(query.text.split()) if _words(word)]
    return _bounded(TypedQuery(query.text, (*query.conditions, *words)))


def _bounded(query: TypedQuery) -> TypedQuery:
    if len(query.conditions) > MOST_CONDITIONS:
        problem = f"The query has {len(query.conditions)} words and phrases that must or must not be on a page"
        raise UsageError(f"{problem}; {MOST_CONDITIONS} is the most.", "Ask in fewer words.")
    return query


def _words(text: str) -> bool:
    return re.search(r"\w", text) is not None


def read_queries(queries: Sequence[str], words: Words) -> list[TypedQuery]:
    """Many queries, each as `read_query`.

    Raises:
        UsageError: They are one text, or one of them is no query; it is said which.
    """
    if isinstance(queries, str):  # else each letter would be searched for
        raise UsageError("Many queries are a list of texts, not one text.", 'e.g. search_many(["freight", "pumps"])')
    return [_read_nth(number, query, words) for number, query in enumerate(queries, 1)]


def _read_nth(number: int, query: str, words: Words) -> TypedQuery:
    try:
        typed = read_query(query, words)
        check_query(typed.text)
    except UsageError as error:
        raise UsageError(f"Query {number}: {error.message}", error.hint) from error
    return typed
