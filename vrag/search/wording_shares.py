"""What a question says that a page may say too, and how much of it does: the four shares of `vrag.search.wording`."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from vrag.pages.language import UNSPACED, is_unspaced
from vrag.search.named_pages import named_pages

TITLE = 60  # words with which a page begins; half of them are short, and those behind would count next to nothing
FADE = 0.85  # each of those that are not short counts so much of the one before
_WORTH = [FADE**i for i in range(TITLE)]
_SHORT = 3  # letters of a word that says little: "of the" stands on every page
_WORD = re.compile(r"[^\W_]+")
_UNSPACED_WORD = re.compile(rf"[{UNSPACED}]|[^\W_{UNSPACED}]+")  # where no spaces part words, a character is one
_YEAR = re.compile(r"(?:19|20)\d\d")
_FISCAL = re.compile(r"fy(\d\d)?(\d\d)")
_PLURAL = re.compile(r".{3,}[^s]s")
_PLACE = re.compile(r"\d\d?")
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class AskedWords:
    """What a question says that a page may say too.

    Args:
        words: As `plain_text` has them.
        pairs: Neighbours among them, both of some length or with a digit first.
        years: Of four digits.
        places: Those pairs that call something by a number.
        pages: Numbers of the pages it names, as `named_pages` has them.
    """

    words: frozenset[str]
    pairs: frozenset[Pair]
    years: frozenset[str]
    places: frozenset[Pair]
    pages: frozenset[int]

    @classmethod
    def of(cls, question: str) -> AskedWords:
        """What a question says."""
        words = plain_text(question).split()
        pairs = frozenset(pair for pair in pairwise(words) if all(map(_tells, pair)))
        places = frozenset(pair for pair in pairs if pair[0].isalpha() and _PLACE.fullmatch(pair[1]))
        return cls(frozenset(words), pairs, frozenset(filter(_YEAR.fullmatch, words)), places, named_pages(question))

    def shares(self, page: str, name: str, is_named: bool = False) -> tuple[float, float, float, float]:
        """How much of it a page and its document's name say: title, pairs, years, places, each 0 to 1.

        Args:
            page: Its words in reading order, as `plain_text` has them.
            name: Of its document.
            is_named: Whether it is one of the pages that the question names.
        """
        there = {pair for pair in self.pairs if f" {pair[0]} {pair[1]} " in page}
        years = sum(f" {year} " in page for year in self.years) + len(self.years & years_in(name))
        places = 1.0 if is_named else _part(len(self.places & there), self.places)
        return self._title(page), _part(len(there), self.pairs), _part(years / 2, self.years), places

    def _title(self, page: str) -> float:
        title = [word in self.words for word in page.split(maxsplit=TITLE)[:TITLE] if _tells(word)]
        asked = sum(worth for worth, is_asked in zip(_WORTH, title, strict=False) if is_asked)
        return asked / sum(_WORTH[: len(title)]) if title else 0.0


def years_in(name: str) -> frozenset[str]:
    """The years that a file's name names, of four digits."""
    return frozenset(_YEAR.findall(name))


def plain_text(text: str) -> str:
    """The words of a text as they are compared, a space before and behind each."""
    pattern = _UNSPACED_WORD if is_unspaced(text) else _WORD
    words = " ".join(map(_plain, pattern.findall(text.casefold())))
    return f" {words} "


@lru_cache(maxsize=1 << 15)  # texts are made of the same words, ten thousand of them a search
def _plain(word: str) -> str:
    """A word as it is compared."""
    if word.startswith("fy") and (fiscal := _FISCAL.fullmatch(word)):
        return f"{fiscal[1] or 20}{fiscal[2]}"
    if word == "fig":
        return "figure"
    return word[:-1] if word.endswith("s") and _PLURAL.fullmatch(word) else word


@lru_cache(maxsize=1 << 15)  # two thousand a search
def _tells(word: str) -> bool:
    return len(word) > _SHORT or word[0].isdigit() or is_unspaced(word)


def _part(count: float, of: Collection[object]) -> float:
    return count / len(of) if of else 0.0
