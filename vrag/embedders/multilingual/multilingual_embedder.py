"""The multilingual embedder: one contextual vector a word, in some hundred languages, of pages and questions alike."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from vrag.embedders.models import MULTILINGUAL
from vrag.embedders.multilingual.e5 import MultilingualE5
from vrag.embedders.multilingual.packed_model import HUB_ID, MULTILINGUAL_FILES, PACKED_FILE, PackedModel
from vrag.embedders.multilingual.unigram import Unigram
from vrag.embedders.options import ModelOptions
from vrag.embedders.protocol import Fingerprint
from vrag.embedders.word_embedder import OVERLAP, SENTENCE_WEIGHT, Frame, WordEmbedder, canary_of
from vrag.grid import FloatArray

WINDOW = 254  # pieces read together: of twice as many each has its neighbours, and a window costs their square
VECTORS_VERSION = 1  # to be raised when the same words would get other vectors

# The model was trained with "passage:" before what is looked through, and "query:" before what is looked for.
_FRAME = Frame(page=(0, 46692, 12), query=(0, 41, 1294, 12), end=2, window=WINDOW)
_MEAN_FILE = Path(__file__).with_name("e5_mean.npy")


class MultilingualEmbedder(WordEmbedder):
    """multilingual-e5-small as a late-interaction model over words (implements `Embedder`).

    Args:
        threads: Threads of one forward pass; None for one a CPU.

    Raises:
        ModelError: The weights are missing or not the right ones.
    """

    name = MULTILINGUAL.name
    canary = "Umfrage"

    def __init__(self, threads: int | None = None) -> None:
        model = PackedModel(MULTILINGUAL_FILES.find() / PACKED_FILE)
        encoder = MultilingualE5(model, np.load(_MEAN_FILE), threads)
        super().__init__(Unigram(model.pieced), encoder, _FRAME, ModelOptions(threads=threads))

    @property
    def mean(self) -> FloatArray:
        """Zeros [d]: the mean is taken away from every token already."""
        return np.zeros(self.dim, np.float32)

    def fingerprint(self) -> Fingerprint:
        """Model, file, settings and the canary."""
        return Fingerprint(
            {
                "model": HUB_ID,
                "weights": MULTILINGUAL_FILES.digests[PACKED_FILE],
                "dim": self.dim,
                "window": WINDOW,
                "overlap": OVERLAP,
                "sentence_weight": SENTENCE_WEIGHT,
                "vectors": VECTORS_VERSION,
                "canary": canary_of(self._canary_numbers),
            }
        )
