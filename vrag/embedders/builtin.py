"""The built-in embedder: one contextual MiniLM vector a word, with the word's box.

A page's words are read in overlapping windows, each word's pieces are averaged to one unit vector, and the
word's place on the page stays with it. Needs no GPU, no hub and no server.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from vrag.embedders.base import Fingerprint, PageVectors, QueryVectors
from vrag.embedders.minilm import MiniLM
from vrag.embedders.models import BUILTIN
from vrag.embedders.pieces import CLS, SEP, Pieces, WordPieces
from vrag.embedders.weights import SHA256, TOKENIZER_FILE, WEIGHTS_FILE, find_weights
from vrag.embedders.windows import Window, split_windows
from vrag.errors import UsageError
from vrag.grid import WHOLE_PAGE, FloatArray, Grid
from vrag.pages.page import Page, PageSpec

WINDOW = 254  # pieces read together, without the two special tokens
OVERLAP = 64
_BATCH = 8  # windows of one forward pass
VECTORS_VERSION = 1  # to be raised when the same words would get other vectors

_CANARY = "quarterly revenue of the northern region"


class BuiltinEmbedder:
    """all-MiniLM-L6-v2 as a late-interaction model over words (implements `Embedder`).

    Args:
        threads: Threads of one forward pass; None for one a CPU.

    Raises:
        ModelError: The weights are missing or not the right ones.
    """

    name = BUILTIN.name
    dim = BUILTIN.dim
    page_spec = PageSpec(image=False, words=True)

    def __init__(self, threads: int | None = None) -> None:
        files = find_weights()
        self._pieces = WordPieces(files.tokenizer)
        self._model = MiniLM(files.weights, threads)

    @property
    def mean(self) -> FloatArray | None:
        """The model's mean vector [d]."""
        return None

    def embed_pages(self, pages: Sequence[Page]) -> list[PageVectors]:
        """One unit row a word, float32 [n, 384]; a page without words has one row of zeros over the whole page."""
        return [self._embed_page(page) for page in pages]

    def embed_query(self, text: str) -> QueryVectors:
        """One unit row a word piece of the query; what does not fit the model's window is left out.

        Raises:
            UsageError: The query is empty.
        """
        words = text.split()
        if not words:
            raise UsageError("The query is empty.", "Say what you look for.")
        pieces = self._pieces.split(words[:WINDOW])
        read = Pieces(pieces.ids[:WINDOW], pieces.starts)
        return QueryVectors(_unit(self._contextual(read)), self._pieces.texts(read))

    def fingerprint(self) -> Fingerprint:
        """Model, files, settings and the canary."""
        return Fingerprint(
            {
                "model": BUILTIN.source,
                "weights": SHA256[WEIGHTS_FILE],
                "tokenizer": SHA256[TOKENIZER_FILE],
                "dim": self.dim,
                "window": WINDOW,
                "overlap": OVERLAP,
                "vectors": VECTORS_VERSION,
                "canary": self._canary,
            }
        )

    @cached_property
    def _canary(self) -> str:
        """Hash of a few coarsely rounded numbers of one text: the same on every machine, another for other weights."""
        numbers = self.embed_query(_CANARY).vectors[0, :16]
        return hashlib.sha256(np.rint(numbers * 1000).astype("<i4").tobytes()).hexdigest()[:16]

    def _embed_page(self, page: Page) -> PageVectors:
        if not len(page.words):
            return PageVectors(np.zeros((1, self.dim), np.float32), Grid.free([WHOLE_PAGE]))
        pieces = self._pieces.split(page.words.texts)
        return PageVectors(_word_means(self._contextual(pieces), pieces), page.words.grid())

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
