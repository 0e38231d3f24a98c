"""A text encoder as a late-interaction model over words: one contextual vector a word, with the word's box.

A page's words are read in overlapping windows, the pieces of each word are averaged to one unit vector, and the
word's place on the page stays with it. Function words are read and then dropped. Needs no GPU, hub or server.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np

from vrag.embedders.options import ModelOptions
from vrag.embedders.pieces import PagePieces, Pieces
from vrag.embedders.protocol import WHOLE_QUERY, PageVectors, QueryVectors
from vrag.embedders.sequences import IntArray, TokenSequence
from vrag.embedders.windows import split_windows
from vrag.errors import UsageError
from vrag.grid import WHOLE_PAGE, FloatArray, Grid
from vrag.pages.page import Page, PageSpec, Words
from vrag.runtime.timing import timed

OVERLAP = 16
SENTENCE_WEIGHT = 0.25  # of the row for the whole query, against the sum of its pieces


@dataclass(frozen=True, slots=True)
class Frame:
    """What an encoder wants around the pieces of a text.

    Args:
        page: Tokens before the pieces of a page.
        query: Tokens before those of a query.
        end: The token after them.
        window: Pieces read together, at most.
    """

    page: tuple[int, ...]
    query: tuple[int, ...]
    end: int
    window: int


class Encoder(Protocol):
    """Reads sequences of pieces, each as if it were alone."""

    def read(self, sequences: Sequence[TokenSequence]) -> list[FloatArray]:
        """The vectors of the wanted pieces of each sequence, float32 [k, d]."""
        ...


class Splitter(Protocol):
    """Cuts words into the pieces of an encoder's vocabulary."""

    def split(self, words: Sequence[str]) -> Pieces:
        """The pieces of `words`, at least one each."""
        ...

    def of_page(self, words: Words) -> PagePieces:
        """The pieces of a page of at least one word."""
        ...

    def texts(self, ids: IntArray) -> tuple[str, ...]:
        """Pieces [p] as people read them."""
        ...


class WordEmbedder:
    """Everything of an `Embedder` but what names it.

    Args:
        pieces: Of the encoder's vocabulary.
        encoder: With vectors of 384 numbers.
        frame: Of the encoder.
        options: How it was loaded.
    """

    canary = ""  # a text whose numbers are far from where rounding changes (held by a test)
    dim = 384
    page_spec = PageSpec(image=False, words=True)
    max_rows = None
    batch_size = 8

    def __init__(self, pieces: Splitter, encoder: Encoder, frame: Frame, options: ModelOptions) -> None:
        self.options = options
        self._pieces, self._encoder, self._frame = pieces, encoder, frame

    def embed_pages(self, pages: Sequence[Page]) -> list[PageVectors]:
        """One unit row and box a word, float32 [n, 384], in reading order.

        Function words get no row unless the page has nothing else. A page without words has one row of zeros
        over the whole page.
        """
        with timed("forward"):
            asked = [self._asked(page) for page in pages]
            vectors = iter(self._encoder.read([one for page in asked for one in page.sequences]))
            return [self._page_vectors(one, vectors) for one in asked]

    def embed_query(self, text: str) -> QueryVectors:
        """One unit row a word piece, and a last row for the whole query; only the pieces of one window are read.

        The last row is the unit mean of all tokens, as sentence-transformers has it, weighted with a quarter of
        the number of pieces.

        Raises:
            UsageError: The query is empty.
        """
        return self.embed_queries([text])[0]

    def embed_queries(self, texts: Sequence[str]) -> list[QueryVectors]:
        """As `embed_query` of each, to the last bit; the encoder reads several at once.

        Raises:
            UsageError: One of them is empty.
        """
        asked = [self._query_pieces(text) for text in texts]
        tokens = [np.array([*self._frame.query, *ids, self._frame.end]) for ids in asked]
        read = self._encoder.read([TokenSequence(one, np.arange(len(one))) for one in tokens])
        return [self._query_vectors(ids, rows) for ids, rows in zip(asked, read, strict=True)]

    def _query_pieces(self, text: str) -> IntArray:
        """Pieces [p] of a query, as far as one window reaches."""
        words = text.split()
        if not words:
            raise UsageError("The query is empty.", "Say what you look for.")
        return self._pieces.split(words[: self._frame.window]).ids[: self._frame.window]

    def _query_vectors(self, ids: IntArray, read: FloatArray) -> QueryVectors:
        """The rows of a query's p pieces, from the vectors [p + tokens around them, d] of its sequence."""
        sentence = unit(read.mean(axis=0, keepdims=True)) * np.float32(SENTENCE_WEIGHT * len(ids))
        rows = np.concatenate([unit(read[len(self._frame.query) : -1]), sentence])
        return QueryVectors(rows, (*self._pieces.texts(ids), WHOLE_QUERY))

    def canary_numbers(self) -> FloatArray:
        """The first 16 numbers of the first piece of `canary`: what a changed model would change."""
        return self.embed_query(self.canary).vectors[0, :16]

    @cached_property
    def _canary_numbers(self) -> FloatArray:
        return self.canary_numbers()

    def _asked(self, page: Page) -> _Asked:
        """What is to be read of a page: every piece of a word with a row, in the window where it has most context."""
        if not len(page.words):
            return _Asked()
        found = self._pieces.of_page(page.words)
        pieces, counts = found.pieces, found.pieces.counts()
        wanted = np.repeat(found.keep, counts)
        before, end = self._frame.page, self._frame.end
        sequences = []
        for window in split_windows(len(pieces), self._frame.window, OVERLAP):
            rows = np.flatnonzero(wanted[window.own_start : window.own_stop]) + window.own.start + len(before)
            if len(rows):
                sequences.append(TokenSequence(np.array([*before, *pieces.ids[window.start : window.stop], end]), rows))
        counts = counts[found.keep]
        return _Asked(sequences, found.boxes[found.keep], np.cumsum(counts) - counts)

    def _page_vectors(self, asked: _Asked, vectors: Iterator[FloatArray]) -> PageVectors:
        """A row a word, from the vectors of the page's sequences, which come next."""
        if not asked.sequences:
            return PageVectors(np.zeros((1, self.dim), np.float32), Grid.free([WHOLE_PAGE]))
        of_pieces = np.concatenate([next(vectors) for _ in asked.sequences])
        return PageVectors(unit(np.add.reduceat(of_pieces, asked.starts, axis=0)), Grid.free(asked.boxes))


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked of an encoder for a page.

    Args:
        sequences: One a window with pieces of words that get a row; none for a page without words.
        boxes: float32 [n, 4], where those words lie.
        starts: int64 [n], place of the first piece of each among all vectors that come back.
    """

    sequences: Sequence[TokenSequence] = ()
    boxes: FloatArray = field(default_factory=lambda: np.zeros((0, 4), np.float32))
    starts: IntArray = field(default_factory=lambda: np.zeros(0, np.int64))


def canary_of(numbers: FloatArray) -> str:
    """Hash of numbers in steps of 0.001: the same on every machine, with every thread count."""
    steps = np.rint(numbers * 1000).astype("<i4")
    return hashlib.sha256(steps.tobytes()).hexdigest()[:16]


def unit(rows: FloatArray) -> FloatArray:
    """Rows [n, d] scaled to unit length. No row is zero: a layer norm made it."""
    scaled: FloatArray = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return scaled
