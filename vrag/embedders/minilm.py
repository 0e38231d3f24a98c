"""The forward pass of all-MiniLM-L6-v2 through onnxruntime, float32 on the CPU."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vrag.embedders.onnx_graph import TOKEN_TYPE, minilm_graph
from vrag.grid import FloatArray

IntArray = npt.NDArray[np.int64]

MAX_LENGTH = 512
_BATCH_TOKENS = 4096  # bounds the memory of one call; measured: larger batches are not faster


class MiniLM:
    """The encoder: token ids in, contextual token vectors out. Safe to share between threads.

    Args:
        weights: model.safetensors of all-MiniLM-L6-v2, verified by the caller.
        threads: Threads of one forward pass; None for one a CPU this process may use.
    """

    def __init__(self, weights: Path, threads: int | None = None) -> None:
        import onnxruntime
        from safetensors.numpy import load_file

        tensors = load_file(weights)
        tensors[TOKEN_TYPE] = tensors["embeddings.token_type_embeddings.weight"][0].copy()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or _usable_cpus()
        options.enable_mem_pattern = False  # a plan is kept for every shape seen, and page lengths vary without end
        names = [name for name, tensor in tensors.items() if tensor.dtype == np.float32]
        values = [onnxruntime.OrtValue.ortvalue_from_numpy(tensors[name]) for name in names]
        options.add_external_initializers(names, values)
        graph = minilm_graph({name: tensors[name] for name in names})
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

    def token_vectors(self, ids: IntArray) -> FloatArray:
        """Last hidden state, float32 [n, length, 384], of n sequences of equal length, int64 [n, length].

        Sequences carry their own special tokens; 1 <= length <= 512. Each is embedded as if it were alone.
        """
        step = max(1, _BATCH_TOKENS // ids.shape[1])
        batches = [self._forward(ids[start : start + step]) for start in range(0, len(ids), step)]
        return np.concatenate(batches)

    def _forward(self, ids: IntArray) -> FloatArray:
        positions = np.broadcast_to(np.arange(ids.shape[1]), ids.shape)
        tokens: FloatArray = self._session.run(["tokens"], {"ids": ids, "positions": positions})[0]
        return tokens


def _usable_cpus() -> int:
    """CPUs this process may run on, which in a container are fewer than the machine has."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
