"""The built-in embedder: one contextual MiniLM vector a word of English, see `vrag.embedders.word_embedder`."""

from __future__ import annotations

import logging
from functools import cached_property

from vrag.embedders.mean import load_mean
from vrag.embedders.minilm import MiniLM
from vrag.embedders.models import BUILTIN
from vrag.embedders.options import ModelOptions
from vrag.embedders.pieces import CLS, SEP, WordPieces
from vrag.embedders.protocol import Fact, Fingerprint
from vrag.embedders.weights import FLOAT32, HUB_ID, INT8
from vrag.embedders.word_embedder import OVERLAP, SENTENCE_WEIGHT, Frame, WordEmbedder, canary_of
from vrag.errors import ModelError
from vrag.grid import FloatArray

_LOG = logging.getLogger("vrag")
WINDOW = 126  # pieces read together; with the two special tokens the length the model was trained with
VECTORS_VERSION = 1  # to be raised when the same words would get other vectors
TOKENIZER = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"  # SHA-256 of the model's tokenizer.json


class BuiltinEmbedder(WordEmbedder):
    """all-MiniLM-L6-v2 as a late-interaction model over words (implements `Embedder`).

    Args:
        options: Of them `threads`, `weights`, and for a new index `dtype`: "float32" has weights of its own.

    Raises:
        ModelError: The weights are missing or not the right ones.
    """

    name = BUILTIN.name
    canary = "survey results of the western region"

    def __init__(self, options: ModelOptions | None = None) -> None:
        chosen = options or ModelOptions()
        self._weights = FLOAT32 if _is_exact(chosen) else INT8
        if chosen.dtype == "float32" and chosen.weights == INT8.digest:
            _LOG.warning("This index goes on with the weights of 8 bits that made it; float32 takes a new index.")
        try:
            model = MiniLM(self._weights, chosen.threads)
        except ModelError as error:
            if self._weights is INT8:
                raise
            otherwise = "ingest the files into a new place" if chosen.weights else "leave out --dtype (VRAG_DTYPE)"
            hint = f"{error.hint} Or {otherwise}: weights of 8 bits come with vrag."
            raise ModelError(error.message, hint) from error
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


def _is_exact(options: ModelOptions) -> bool:
    """Whether words are read in float32: an index goes on with what it was made with."""
    return options.weights == FLOAT32.digest if options.weights else options.dtype == "float32"
