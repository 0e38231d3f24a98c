"""The built-in embedder: one contextual MiniLM vector a word, with the word's box.

A page's words are read in overlapping windows, the pieces of each word are averaged to one unit vector, and the
word's place on the page stays with it. Function words are read and then dropped. Needs no GPU, hub or server.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from vrag.embedders.mean import load_mean
from vrag.embedders.minilm import MiniLM
from vrag.embedders.models import BUILTIN
from vrag.embedders.options import ModelOptions
from vrag.embedders.pieces import CLS, SEP, Pieces, WordPieces
from vrag.embedders.protocol import WHOLE_QUERY, Fingerprint, PageVectors, QueryVectors
from vrag.embedders.weights import HUB_ID, SHA256, TOKENIZER_FILE, WEIGHTS_FILE, find_weights
from vrag.embedders.windows import Window, split_windows
from vrag.errors import UsageError
from vrag.grid import WHOLE_PAGE, FloatArray, Grid
from vrag.pages.page import Page, PageSpec
from vrag.runtime.timing import timed

WINDOW = 126  # pieces read together; with the two special tokens the length the model was trained with
OVERLAP = 16
SENTENCE_WEIGHT = 0.25  # of the row for the whole query, against the sum of its pieces
VECTORS_VERSION = 1  # to be raised when the same words would get other vectors

# The numbers of this text are far from where rounding changes (held by a test).
CANARY = "survey results of the western region"

_BATCH = 8  # windows of one forward pass


class BuiltinEmbedder:
    """all-MiniLM-L6-v2 as a late-interaction model over words (implements `Embedder`).

    Args:
        threads: Threads of one forward pass; None for one a CPU.

    Raises:
        ModelError: The weights are missing or not the right ones.
    """

    name = BUILTIN.name
    dim = 384
    page_spec = PageSpec(image=False, words=True)
    max_rows = None
    batch_size = 8

    def __init__(self, threads: int | None = None) -> None:
        self.options = ModelOptions(threads=threads)
        files = find_weights()
        self._pieces = WordPieces(files.tokenizer)
        self._model = MiniLM(files.weights, threads)

    @cached_property
    def mean(self) -> FloatArray:
        """Mean vector [d] of the model's vocabulary, which no corpus has a part in."""
        return load_mean()

    def embed_pages(self, pages: Sequence[Page]) -> list[PageVectors]:
        """One unit row and box a word, float32 [n, 384], in reading order.

        Function words get no row unless the page has nothing else. A page without words has one row of zeros
        over the whole page.
        """
        with timed("forward"):
            return [self._embed_page(page) for page in pages]

    def embed_query(self, text: str) -> QueryVectors:
        """One unit row a word piece, and a last row for the whole query; only its first 126 pieces are read.

        The last row is the unit mean of all tokens, as sentence-transformers has it, weighted with a quarter of
        the number of pieces.

        Raises:
            UsageError: The query is empty.
        """
        words = text.split()
        if not words:
            raise UsageError("The query is empty.", "Say what you look for.")
        ids = self._pieces.split(words[:WINDOW]).ids[:WINDOW]
        read = self._model.token_vectors(np.array([[CLS, *ids, SEP]]))[0]
        sentence = _unit(read.mean(axis=0, keepdims=True)) * np.float32(SENTENCE_WEIGHT * len(ids))
        return QueryVectors(np.concatenate([_unit(read[1:-1]), sentence]), (*self._pieces.texts(ids), WHOLE_QUERY))

    def fingerprint(self) -> Fingerprint:
        """Model, files, settings and the canary."""
        return Fingerprint(
            {
                "model": HUB_ID,
                "weights": SHA256[WEIGHTS_FILE],
                "tokenizer": SHA256[TOKENIZER_FILE],
                "dim": self.dim,
                "window": WINDOW,
                "overlap": OVERLAP,
                "sentence_weight": SENTENCE_WEIGHT,
                "vectors": VECTORS_VERSION,
                "canary": self._canary,
            }
        )

    def canary_numbers(self) -> FloatArray:
        """The first 16 numbers of the first piece of `CANARY`: what a changed model would change."""
        return self.embed_query(CANARY).vectors[0, :16]

    @cached_property
    def _canary(self) -> str:
        """Hash of the canary in steps of 0.001: the same on every machine, with every thread count."""
        steps = np.rint(self.canary_numbers() * 1000).astype("<i4")
        return hashlib.sha256(steps.tobytes()).hexdigest()[:16]

    def _embed_page(self, page: Page) -> PageVectors:
        if not len(page.words):
            return PageVectors(np.zeros((1, self.dim), np.float32), Grid.free([WHOLE_PAGE]))
        pieces = self._pieces.split(page.words.texts)
        keep = self._pieces.has_content(pieces)
        rows = _word_means(self._contextual(pieces), pieces)
        return PageVectors(rows[keep], Grid.free(page.words.boxes[keep]))

    def _contextual(self, pieces: Pieces) -> FloatArray:
        """The last hidden state of each piece [p, d], read in the window where it has most context."""
        windows = split_windows(len(pieces), WINDOW, OVERLAP)
        batches = [windows[i : i + _BATCH] for i in range(0, len(windows), _BATCH)]
        return np.concatenate([self._read(pieces, batch) for batch in batches])

    def _read(self, pieces: Pieces, windows: Sequence[Window]) -> FloatArray:
        """The vectors that the windows own, from one forward pass over all of them."""
        ids = np.stack([[CLS, *pieces.ids[w.start : w.stop], SEP] for w in windows])
        vectors = self._model.token_vectors(ids)[:, 1:-1]
        return np.concatenate([row[w.own] for row, w in zip(vectors, windows, strict=True)])


def _word_means(vectors: FloatArray, pieces: Pieces) -> FloatArray:
    """Unit mean [n, d] of the pieces [p, d] of each of n words."""
    return _unit(np.add.reduceat(vectors, pieces.starts, axis=0))


def _unit(rows: FloatArray) -> FloatArray:
    """Rows scaled to unit length. No row is zero: a layer norm made it."""
    unit: FloatArray = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit
