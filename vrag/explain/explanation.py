"""Explanations: why a page stands where it stands, from what the store holds; no page is embedded again."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from vrag.catalog.documents import Documents
from vrag.catalog.payload import page_grid, page_place, page_words
from vrag.embedders.protocol import QueryVectors
from vrag.explain.counted import RegionAnswers, RowAnswer
from vrag.explain.tracing import StageTrace
from vrag.grid import Box, FloatArray, Grid
from vrag.pages.page import Words
from vrag.pipeline.pipeline import FULL
from vrag.search.snippet import row_texts
from vrag.search.typed_words import TypedWord, typed_words
from vrag.store.interface import Record


@dataclass(frozen=True, slots=True)
class Match:
    """The row of a page that answers one row of the query best.

    Args:
        token: The query's word or token.
        similarity: Cosine of the two rows, -1 to 1.
        contribution: What the pair adds to the exact score: the similarity times the query row's length.
        row: Row of the page's `full` multivector, from 0.
        text: The word of that row, or the words that stand in the patch; empty when there are none.
        place: "tile 2, row 3, column 5" for a patch; empty for a word.
        box: Where the row lies: x0, y0, x1, y1 as shares of the page.
    """

    token: str
    similarity: float
    contribution: float
    row: int
    text: str
    place: str
    box: Box


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a page stands where it stands.

    Args:
        query: What was looked for, without quotation marks and excluded words.
        doc: Name of the document.
        path: Absolute path of its file.
        page: From 1.
        cascade: Text of the cascade.
        stages: The page in every stage, in the order they run.
        matches: One for each of the query's m rows.
        similarities: float32 [m, n], cosines of the query's rows with the page's rows.
        weights: float32 [m], lengths of the query's rows.
        grid: Where the page's n rows lie.
        counted: What the last stage with regions or context counted; None when the cascade has none.
    """

    query: str
    doc: str
    path: str
    page: int
    cascade: str
    stages: tuple[StageTrace, ...]
    matches: tuple[Match, ...]
    similarities: FloatArray
    weights: FloatArray
    grid: Grid
    counted: RegionAnswers | None = None

    @property
    def score(self) -> float:
        """Exact MaxSim of the page: the sum of the matches' contributions."""
        return float(sum(match.contribution for match in self.matches))

    @property
    def standing(self) -> str:
        """Score and rank of the cascade's last stage, in words."""
        last = self.stages[-1]
        return f"score {last.score:.3f} in the last stage ({last.standing})"

    @property
    def sums(self) -> str:
        """Which sum the matches make, and why it is another number than the last stage's score."""
        text = f"Matches add up to {self.score:.3f}, the MaxSim of the whole page."
        if self.counted:
            counts = f"{self.counted.stage} takes region, head and context instead: {self.counted.score:.3f}"
            text = f"{text} {counts}{', before other scores are added' if self.stages[-1].parts else ''}."
        return text


@dataclass(frozen=True, slots=True)
class WordMatch:
    """What answered one of the words that were typed: the sum of its rows.

    Args:
        token: The word.
        rows: Its rows in the query.
        best: The match of the row that adds most.
        contribution: What its rows add to the exact score.
        counted: What they add where regions and context count, with the source and word of the one that adds most; None
            where they do not.
    """

    token: str
    rows: tuple[int, ...]
    best: Match
    contribution: float
    counted: RowAnswer | None


def word_matches(explanation: Explanation) -> list[WordMatch]:
    """The matches by word instead of by row."""
    words = typed_words(explanation.query, [match.token for match in explanation.matches])
    return [_word_match(explanation, word) for word in words]


def _word_match(explanation: Explanation, word: TypedWord) -> WordMatch:
    matches = [explanation.matches[row] for row in word.rows]
    best, total = max(matches, key=lambda match: match.contribution), sum(match.contribution for match in matches)
    if explanation.counted is None:
        return WordMatch(word.text, word.rows, best, total, None)
    answers = [explanation.counted.answers[row] for row in word.rows]
    most = max(answers, key=lambda answer: answer.contribution)
    counted = replace(most, contribution=sum(answer.contribution for answer in answers))
    return WordMatch(word.text, word.rows, best, total, counted)


def find_matches(query: QueryVectors, full: FloatArray, grid: Grid, words: Words) -> tuple[Match, ...]:
    """For each of the query's m rows the page row that is most like it.

    Args:
        query: m rows with their tokens.
        full: float32 [n, d], the page's multivector.
        grid: Where its n rows lie.
        words: The page's words, to name the rows by.
    """
    similarities, weights = _cosines(query, full)
    rows = similarities.argmax(axis=1)
    best = similarities.max(axis=1)
    named = zip(query.tokens, best, best * weights, rows, row_texts(rows, grid, words), strict=True)
    places = _places(grid) or [""] * len(grid)
    return tuple(
        Match(token, float(similarity), float(adds), int(row), text, places[row], _box(grid.boxes[row]))
        for token, similarity, adds, row, text in named
    )


def explain_page(
    query: str,
    embedded: QueryVectors,
    record: Record,
    documents: Documents,
    cascade: str,
    stages: tuple[StageTrace, ...],
    counted: RegionAnswers | None = None,
) -> Explanation:
    """The explanation of one page, from its record with the vector `full`.

    Args:
        query: What was looked for.
        embedded: Its rows.
        record: The page's record.
        documents: Names of documents.
        cascade: Text of the cascade.
        stages: From `vrag.explain.tracing.trace`.
        counted: From `vrag.explain.counted.find_answers`.
    """
    full, grid, words = record.vectors[FULL], page_grid(record.payload), page_words(record.payload)
    doc_id, number = page_place(record.payload)
    name, path = documents.label(doc_id)
    matches = find_matches(embedded, full, grid, words)
    return Explanation(query, name, path, number, cascade, stages, matches, *_cosines(embedded, full), grid, counted)


def _cosines(query: QueryVectors, full: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Cosines [m, n] of the query's rows with the page's unit rows, and the lengths [m] of the query's rows."""
    weights = np.linalg.norm(query.vectors, axis=1)
    return (query.vectors @ full.T) / np.maximum(weights, 1e-12)[:, None], weights


def _places(grid: Grid) -> list[str]:
    """A name for each of the n patches; empty for words."""
    several = len(grid.tiles) > 1
    places = []
    for number, tile in enumerate(grid.tiles, 1):
        prefix = "whole page, " if tile.is_global and several else f"tile {number}, " if several else ""
        places += [f"{prefix}row {i // tile.cols + 1}, column {i % tile.cols + 1}" for i in range(len(tile))]
    return places


def _box(row: FloatArray) -> Box:
    x0, y0, x1, y1 = (round(float(value), 5) for value in row)
    return x0, y0, x1, y1
