"""The step that weighs words: how much of the question's own wording the first pages have.

    score(page) = score before + weight * best score before * (title + pairs + years)

Each of the three is a share, 0 to 1:

- title: of the page's first words, how many stand in the question, "balance sheet" above a balance sheet;
- pairs: of the question's words that stand side by side, how many do so on the page;
- years: of the years that the question names, how many stand on the page, and how many in its document's name, halved.

Words are compared without case and plural. "FY2018" and "FY18" are 2018, as reports of fiscal years are asked for.
Vectors tell none of this apart: the pages of a filing are about one company, and its years look alike.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePath
from typing import TYPE_CHECKING

from vrag.search.operators import WeighWords
from vrag.search.trail import Entry
from vrag.store.interface import Scored

if TYPE_CHECKING:
    from vrag.search.running import Runner

TITLE = 10  # words with which a page begins
_SHORT = 3  # letters of a word that makes no pair: "of the" stands on every page
_WORD = re.compile(r"[^\W_]+")
_YEAR = re.compile(r"(?:19|20)\d\d")
_FISCAL = re.compile(r"fy(\d\d)?(\d\d)")
_PLURAL = re.compile(r".{3,}[^s]s")


@dataclass(frozen=True, slots=True)
class AskedWords:
    """What a question says that a page may say too.

    Args:
        words: As `plain_text` has them.
        pairs: Neighbours among them, both of some length or with a digit first.
        years: Of four digits.
    """

    words: frozenset[str]
    pairs: frozenset[tuple[str, str]]
    years: frozenset[str]

    @classmethod
    def of(cls, question: str) -> AskedWords:
        """What a question says."""
        words = plain_text(question).split()
        pairs = (pair for pair in zip(words, words[1:], strict=False) if all(map(_tells, pair)))
        return cls(frozenset(words), frozenset(pairs), frozenset(filter(_YEAR.fullmatch, words)))

    def shares(self, page: str, name: str) -> tuple[float, float, float]:
        """How much of it a page and its document's name say: title, pairs, years, each 0 to 1.

        Args:
            page: Its words in reading order, as `plain_text` has them.
            name: Of its document.
        """
        title = [word in self.words for word in page.split(maxsplit=TITLE)[:TITLE]]
        pairs = [f" {one} {two} " in page for one, two in self.pairs]
        years = [f" {year} " in page for year in self.years]
        told = sum(years) + len(self.years.intersection(_YEAR.findall(name)))
        return _part(sum(title), title), _part(sum(pairs), pairs), _part(told / 2, years)


def weigh_words(runner: Runner, operator: WeighWords, given: list[Scored] | None) -> Entry:
    """The first pages with their wording added to their scores, best first, and behind them the others.

    The entry's `blended` has the first pages.
    """
    points = given or []
    if runner.reading is None or not points:
        return Entry(operator, points)
    first, asked = points[: operator.wording.pages], AskedWords.of(runner.reading.question)
    texts = runner.glance.pages.plain_texts([point.id for point in first])
    labels = runner.reading.documents.labels([str(point.payload["doc_id"]) for point in first])
    scale, blended = operator.wording.weight * abs(first[0].score), {}
    for point in first:
        _, path = labels.get(str(point.payload["doc_id"]), ("", ""))
        shares = asked.shares(texts.get(point.id, ""), PurePath(path).stem)
        blended[point.id] = point.score, point.score + scale * sum(shares)
    found = [point.at(blended[point.id][-1]) if point.id in blended else point for point in points]
    return Entry(operator, sorted(found, key=lambda point: (-point.score, point.id)), blended=blended)


def plain_text(text: str) -> str:
    """The words of a text as they are compared, a space before and behind each."""
    words = " ".join(map(_plain, _WORD.findall(text.casefold())))
    return f" {words} "


@lru_cache(maxsize=1 << 15)  # texts are made of the same words, ten thousand of them a search
def _plain(word: str) -> str:
    """A word as it is compared."""
    if word.startswith("fy") and (fiscal := _FISCAL.fullmatch(word)):
        return f"{fiscal[1] or 20}{fiscal[2]}"
    return word[:-1] if word.endswith("s") and _PLURAL.fullmatch(word) else word


def _tells(word: str) -> bool:
    return len(word) > _SHORT or word[0].isdigit()


def _part(count: float, of: Collection[object]) -> float:
    return count / len(of) if of else 0.0
