"""A page's rows against a query's, from what the store holds; no page is embedded again."""

from __future__ import annotations

import numpy as np

from vrag.catalog.documents import Documents
from vrag.catalog.payload import page_grid, page_place, page_words
from vrag.embedders.protocol import QueryVectors
from vrag.explain.explanation import Explanation, Match, RegionAnswers, StageTrace
from vrag.grid import Box, FloatArray, Grid
from vrag.pages.page import Words
from vrag.pipeline.pipeline import FULL
from vrag.search.similarity import similarities
from vrag.search.snippet import row_texts
from vrag.store.interface import Record


def find_matches(query: QueryVectors, full: FloatArray, grid: Grid, words: Words) -> tuple[Match, ...]:
    """For each of the query's m rows the page row that is most like it.

    Args:
        query: m rows with their tokens.
        full: float32 [n, d], the page's multivector.
        grid: Where its n rows lie.
        words: The page's words, to name the rows by.
    """
    of_rows, weights = cosines(query, full)
    rows = of_rows.argmax(axis=1)
    best = of_rows.max(axis=1)
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
    return Explanation(query, name, path, number, cascade, stages, matches, *cosines(embedded, full), grid, counted)


def cosines(query: QueryVectors, full: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Cosines [m, n] of the query's rows with the page's unit rows, and the lengths [m] of the query's rows."""
    weights = np.linalg.norm(query.vectors, axis=1)
    return similarities(query.vectors, full) / np.maximum(weights, 1e-12)[:, None], weights


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
