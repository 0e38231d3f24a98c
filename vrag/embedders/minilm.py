"""The forward pass of all-MiniLM-L6-v2 through onnxruntime, float32 on the CPU."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vrag.embedders.onnx_graph import TOKEN_TYPE, minilm_graph
from vrag.grid import FloatArray
from vrag.runtime.machine import usable_cpus

IntArray = npt.NDArray[np.int64]

MAX_LENGTH = 512


class MiniLM:
    """The encoder: token ids in, contextual token vectors out. Safe to share between threads.

    Args:
        weights: model.safetensors of all-MiniLM-L6-v2, verified by the caller.
        threads: Threads of one forward pass; None for one a CPU this process may use.
    """

    def __init__(self, weights: Path, threads: int | None = None) -> None:
        from safetensors.numpy import load_file

        tensors = load_file(weights)
        tensors[TOKEN_TYPE] = tensors["embeddings.token_type_embeddings.weight"][0].copy()
        self._session = GraphSession(*minilm_graph(tensors), tensors, threads)

    def token_vectors(self, ids: IntArray) -> FloatArray:
        """Last hidden state, float32 [n, length, 384], of n sequences of equal length, int64 [n, length].

        Sequences carry their own special tokens; 1 <= length <= 512. Each is embedded as if it were alone.
        Memory grows by about 30 kB a token; a call of more than some 2,000 tokens is not faster.
        """
        positions = np.broadcast_to(np.arange(ids.shape[1]), ids.shape)
        return self._session.tokens(ids=ids, positions=positions)


class GraphSession:
    """An encoder's graph with its weights, ready to run. Safe to share between threads.

    Args:
        graph: Serialised.
        names: Of the tensors that it wants.
        tensors: These, and maybe others.
        threads: Threads of one forward pass; None for one a CPU this process may use.
    """

    def __init__(
        self, graph: bytes, names: Sequence[str], tensors: Mapping[str, FloatArray], threads: int | None
    ) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or usable_cpus()
        options.enable_mem_pattern = False  # a plan is kept for every shape seen, and page lengths vary without end
        # Kept, because the session reads this memory and does not own it.
        self._weights = [onnxruntime.OrtValue.ortvalue_from_numpy(tensors[name]) for name in names]
        options.add_external_initializers(list(names), self._weights)
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

    def tokens(self, **inputs: Any) -> FloatArray:
        """The graph's one output for its inputs, by name."""
        tokens: FloatArray = self._session.run(["tokens"], inputs)[0]
        return tokens
