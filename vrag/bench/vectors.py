"""The pages and queries of the benchmark: real embeddings of an index, resampled to any number of pages.

There are never 20,000 pages of 1,024 vectors at hand, so a page of the benchmark is put together from two real ones:
rows of both, drawn with replacement and kept in reading order, with noise on every row. A model of more dimensions
than wanted is projected on the directions of its rows with most variance. Page number i is the same at every size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vrag.errors import UsageError
from vrag.grid import FloatArray
from vrag.payload import PAGE, page_words
from vrag.pipeline import FULL
from vrag.pooling import normalise
from vrag.store.base import Condition, Record, Selection

if TYPE_CHECKING:
    from vrag.index import Index

NOISE = 0.3  # length of the noise added to a unit row
_SOURCE_PAGES = 256
_FEWEST_ROWS = 32
_QUERY_WORDS = 12


@dataclass(frozen=True)
class Source:
    """Real rows and queries.

    Args:
        pages: float32 [n, d] of each real page, unit rows.
        queries: float32 [m, d] of each real query.
        model: Name of the model that made them.
        real_dim: Dimension before projection.
    """

    pages: Sequence[FloatArray]
    queries: Sequence[FloatArray]
    model: str
    real_dim: int

    @property
    def dim(self) -> int:
        """d."""
        return int(self.pages[0].shape[1])

    def describe(self, rows: int) -> str:
        """Where the vectors come from, in one sentence."""
        projected = f", projected from {self.real_dim} to {self.dim} dimensions" if self.dim != self.real_dim else ""
        return (
            f"Vectors: embeddings of {len(self.pages)} real pages by {self.model}{projected}; each benchmark page "
            f"resamples {rows} rows of two of them, with noise of length {NOISE}. "
            f"Queries: {len(self.queries)} pieces of text of those pages."
        )


@dataclass(frozen=True)
class Corpus:
    """Pages of the benchmark, made when they are asked for.

    Args:
        source: Real rows.
        rows: Rows of a page.
    """

    source: Source
    rows: int

    def page(self, number: int) -> FloatArray:
        """Page `number`, float16-exact float32 [rows, d]."""
        random = np.random.default_rng([7, number])
        first, second = random.integers(0, len(self.source.pages), 2)
        half = self.rows // 2
        parts = [self._draw(random, first, self.rows - half), self._draw(random, second, half)]
        rows = np.concatenate(parts)
        noise = random.standard_normal(rows.shape, np.float32) * np.float32(NOISE / np.sqrt(rows.shape[1]))
        return normalise(rows + noise).astype(np.float16).astype(np.float32)

    def blocks(self, pages: int, size: int = 128) -> Iterator[FloatArray]:
        """The first `pages` pages as float32 [size, rows, d], the last block maybe smaller."""
        for start in range(0, pages, size):
            yield np.stack([self.page(number) for number in range(start, min(start + size, pages))])

    def _draw(self, random: np.random.Generator, page: int, count: int) -> FloatArray:
        rows = self.source.pages[page]
        return rows[np.sort(random.integers(0, len(rows), count))]


def read_source(index: Index, queries: int, dim: int) -> Source:
    """Real rows and queries of an index, projected to `dim` dimensions when the model has more.

    Raises:
        UsageError: The index has too little to resample.
    """
    records = [r for r in _sample(index) if len(r.vectors[FULL]) >= _FEWEST_ROWS]
    texts = [text for record in records if (text := _middle_words(page_words(record.payload).texts))]
    if not texts:
        raise UsageError("The index has no pages with enough text to benchmark with.", "Ingest some documents first.")
    pages = [record.vectors[FULL] for record in records]
    asked = [index.embed_query(text) for text in texts[:: max(1, len(texts) // queries)][:queries]]
    projection = _projection(np.concatenate(pages), dim)
    return Source(
        [normalise(page @ projection) for page in pages],
        [_projected(query, projection) for query in asked],
        index.pipeline.model,
        pages[0].shape[1],
    )


def _sample(index: Index) -> Iterator[Record]:
    """Pages spread evenly over the index, with vectors and payload."""
    store = index._store
    ids = [record.id for record in store.scroll(Selection((Condition("kind", (PAGE,)),)), keys=())]
    chosen = ids[:: max(1, len(ids) // _SOURCE_PAGES)][:_SOURCE_PAGES]
    for start in range(0, len(chosen), 16):
        yield from store.fetch(chosen[start : start + 16], [FULL]).values()


def _middle_words(words: Sequence[str]) -> str:
    """What a user could remember of a page: some words from its middle, empty when it has too few."""
    start = max(0, len(words) // 2 - _QUERY_WORDS // 2)
    return " ".join(words[start : start + _QUERY_WORDS]) if len(words) >= _FEWEST_ROWS else ""


def _projection(rows: FloatArray, dim: int) -> FloatArray:
    """Orthonormal columns [d, dim]: the directions with most of the rows' length; the identity when d <= dim."""
    d = rows.shape[1]
    if d <= dim:
        return np.eye(d, dtype=np.float32)
    _, directions = np.linalg.eigh((rows.T @ rows).astype(np.float64))
    return np.ascontiguousarray(directions[:, ::-1][:, :dim]).astype(np.float32)


def _projected(query: FloatArray, projection: FloatArray) -> FloatArray:
    """Query rows projected, each with the length it had: that is its weight."""
    rows: FloatArray = normalise(query @ projection) * np.linalg.norm(query, axis=1, keepdims=True)
    return rows
