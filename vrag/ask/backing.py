"""Whether quotes say enough for a claim to rest on them, or its opposite: by words, not by thought."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from vrag.ask.tokens import has_digit, tokens_of
from vrag.embedders.function_words import FUNCTION_WORDS

LEAST_WORDS = 3  # of content in quotes that have no word of the claim which is not in the question too
_FOREIGN = 6  # a claim of which not one word of content in as many is on the page is in another language
_STEM = 5  # letters in which forms of a word are alike
_NOT = """
    no not nor none never neither nobody nothing without cannot isnt arent wasnt werent dont doesnt didnt hasnt havent
    hadnt wont wouldnt cant couldnt shouldnt mustnt
"""
_NEGATING = frozenset(_NOT.split())
_ANSWER = re.compile(r"(?:yes|no)\b[,.:;!]\s*", re.IGNORECASE)  # to a question, before the claim itself
_CLAUSE = re.compile(r"[.;:!?…]\s|,\s|\s-\s")
_OPPOSITES = (
    "increase decrease", "increased decreased", "increases decreases", "increasing decreasing", "rose fell",
    "rise fall", "rises falls", "grew shrank", "higher lower", "more less", "above below", "before after",
    "most least", "maximum minimum", "profit loss", "gain loss", "gains losses", "up down", "open closed",
    "opens closes", "first last",
)  # fmt: skip
_OTHER = {one: other for pair in map(str.split, _OPPOSITES) for one, other in (pair, pair[::-1])}


def says_enough(claim: str, quotes: Sequence[str], question: str, page: Collection[str]) -> bool:
    """Whether quotes say something of a claim: a word or number of it that nobody had asked with, or else a few words.

    One of these is a word of the claim too, where the claim has words of the pages: one in another language has none.

    Args:
        claim: What rests on them.
        quotes: That stand on their pages.
        question: That the claim answers.
        page: `stems` of the pages.
    """
    said, wanted = {stem for quote in quotes for stem in stems(quote)}, set(stems(claim))
    if not said.isdisjoint(wanted - set(stems(question))):
        return True
    is_foreign = _FOREIGN * len(wanted.intersection(page)) < len(wanted)
    return len(said) >= LEAST_WORDS and (is_foreign or not said.isdisjoint(wanted))


def says_opposite(claim: str, quotes: Sequence[str]) -> bool:
    """Whether a clause of a quote has all words of a claim, and turns them round by a "not" or by an opposite.

    Args:
        claim: Of one sentence.
        quotes: That it rests on; no clause of them says it as it is.
    """
    wanted = _words(_ANSWER.sub("", claim, count=1))
    clauses = [_words(clause) for quote in quotes for clause in (*_CLAUSE.split(quote), quote)]
    return {_is_turned(wanted, clause) for clause in clauses} - {None} == {True}


def _is_turned(claim: Sequence[str], clause: Sequence[str]) -> bool | None:
    """Whether a clause says the opposite of a claim; None where it does not have all its words."""
    content = [word for word in claim if word not in _NEGATING]
    if not content or len(clause) < len(content):
        return None
    words, stems = set(clause), {word[:_STEM] for word in clause}
    turned = [word for word in content if word not in words and _OTHER.get(word) in words]
    if not all(word[:_STEM] in stems or word in turned for word in content):
        return None
    return (len(turned) + _negates(claim) + _negates(clause)) % 2 == 1


def _negates(words: Sequence[str]) -> bool:
    return not _NEGATING.isdisjoint(words)


def _words(text: str) -> list[str]:
    """Words that say something, and negations."""
    return [key for key in tokens_of(text.split()).keys if key in _NEGATING or _is_content(key)]


def stems(text: str) -> Iterator[str]:
    """The words of content in a text as far as their forms are alike, and its numbers without signs."""
    return (_number(key) if has_digit(key) else key[:_STEM] for key in tokens_of(text.split()).keys if _is_content(key))


def _number(key: str) -> str:
    plain = key.lstrip("-")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def _is_content(key: str) -> bool:
    says = len(key) > 1 or not key.isascii() or has_digit(key)
    return says and key not in FUNCTION_WORDS and any(map(str.isalnum, key))
