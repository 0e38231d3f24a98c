"""Queries to tune with: from a file or a benchmark folder, or drawn from the words of the pages themselves."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

import numpy as np
import numpy.typing as npt

from vrag.embedders.function_words import FUNCTION_WORDS
from vrag.errors import UsageError
from vrag.evaluation.benchmarks.asked_questions import GoodPage, read_questions
from vrag.index import Index

SHORTEST, LONGEST = 4, 8  # words of a drawn query
_RARE = (0.6, 0.95)  # quantiles of rarity on the page between which a run is drawn
_NOT_WORD = re.compile(r"\W+")
_EDGES = " .,;:!?()[]{}<>\"'|…–—-•␣\\"
_LONGEST_WORD = 24  # letters; what is longer is a path, a formula or a misreading

Grades = dict[str, int]  # page key -> grade


@dataclass(frozen=True, slots=True)
class TuningQuery:
    """A query, and the grades of the pages that answer it where they are known.

    Args:
        text: The query.
        grades: Key of a page, see `page_key`, -> grade; empty when nobody judged it.
    """

    text: str
    grades: Mapping[str, int] = field(default_factory=dict)


def page_key(path: str, page: int) -> str:
    """A page of the index as one string."""
    return f"{path}#{page}"


def read_queries(source: Path, index: Index, sample: int | None, seed: int) -> list[TuningQuery]:
    """Queries of a file of questions or a benchmark folder.

    Args:
        source: As `vrag.evaluation.benchmarks.asked_questions.read_questions` takes it.
        index: Names the pages.
        sample: How many of them, drawn at random; None for all.
        seed: Same seed, same sample.

    Raises:
        UsageError: There are none, a row is malformed, or one names a document that is not in the index.
    """
    asked = read_questions(source)
    queries = [TuningQuery(one.text, {_key(index, page): page.grade for page in one.pages}) for one in asked]
    if sample is None or sample >= len(queries):
        return queries
    chosen = np.random.default_rng(seed).choice(len(queries), sample, replace=False)
    return [queries[i] for i in sorted(chosen)]


def draw_queries(index: Index, count: int, seed: int) -> list[TuningQuery]:
    """Runs of rather rare words, each from another page as long as there are enough.

    They are short of what people ask (no questions, and every word is there), but they come from the corpus at
    hand, and the exact ranking they are compared with is the same model's.

    Args:
        index: Its pages' words are drawn from.
        count: Queries wanted.
        seed: Same seed and index, same queries.

    Raises:
        UsageError: No page has enough words.
    """
    frequencies, eligible = _survey(index)
    if not eligible:
        raise UsageError(
            f"No page of the index has {SHORTEST} words to draw a query from.", "Give queries with --queries FILE."
        )
    rng = np.random.default_rng(seed)
    rounds = [rng.permutation(eligible) for _ in range(-(-count // len(eligible)))]
    wanted = Counter(np.concatenate(rounds)[:count].tolist())
    drawn = []
    for number, (_, _, words) in enumerate(index.texts()):
        drawn += [_draw(words, frequencies, rng) for _ in range(wanted[number])]
    return [TuningQuery(text) for text in drawn]


def _survey(index: Index) -> tuple[Counter[str], list[int]]:
    """On how many pages each word stands, and the numbers of the pages a query can be drawn from."""
    frequencies: Counter[str] = Counter()
    eligible = []
    for number, (_, _, words) in enumerate(index.texts()):
        plain = {_plain(word) for word in words}
        frequencies.update(plain)
        if len(words) >= SHORTEST and any(map(_has_content, plain)):
            eligible.append(number)
    return frequencies, eligible


def _draw(words: Sequence[str], frequencies: Counter[str], rng: np.random.Generator) -> str:
    """A run of the page's words that is rather rare, without function words at its ends."""
    length = min(int(rng.integers(SHORTEST, LONGEST + 1)), len(words))
    rarity = np.lib.stride_tricks.sliding_window_view(_rarity(words, frequencies), length).mean(axis=1)
    low, high = np.quantile(rarity, _RARE)
    fitting = np.flatnonzero((rarity >= low) & (rarity <= high))
    if not len(fitting):
        fitting = np.array([rarity.argmax()])
    start = int(rng.choice(fitting))
    run = _trimmed([word.strip(_EDGES) for word in words[start : start + length]])
    return " ".join(run or [max(words, key=lambda word: (_has_content(_plain(word)), len(word)))])


def _rarity(words: Sequence[str], frequencies: Counter[str]) -> npt.NDArray[np.float64]:
    """Minus the logarithm of each word's page count; a word of one page only is often a misreading: as of two."""
    counts = [frequencies[_plain(word)] if _has_content(_plain(word)) else frequencies.total() for word in words]
    rarity: npt.NDArray[np.float64] = -np.log(np.maximum(counts, 2))
    return rarity


def _trimmed(run: list[str]) -> list[str]:
    """The run without what is no word, and without function words at its ends."""
    run = [word for word in run if _plain(word)]
    while run and not _has_content(_plain(run[0])):
        run.pop(0)
    while run and not _has_content(_plain(run[-1])):
        run.pop()
    return run


def _plain(word: str) -> str:
    return _NOT_WORD.sub("", word).lower()


def _has_content(plain: str) -> bool:
    return 1 < len(plain) <= _LONGEST_WORD and not plain.isdigit() and plain not in FUNCTION_WORDS


def _key(index: Index, good: GoodPage) -> str:
    try:
        document = index.documents.find(str(PurePath(good.doc)))[0]
    except UsageError as error:
        if good.row is None:
            raise
        raise type(error)(f"{good.row.place}: {error.message}", error.hint, error.details) from error
    return page_key(document.paths[0], good.page)
