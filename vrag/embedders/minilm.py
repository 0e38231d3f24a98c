"""The forward pass of all-MiniLM-L6-v2 through onnxruntime on the CPU."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vrag.embedders.sequences import TokenSequence, read_each
from vrag.embedders.weights import Weights
from vrag.grid import FloatArray
from vrag.runtime.machine import multiplies_bytes_exactly
from vrag.runtime.onnx_session import OnnxSession


class MiniLM:
    """The encoder: token ids in, contextual token vectors out. Safe to share between threads.

    Each sequence is read alone, by one thread: that costs no more a token than a batch does, pads nothing, keeps every
    core busy, and lets no sequence change the vectors of another.

    Args:
        weights: Which ones.
        threads: Sequences read at once; None for one a CPU this process may use.

    Raises:
        ModelError: The weights are missing or not the right ones.
    """

    def __init__(self, weights: Weights, threads: int | None = None) -> None:
        file = weights.file
        settings = {"session.model_external_initializers_file_folder_path": str(file.parent)}
        if not multiplies_bytes_exactly():  # older processors of x86 cut sums off that are too large; this is slower
            settings["session.x64quantprecision"] = "1"
        self._session = OnnxSession(weights.graph.read_bytes(), _floats(file, weights.crooked), settings)
        self._threads = threads

    def read(self, sequences: Sequence[TokenSequence]) -> list[FloatArray]:
        """Last hidden state of the wanted pieces of each sequence, float32 [k, 384]."""
        return read_each(self._read, sequences, self._threads)

    def _read(self, sequence: TokenSequence) -> FloatArray:
        return self._session.run("tokens", {"ids": sequence.ids[None], "rows": sequence.rows})


def _floats(file: Path, crooked: Path | None) -> dict[str, FloatArray]:
    """Copies of the tensors that lie at odd addresses of the file, where compiled code must not read floats."""
    if crooked is None:
        return {}
    content, found = np.memmap(file, np.uint8, "r"), {}
    for name, (offset, *shape) in json.loads(crooked.read_text(encoding="utf-8")).items():
        found[name] = np.frombuffer(content, "<f4", math.prod(shape), offset).reshape(shape).astype(np.float32)
    return found
