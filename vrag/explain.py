"""Explanations: why a page stands where it stands, from what the store holds; no page is embedded again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from vrag.cascade import Cascade
from vrag.documents import Documents
from vrag.embedders.base import QueryVectors
from vrag.errors import UsageError
from vrag.execution import Execution, step_labels
from vrag.grid import Box, FloatArray, Grid
from vrag.pages.page import Words
from vrag.payload import page_grid, page_words
from vrag.pipeline import FULL
from vrag.search import result_order
from vrag.snippet import nearest_rows
from vrag.store.base import Record, Scored, Selection

_WORDS_OF_PATCH = 6


@dataclass(frozen=True, slots=True)
class StageTrace:
    """How a page fared in one stage.

    Args:
        stage: The stage's name, as in `Hit.stages`.
        rank: From 1 among the stage's candidates; where the page would stand when it was no candidate.
        score: Score of this stage.
        candidates: Pages the stage scored.
        limit: Pages it lets through.
        passed: Whether the page is one of them; False too when an earlier stage dropped it.
    """

    stage: str
    rank: int
    score: float
    candidates: int
    limit: int
    passed: bool


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
        query: As asked.
        doc: Name of the document.
        path: Absolute path of its file.
        page: From 1.
        cascade: Text of the cascade.
        stages: The page in every stage, in the order they run.
        matches: One for each of the query's m rows.
        similarities: float32 [m, n], cosines of the query's rows with the page's rows.
        weights: float32 [m], lengths of the query's rows.
        grid: Where the page's n rows lie.
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

    @property
    def score(self) -> float:
        """Exact MaxSim of the page: the sum of the matches' contributions."""
        return float(sum(match.contribution for match in self.matches))


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
    named = zip(query.tokens, best, best * weights, rows, _texts(rows, grid, words), strict=True)
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
) -> Explanation:
    """The explanation of one page, from its record with the vector `full`.

    Args:
        query: As asked.
        embedded: Its rows.
        record: The page's record.
        documents: Names of documents.
        cascade: Text of the cascade.
        stages: From `trace`.
    """
    full, grid, words = record.vectors[FULL], page_grid(record.payload), page_words(record.payload)
    name, path = documents.label(str(record.payload["doc_id"]))
    matches = find_matches(embedded, full, grid, words)
    number = int(record.payload["page"])
    return Explanation(query, name, path, number, cascade, stages, matches, *_cosines(embedded, full), grid)


def trace(execution: Execution, documents: Documents, cascade: Cascade, page: Record) -> tuple[StageTrace, ...]:
    """The page's rank and score in every step of a cascade.

    Args:
        execution: The query, ready to run.
        documents: Names of documents, which order equal scores.
        cascade: The cascade it runs through.
        page: The page's record.

    Raises:
        UsageError: The page is not in the selection.
    """
    if not execution.store.count(replace(execution.selection, ids=frozenset([page.id]))):
        raise UsageError("The filter leaves out the page to explain.", "Drop --where, or explain another page.")
    steps, labels = cascade.steps, step_labels(cascade.steps)
    fields = [{point.id: point for point in execution.field(cascade, i)} for i in range(len(steps))]
    traces = []
    for i, found in enumerate(fields):
        me = found.get(page.id) or _scored_alone(execution, replace(cascade, steps=(steps[i],)), page)
        rank = 1 + sum(_is_before(other, me, documents) for other in found.values())
        limit = min(execution.limit(cascade, i), len(found))
        # What the next step scored is what this one let through, however it searched.
        passed = page.id in fields[i + 1] if i + 1 < len(steps) else page.id in found and rank <= limit
        traces.append(StageTrace(labels[i], rank, me.score, len(found), limit, passed))
    return tuple(traces)


def _cosines(query: QueryVectors, full: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Cosines [m, n] of the query's rows with the page's unit rows, and the lengths [m] of the query's rows."""
    weights = np.linalg.norm(query.vectors, axis=1)
    return (query.vectors @ full.T) / np.maximum(weights, 1e-12)[:, None], weights


def _scored_alone(execution: Execution, step: Cascade, page: Record) -> Scored:
    """The page's score where it was no candidate; 0 when it has no word of a sparse query."""
    alone = replace(execution, selection=Selection(ids=frozenset([page.id])))
    found = alone.field(step, 0)
    return found[0] if found else Scored(page.id, 0.0, page.payload)


def _is_before(other: Scored, me: Scored, documents: Documents) -> bool:
    if other.score != me.score:
        return other.score > me.score
    return result_order(other, documents) < result_order(me, documents)


def _texts(rows: npt.NDArray[np.intp], grid: Grid, words: Words) -> list[str]:
    """What stands at each row: the word whose row it is, or the words whose middle the patch holds."""
    if not len(words):
        return [""] * len(rows)
    if grid.is_free:
        return [words.texts[i] for i in nearest_rows(grid.boxes[rows], words.boxes)]
    middles = (words.boxes[:, :2] + words.boxes[:, 2:]) * np.float32(0.5)
    return [" ".join(_inside(grid.boxes[row], middles, words)) for row in rows]


def _inside(box: FloatArray, middles: FloatArray, words: Words) -> Iterator[str]:
    held = ((middles >= box[:2]) & (middles <= box[2:])).all(axis=1)
    for i in np.flatnonzero(held)[:_WORDS_OF_PATCH]:
        yield words.texts[i]


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
