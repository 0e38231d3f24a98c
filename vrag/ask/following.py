"""A question in a conversation, made to stand by itself: what is searched for must say what it is about."""

from __future__ import annotations

import re
from collections.abc import Sequence

from vrag.embedders.function_words import FUNCTION_WORDS

History = Sequence[tuple[str, str]]  # questions before, with their answers; the last one last
MOST_TURNS = 100  # of a conversation, that are looked at
_FEW = 2  # words that say something: a question with no more is the rest of the one before
_SOME = 5  # of these, up to which "it" or "there" means something that was said before
_ENGLISH = """
    what which who whom whose how when where why is are was were do does did can could
"""
_ASKING = frozenset(_ENGLISH.split())
_POINTING = """
    it its itself he him his she her hers they them their theirs this that these those there same former latter
"""
_BACK = frozenset(_POINTING.split())
_GOING_ON = re.compile(r"(?:and|but|or|so|also|then|what about|how about|what if)\b", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+(?:['.,-][^\W_]+)*")


def standing(question: str, history: History) -> str:
    """The question as it is searched for: after the last one that stands by itself, where it does not.

    A rule for English. It costs no model, and a question of another language that is short is taken for one that
    goes on.

    Args:
        question: As asked.
        history: Before it.
    """
    if not history or not question.strip() or not needs_more(question):
        return question
    before = (asked for asked, _ in reversed(history[-MOST_TURNS:]) if not needs_more(asked))
    first = next(before, history[0][0])
    return f"{first.strip()} {question.strip()}".strip()


def needs_more(question: str) -> bool:
    """Whether a question says too little by itself, or points back to what was said before."""
    words = [word.casefold() for word in _WORD.findall(question)]
    telling = [word for word in words if word not in FUNCTION_WORDS and word not in _ASKING]
    if not telling or _GOING_ON.match(question.strip()):
        return True
    if not _BACK.isdisjoint(words) and len(telling) <= _SOME:
        return True
    return len(telling) <= _FEW and words[0] not in _ASKING
