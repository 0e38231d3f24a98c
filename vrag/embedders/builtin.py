"""The built-in embedder: one contextual MiniLM vector a word of English, see `vrag.embedders.word_embedder`."""

from __future__ import annotations

from functools import cached_property

from vrag.embedders.mean import load_mean
from vrag.embedders.minilm import MiniLM
from vrag.embedders.models import BUILTIN
from vrag.embedders.options import ModelOptions
from vrag.embedders.pieces import CLS, SEP, WordPieces
from vrag.embedders.protocol import Fact, Fingerprint
from vrag.embedders.weights import FLOAT32, HUB_ID, weights_of
from vrag.embedders.word_embedder import OVERLAP, SENTENCE_WEIGHT, Frame, WordEmbedder, canary_of
from vrag.errors import ModelError
from vrag.grid import FloatArray

WINDOW = 126  # pieces read together; with the two special tokens the length the model was trained with
VECTORS_VERSION = 1  # to be raised when the same words would get other vectors
TOKENIZER = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"  # SHA-256 of the model's tokenizer.json


class BuiltinEmbedder(WordEmbedder):
    """all-MiniLM-L6-v2 as a late-interaction model over words (implements `Embedder`).

    Args:
        options: Of them `threads` and `weights`.

    Raises:
        ModelError: The weights are missing or not the right ones.
    """

    name = BUILTIN.name
    canary = "survey results of the western region"

    def __init__(self, options: ModelOptions | None = None) -> None:
        chosen = options or ModelOptions()
        self._weights = weights_of(chosen.weights)
        try:
            model = MiniLM(self._weights, chosen.threads)
        except ModelError as error:
            if self._weights is FLOAT32:
                raise ModelError(error.message, f"{error.hint} Or ingest the files into a new place.") from error
            raise
        super().__init__(WordPieces(), model, Frame((CLS,), (CLS,), SEP, WINDOW), chosen)

    @cached_property
    def mean(self) -> FloatArray:
        """Mean vector [d] of the model's vocabulary, which no corpus has a part in."""
        return load_mean()

    def fingerprint(self) -> Fingerprint:
        """Model, file, settings and the canary; float32, which came first, says nothing of its precision."""
        facts: dict[str, Fact] = {
            "model": HUB_ID,
            "weights": self._weights.digest,
            "tokenizer": TOKENIZER,
            "dim": self.dim,
            "window": WINDOW,
            "overlap": OVERLAP,
            "sentence_weight": SENTENCE_WEIGHT,
            "vectors": VECTORS_VERSION,
        }
        if self._weights is FLOAT32:
            return Fingerprint({**facts, "canary": canary_of(self._canary_numbers)})
        # Numbers that are rounded to 8 bits differ from machine to machine by a step now and then.
        canary = " ".join(f"{number:.3f}" for number in self._canary_numbers)
        return Fingerprint({**facts, "precision": self._weights.precision, "canary": canary})
