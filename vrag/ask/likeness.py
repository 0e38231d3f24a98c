"""Whether two stretches of text may be the same words, one of them read badly from pixels.

Letters and digits that look alike are one to OCR, so they are one here; no two digits are alike. Beyond that a long
word may have a wrong letter or two. What turns a sentence round is exact: numbers and their signs, units, months,
negations, and short words.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from vrag.ask.exact_words import EXACT_WORDS
from vrag.ask.tokens import Tokens, has_digit

_ALIKE = str.maketrans("01258iıj|!qc", "olzsbllllloe")  # read for each other; no two digits fall together
_THOUSANDS = re.compile(r"(?<=[\dloisbz]),(?=[\dloisbz]{3}(?![\dloisbz]))")  # with letters read for digits
_GROUPS = re.compile(r"(?<=\d) (?=\d{3}(?!\d))")
_BILLIONS = re.compile(r"-?\d{1,3}(?:\.\d+)?b")
_SYMBOLS = frozenset("%‰°$€£¥₹<>≤≥±≈~=×÷")
_SHORT, _SHORT_NAME = 3, 6  # letters from which a word may have a wrong one, and a name
_LONG = 8  # letters from which a word may have two
_MIXED = 4  # letters a digit, from which that may be a letter that was misread
_NEGATING = ("un", "in", "im", "il", "ir", "non", "dis", "de", "mis", "anti", "ab", "a")


@dataclass(frozen=True, slots=True)
class Spelled:
    """A word as it is compared.

    Args:
        key: Its letters without case.
        is_name: Whether it has a capital letter.
    """

    key: str
    is_name: bool


def edits(said: Tokens, stands: Tokens) -> int | None:
    """How many letters of `stands` must have been misread for it to be `said`; None when that cannot be.

    Args:
        said: At least one token.
        stands: At least one token.
    """
    if _signs(said) != _signs(stands):
        return None
    if len(said) == len(stands):
        counts = [edits_of_word(*pair) for pair in zip(_spelled(said), _spelled(stands), strict=True)]
        if None not in counts:
            return sum(filter(None, counts))
    return _edits_of_run(said, stands)


def skeleton(key: str) -> str:
    """A key with one character for all that look like it."""
    return _bare(key).translate(_ALIKE)


def _look_alike(said: str, stands: str) -> bool:
    """Whether OCR may read one for the other."""
    return any(form(said) == form(stands) for form in (skeleton, _joined_up))


def _bare(key: str) -> str:
    if key.isascii():
        return key.casefold()
    apart = unicodedata.normalize("NFKD", key.casefold())
    return "".join(char for char in apart if not unicodedata.combining(char))


def _joined_up(key: str) -> str:
    """The same where two letters that look like one are that one."""
    bare = _bare(key)
    for seen, meant in (("rn", "m"), ("vv", "w"), ("cl", "d"), ("c1", "d")):
        bare = bare.replace(seen, meant)
    return bare.translate(_ALIKE)


def _signs(tokens: Tokens) -> list[str]:
    """Symbols, and the signs of numbers, in order."""
    return [key[0] for key in tokens.keys if key[0] == "-" or key in _SYMBOLS]


def _edits_of_run(said: Tokens, stands: Tokens) -> int | None:
    """The same of words that one of them has parted otherwise: at the end of a line, or where OCR saw a space."""
    one, other = "".join(said.keys), "".join(stands.keys)
    if any(map(has_digit, (one, other))):
        is_same = _look_alike(_squeezed(said.said), _squeezed(stands.said))
        return 0 if is_same and _glued(said.said) == _glued(stands.said) else None
    only_one = (EXACT_WORDS & set(said.keys)) ^ (EXACT_WORDS & set(stands.keys))
    is_inside = all(word in one and word in other for word in only_one) and abs(len(one) - len(other)) <= 1
    if not _look_alike(one, other) and not is_inside:
        return None
    return edits_of_word(Spelled(one, _has_capital(said.said)), Spelled(other, _has_capital(stands.said)))


def _spelled(tokens: Tokens) -> list[Spelled]:
    texts = (tokens.text[start:end] for start, end in tokens.spans)
    return [Spelled(key, _has_capital(text)) for key, text in zip(tokens.keys, texts, strict=True)]


def _has_capital(text: str) -> bool:
    return any(map(str.isupper, text))


def _squeezed(text: str) -> str:
    """A text without white space, separators of thousands and hyphens inside words."""
    return re.sub(r"(?<=\w)-(?=\w)", "", _THOUSANDS.sub("", "".join(text.casefold().split())))


def _glued(text: str) -> int:
    """How often two numbers stand beside each other that would be one without the space; thousands are one."""
    return len(re.findall(r"\d (?=\d)", _GROUPS.sub("", text)))


def edits_of_word(said: Spelled, stands: Spelled) -> int | None:
    """The same of two words."""
    one, other = said.key, stands.key
    if _is_figure(one, other):
        return 0 if _same_figure(one, other) else None
    if _look_alike(one, other):
        return 0
    is_exact = [key in EXACT_WORDS for key in (one, other)]
    if all(is_exact) or _negates(one, other) or not (one + other).isascii():
        return None
    count = min(Levenshtein.distance(*map(form, (one, other))) for form in (skeleton, _joined_up))
    return count if count <= (int(len(one) >= _SHORT_NAME) if any(is_exact) else _allowed(said, stands)) else None


def _allowed(said: Spelled, stands: Spelled) -> int:
    """Wrong letters that a word may have; a name fewer than any other."""
    shorter = min(len(said.key), len(stands.key))
    if said.is_name or stands.is_name:
        return int(shorter >= _SHORT_NAME)
    return 0 if shorter < _SHORT else 1 if shorter < _LONG else 2


def _is_figure(one: str, other: str) -> bool:
    """Whether digits count: both have some, or one has more than a letter or two that were read for digits."""
    digits = [sum(map(str.isdigit, key)) for key in (one, other)]
    return all(digits) or any(count * _MIXED > len(key) for count, key in zip(digits, (one, other), strict=True))


def _same_figure(said: str, stands: str) -> bool:
    """Whether two words, one of them a number at least, are the same, separators of thousands left alone."""
    if {bool(_BILLIONS.fullmatch(said)), bool(_BILLIONS.fullmatch(stands))} == {True, False}:
        return False  # $5B is not $58
    comma = r",(?=[^.,]{3}(?:[.,]|$))" if has_digit(said) and has_digit(stands) else "[.,]"
    return _look_alike(re.sub(comma, "", said), re.sub(comma, "", stands))


def _negates(said: str, stands: str) -> bool:
    shorter, longer = sorted((said, stands), key=len)
    return any(longer == prefix + shorter for prefix in _NEGATING)
