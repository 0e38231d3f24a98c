"""A text encoder as a late-interaction model over words: one contextual vector a word, with the word's box.

A page's words are read in overlapping windows, the pieces of each word are averaged to one unit vector, and the
word's place on the page stays with it. Function words are read and then dropped. Needs no GPU, hub or server.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from vrag.embedders.minilm import IntArray
from vrag.embedders.options import ModelOptions
from vrag.embedders.pieces import PagePieces, Pieces
from vrag.embedders.protocol import WHOLE_QUERY, PageVectors, QueryVectors
from vrag.embedders.windows import Window, split_windows
from vrag.errors import UsageError
from vrag.grid import WHOLE_PAGE, FloatArray, Grid
from vrag.pages.page import Page, PageSpec, Words
from vrag.runtime.timing import timed

OVERLAP = 16
SENTENCE_WEIGHT = 0.25  # of the row for the whole query, against the sum of its pieces

_BATCH = 8  # windows of one forward pass


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
    """Reads tokens together."""

    def token_vectors(self, ids: IntArray) -> FloatArray:
        """One vector a token, float32 [n, length, d], of n sequences of equal length, int64 [n, length]."""
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
            return [self._embed_page(page) for page in pages]

    def embed_query(self, text: str) -> QueryVectors:
        """One unit row a word piece, and a last row for the whole query; only the pieces of one window are read.

        The last row is the unit mean of all tokens, as sentence-transformers has it, weighted with a quarter of
        the number of pieces.

        Raises:
            UsageError: The query is empty.
        """
        words = text.split()
        if not words:
            raise UsageError("The query is empty.", "Say what you look for.")
        window, before = self._frame.window, self._frame.query
        ids = self._pieces.split(words[:window]).ids[:window]
        read = self._encoder.token_vectors(np.array([[*before, *ids, self._frame.end]]))[0]
        sentence = unit(read.mean(axis=0, keepdims=True)) * np.float32(SENTENCE_WEIGHT * len(ids))
        rows = np.concatenate([unit(read[len(before) : -1]), sentence])
        return QueryVectors(rows, (*self._pieces.texts(ids), WHOLE_QUERY))

    def _embed_page(self, page: Page) -> PageVectors:
        if not len(page.words):
            return PageVectors(np.zeros((1, self.dim), np.float32), Grid.free([WHOLE_PAGE]))
        found = self._pieces.of_page(page.words)
        rows = _word_means(self._contextual(found.pieces), found.pieces)
        return PageVectors(rows[found.keep], Grid.free(found.boxes[found.keep]))

    def _contextual(self, pieces: Pieces) -> FloatArray:
        """The vector of each piece [p, d], read in the window where it has most context."""
        windows = split_windows(len(pieces), self._frame.window, OVERLAP)
        batches = [windows[i : i + _BATCH] for i in range(0, len(windows), _BATCH)]
        return np.concatenate([self._read(pieces, batch) for batch in batches])

    def _read(self, pieces: Pieces, windows: Sequence[Window]) -> FloatArray:
        """The vectors that the windows own, from one forward pass over all of them."""
        before = self._frame.page
        ids = np.stack([[*before, *pieces.ids[w.start : w.stop], self._frame.end] for w in windows])
        vectors = self._encoder.token_vectors(ids)[:, len(before) : -1]
        return np.concatenate([row[w.own] for row, w in zip(vectors, windows, strict=True)])


def unit(rows: FloatArray) -> FloatArray:
    """Rows [n, d] scaled to unit length. No row is zero: a layer norm made it."""
    scaled: FloatArray = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return scaled


def _word_means(vectors: FloatArray, pieces: Pieces) -> FloatArray:
    """Unit mean [n, d] of the pieces [p, d] of each of n words."""
    return unit(np.add.reduceat(vectors, pieces.starts, axis=0))
