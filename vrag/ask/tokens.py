"""Text into what has to agree when two texts say the same: words, numbers with their signs, and symbols of units.

Case, accents of quotation marks and dashes, ligatures, separators of thousands and of cells, and white space say
nothing. A number in parentheses is negative, as in accounts.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from vrag.pages.readable_text import CELLS

_CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"  # scripts without spaces: a token a character
_TOKEN = re.compile(rf"[{_CJK}]|(?:(?![{_CJK}])[^\W_])(?:[.,']?(?![{_CJK}])[^\W_])*|[%‰°$€£¥₹<>≤≥±≈~=×÷]")
_DASHES = re.compile("[\u2010-\u2013\u2212\ufe58\ufe63\uff0d]")
_QUOTES = re.compile("[\u2018\u2019\u201a\u201b\u2032`\u00b4]")
_UNSEEN = re.compile(
    "[\u00ad\u200b-\u200f\u2060\ufeff\x00-\x1f\u00a8\u02c6\u02d8-\u02dd]"
)  # accents beside their letter too
_DOLLAR = re.compile(r"(?<![^\s(])S(?= ?\(?\d[\d,.]*[,.]\d)")  # before an amount, as OCR reads it
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_MINUS = re.compile(r"(?:^|[^\w)%.,])(?:-[$€£¥₹]?|[$€£¥₹] ?-)$")
_OPEN = re.compile(r"\( ?[$€£¥₹]? ?$")
_CLOSED = re.compile(r"[.,]? ?%? ?(?:\)|$)")
_LIKE_DIGITS = frozenset("loisbz")  # letters that OCR reads for them
_BEFORE = 4  # characters before a number in which its sign stands


@dataclass(frozen=True, slots=True)
class Tokens:
    """A text cut into t tokens, as columns.

    Args:
        text: Normalised, the words it was given parted by single spaces.
        keys: What has to agree: letters without case, digits with sign and decimal point, or a symbol.
        spans: Start and end of each in `text`.
        words: Index of the word that each stands in, never decreasing.
    """

    text: str
    keys: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]
    words: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.keys)

    def part(self, first: int, end: int) -> Tokens:
        """Tokens `first` up to `end`."""
        chosen = slice(first, end)
        return Tokens(self.text, self.keys[chosen], self.spans[chosen], self.words[chosen])

    @property
    def said(self) -> str:
        """The text from the first token to the last; empty when there is none."""
        return self.text[self.spans[0][0] : self.spans[-1][1]] if self.spans else ""


def tokens_of(words: Sequence[str]) -> Tokens:
    """The tokens of words."""
    plain = [_normalised(word) for word in words]
    spaced = [f"{word} " if word else "" for word in plain]
    text = _DOLLAR.sub("$", "".join(spaced).removesuffix(" "))
    ends = list(accumulate(map(len, spaced)))
    keys, spans, places, word = [], [], [], 0
    for found in _TOKEN.finditer(text):
        while found.start() >= ends[word]:
            word += 1
        keys.append(_key(text, found))
        spans.append(found.span())
        places.append(word)
    return Tokens(text, tuple(keys), tuple(spans), tuple(places))


def has_digit(key: str) -> bool:
    """Whether a token is, or has, a number."""
    return any(map(str.isdigit, key))


def _normalised(word: str) -> str:
    if word == CELLS:
        return ""
    text = unicodedata.normalize("NFKC", _QUOTES.sub("'", _UNSEEN.sub("", word)))
    return _DASHES.sub("-", text).replace(" ", "")


def _key(text: str, found: re.Match[str]) -> str:
    key = found[0].casefold().replace("'", "")
    if not has_digit(key) and len(key) > 1:
        return key.replace(".", "").replace(",", "")
    digits = sum(char.isdigit() or char in _LIKE_DIGITS for char in key)
    if 2 * digits < sum(map(str.isalnum, key)):
        return key
    return f"-{_THOUSANDS.sub('', key)}" if _is_negative(text, found) else _THOUSANDS.sub("", key)


def _is_negative(text: str, found: re.Match[str]) -> bool:
    before = text[max(0, found.start() - _BEFORE) : found.start()]
    if _MINUS.search(before):
        return True
    return _OPEN.search(before) is not None and _CLOSED.match(text, found.end()) is not None
