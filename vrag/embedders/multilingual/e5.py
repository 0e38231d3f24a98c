"""The forward pass of multilingual-e5-small through onnxruntime, float32 on the CPU.

The embeddings of 250,000 pieces stay packed in their file, of which the rows that are read are unpacked; the layers are
unpacked once. As their file has 4 bits a weight, that costs 85 MB instead of 470.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vrag.embedders.multilingual.packed_model import PackedModel, unpacked
from vrag.embedders.sequences import IntArray, TokenSequence, read_each
from vrag.grid import FloatArray
from vrag.runtime.onnx_session import OnnxSession

GRAPH = Path(__file__).with_name("e5_layers.onnx")  # made by eval/minilm_graphs.py
# Parts of a layer, as the graph and as the file call them.
_DENSE = {
    "attention.self.query": "q",
    "attention.self.key": "k",
    "attention.self.value": "v",
    "attention.output.dense": "ao",
    "intermediate.dense": "fi",
    "output.dense": "fo",
}
_NORMS = {"attention.output.LayerNorm": "aln", "output.LayerNorm": "oln"}


class MultilingualE5:
    """The encoder: token ids in, contextual token vectors out. Safe to share between threads.

    Its token vectors have one direction in common, which tells nothing, so it is taken away.

    Args:
        model: Its file.
        mean: float32 [384], mean of its unit token vectors over running text.
        threads: Threads of one forward pass; None for one a CPU this process may use.
    """

    def __init__(self, model: PackedModel, mean: FloatArray, threads: int | None = None) -> None:
        self._session = OnnxSession(GRAPH.read_bytes(), _layers(model))
        self._threads = threads
        self._words, self._epsilon, self._mean = model.embeddings, model.epsilon, mean
        places = model.numbers("emb.pos").reshape(-1, model.dim)
        self._places: FloatArray = places + model.numbers("emb.type")[: model.dim]
        self._scale, self._shift = model.numbers("emb.ln.w"), model.numbers("emb.ln.b")

    def read(self, sequences: Sequence[TokenSequence]) -> list[FloatArray]:
        """Unit vectors of the wanted pieces of each sequence less their mean, float32 [k, 384]; each is read alone."""
        return read_each(self._read, sequences, self._threads)

    def _read(self, sequence: TokenSequence) -> FloatArray:
        tokens = self._session.run("tokens", {"embedded": self._embedded(sequence.ids), "rows": sequence.rows})
        centred: FloatArray = tokens / np.linalg.norm(tokens, axis=-1, keepdims=True) - self._mean
        return centred

    def _embedded(self, ids: IntArray) -> FloatArray:
        """Words and places, with layer normalisation: float32 [length, 384]."""
        words = unpacked(self._words[ids]) + self._places[: len(ids)]
        words -= words.mean(axis=-1, keepdims=True)
        words /= np.sqrt((words**2).mean(axis=-1, keepdims=True) + np.float32(self._epsilon))
        return np.asarray(words * self._scale + self._shift, np.float32)


def _layers(model: PackedModel) -> dict[str, FloatArray]:
    """The tensors of all layers, as the graph calls them."""
    tensors: dict[str, FloatArray] = {}
    for layer in range(model.layers):
        for name, short in _DENSE.items():
            full, packed = f"encoder.layer.{layer}.{name}", f"l{layer}.{short}"
            bias = model.numbers(f"{packed}.b").copy()
            tensors |= {f"{full}.weight": model.weight(f"{packed}.w", len(bias)), f"{full}.bias": bias}
        for name, short in _NORMS.items():
            full, packed = f"encoder.layer.{layer}.{name}", f"l{layer}.{short}"
            tensors |= {
                f"{full}.{a}": model.numbers(f"{packed}.{b}").copy() for a, b in (("weight", "w"), ("bias", "b"))
            }
    return tensors
