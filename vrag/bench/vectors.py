"""The pages and queries of the benchmark: real embeddings of an index, resampled to any number of pages.

There are never 20,000 pages of 1,024 vectors at hand, so a page of the benchmark is put together from two real ones:
rows of both, drawn with replacement and kept in reading order, with noise on every row. A model of more dimensions
than wanted is projected on the directions of its rows with most variance. Page number i is the same at every size.

So a query's exact top ten are ten of the pages that share a real page with it, which are many more and nearly alike:
hard to put in order, and pooled vectors alone do not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vrag.catalog.kinds import PAGE
from vrag.catalog.payload import page_place, page_words
from vrag.errors import UsageError
from vrag.grid import FloatArray
from vrag.pipeline.pipeline import FULL
from vrag.pooling.poolings import normalise
from vrag.store.interface import Condition, Record, Selection

if TYPE_CHECKING:
    from vrag.index import Index

NOISE = 0.3  # length of the noise added to a unit row
_SOURCE_PAGES = 1024
_FEWEST_ROWS = 32
_QUERY_WORDS = 12
PageName = tuple[str, int]  # path of a document, and the number of a page of it


@dataclass(frozen=True, slots=True)
class AskedQuery:
    """A query.

    Args:
        text: Its words.
        pages: Document and number of the pages that answer it, where they are known.
        is_question: Whether it is of a file; else it is a piece of the text of its page.
    """

    text: str
    pages: frozenset[PageName] = frozenset()
    is_question: bool = False


@dataclass(frozen=True)
class VectorSource:
    """Real rows and queries.

    Args:
        pages: float32 [n, d] of each real page, unit rows.
        queries: float32 [m, d] of each query.
        model: Name of the model that made them.
        real_dim: Dimension before projection.
        asked: What the queries are, for `describe`.
        answers: Places in `pages` of those that answer each query; empty where that is not known.
        is_question: Whether each query is of a file.
    """

    pages: Sequence[FloatArray]
    queries: Sequence[FloatArray]
    model: str
    real_dim: int
    asked: str = "pieces of text of those pages"
    answers: Sequence[frozenset[int]] = ()
    is_question: Sequence[bool] = ()

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
            f"Queries: {self.asked}."
        )


@dataclass(frozen=True)
class VectorCorpus:
    """Pages of the benchmark, made when they are asked for, or kept in a file.

    Args:
        source: Real rows.
        rows: Rows of a page.
        file: float16 [pages, rows, d], the first pages as `keep` wrote them; None to make each anew.
    """

    source: VectorSource
    rows: int
    file: Path | None = None

    def keep(self, pages: int, file: Path) -> VectorCorpus:
        """The same pages, the first of them read from a file that this writes: making one takes 4 ms."""
        with file.open("wb") as out:
            for number in range(pages):
                out.write(self.page(number).astype(np.float16).tobytes())
        return replace(self, file=file)

    def page(self, number: int) -> FloatArray:
        """Page `number`, float16-exact float32 [rows, d]."""
        if self.file is not None:
            size = self.rows * self.source.dim
            kept = np.fromfile(self.file, np.float16, size, offset=2 * size * number)
            if len(kept) == size:
                return kept.reshape(self.rows, -1).astype(np.float32)
        return self._made(number)

    def made_from(self, pages: int) -> list[frozenset[int]]:
        """Places of the real pages that each of the first `pages` pages is made from."""
        return [frozenset(self._begun(number)[1]) for number in range(pages)]

    def _begun(self, number: int) -> tuple[np.random.Generator, tuple[int, int]]:
        random = np.random.default_rng([7, number])
        first, second = random.integers(0, len(self.source.pages), 2).tolist()
        return random, (first, second)

    def _made(self, number: int) -> FloatArray:
        random, (first, second) = self._begun(number)
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


def read_source(index: Index, queries: int, dim: int, questions: Sequence[AskedQuery] = ()) -> VectorSource:
    """Real rows and queries of an index, projected to `dim` dimensions when the model has more.

    Args:
        index: Whose pages and model are taken.
        queries: How many of each kind, spread evenly over the pages, and over the questions.
        dim: Most dimensions of a row.
        questions: Asked besides pieces of the pages' text; the pages that answer them are taken in any case.

    Raises:
        UsageError: The index has too little to resample.
    """
    questions = _spread(questions, queries)
    paths = {document.doc_id: document.paths[0] for document in index.documents.all()}
    read = _sample(index, paths, {page for question in questions for page in question.pages})
    records = [(page, record) for page, record in read if len(record.vectors[FULL]) >= _FEWEST_ROWS]
    pieces = [
        AskedQuery(text, frozenset([page]))
        for page, record in records
        if (text := _middle_words(page_words(record.payload).texts))
    ]
    if not pieces:
        raise UsageError("The index has no pages with enough text to benchmark with.", "Ingest some documents first.")
    pieces = _spread(pieces, queries)
    asked = [one for pair in zip_longest(pieces, questions) for one in pair if one]  # who answers few, answers of both
    pages = [record.vectors[FULL] for _, record in records]
    places = {page: place for place, (page, _) in enumerate(records)}
    projection = _projection(np.concatenate(pages), dim)
    said = f"{len(pieces)} pieces of text of those pages"
    return VectorSource(
        [normalise(page @ projection) for page in pages],
        [_projected(index.embed_query(one.text), projection) for one in asked],
        index.pipeline.model,
        pages[0].shape[1],
        f"{said}, {len(questions)} questions of a file" if questions else said,
        [frozenset(places[page] for page in one.pages if page in places) for one in asked],
        [one.is_question for one in asked],
    )


def _spread(asked: Sequence[AskedQuery], count: int) -> list[AskedQuery]:
    return list(asked[:: max(1, len(asked) // count)][:count])


def _sample(index: Index, paths: Mapping[str, str], wanted: Set[PageName]) -> Iterator[tuple[PageName, Record]]:
    """The pages wanted and others, spread evenly over the index, with vectors and payload."""
    store = index.stored.store
    names = {}
    for record in store.scroll(Selection((Condition("kind", (PAGE,)),)), keys=("doc_id", "page")):
        document, page = page_place(record.payload)
        names[record.id] = (paths[document], page)
    others = [name for name in names if names[name] not in wanted]
    room = _SOURCE_PAGES - (len(names) - len(others))
    chosen = {*others[:: max(1, len(others) // max(1, room))][: max(0, room)]}
    ids = [name for name in names if name in chosen or names[name] in wanted]
    for start in range(0, len(ids), 16):
        for name, record in store.fetch(ids[start : start + 16], [FULL]).items():
            yield names[name], record


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
