"""The built-in embedder: one contextual MiniLM vector a word of English, see `vrag.embedders.word_embedder`."""

from __future__ import annotations

import hashlib
from functools import cached_property

import numpy as np

from vrag.embedders.mean import load_mean
from vrag.embedders.minilm import MiniLM
from vrag.embedders.models import BUILTIN
from vrag.embedders.options import ModelOptions
from vrag.embedders.pieces import CLS, SEP, WordPieces
from vrag.embedders.protocol import Fingerprint
from vrag.embedders.weights import HUB_ID, SHA256, TOKENIZER_FILE, WEIGHTS_FILE, find_weights
from vrag.embedders.word_embedder import OVERLAP, SENTENCE_WEIGHT, Frame, WordEmbedder
from vrag.grid import FloatArray

WINDOW = 126  # pieces read together; with the two special tokens the length the model was trained with
VECTORS_VERSION = 1  # to be raised when the same words would get other vectors

# The numbers of this text are far from where rounding changes (held by a test).
CANARY = "survey results of the western region"


class BuiltinEmbedder(WordEmbedder):
    """all-MiniLM-L6-v2 as a late-interaction model over words (implements `Embedder`).

    Args:
        threads: Threads of one forward pass; None for one a CPU.

    Raises:
        ModelError: The weights are missing or not the right ones.
    """

    name = BUILTIN.name

    def __init__(self, threads: int | None = None) -> None:
        files = find_weights()
        pieces, model = WordPieces(files.tokenizer), MiniLM(files.weights, threads)
        super().__init__(pieces, model, Frame((CLS,), (CLS,), SEP, WINDOW), ModelOptions(threads=threads))

    @cached_property
    def mean(self) -> FloatArray:
        """Mean vector [d] of the model's vocabulary, which no corpus has a part in."""
        return load_mean()

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
                "canary": canary_of(self.canary_numbers()),
            }
        )

    def canary_numbers(self) -> FloatArray:
        """The first 16 numbers of the first piece of `CANARY`: what a changed model would change."""
        return self.embed_query(CANARY).vectors[0, :16]


def canary_of(numbers: FloatArray) -> str:
    """Hash of numbers in steps of 0.001: the same on every machine, with every thread count."""
    steps = np.rint(numbers * 1000).astype("<i4")
    return hashlib.sha256(steps.tobytes()).hexdigest()[:16]
