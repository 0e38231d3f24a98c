"""The forward pass of all-MiniLM-L6-v2 through onnxruntime on the CPU."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vrag.embedders.sequences import TokenSequence, read_each
from vrag.embedders.weights import Weights
from vrag.grid import FloatArray
from vrag.runtime.machine import multiplies_bytes_exactly


class MiniLM:
    """The encoder: token ids in, contextual token vectors out. Safe to share between threads.

    Numbers of 8 bits have one scale a sequence, so that sequences of one batch would change each other's vectors. Each
    is read alone, by one thread: that costs no more a token, pads nothing, and keeps every core busy.

    Args:
        weights: Which ones.
        threads: Sequences read at once; None for one a CPU this process may use.

    Raises:
        ModelError: The weights are missing or not the right ones.
    """

    def __init__(self, weights: Weights, threads: int | None = None) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.enable_mem_pattern = False  # a plan is kept for every shape seen, and page lengths vary without end
        file = weights.file
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(file.parent))
        if not multiplies_bytes_exactly():  # older processors of x86 cut sums off that are too large; this is slower
            options.add_session_config_entry("session.x64quantprecision", "1")
        self._floats = _floats(file, weights.crooked)  # the session does not own that memory
        options.add_external_initializers(list(self._floats), list(self._floats.values()))
        graph = weights.graph.read_bytes()
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self._threads = threads

    def read(self, sequences: Sequence[TokenSequence]) -> list[FloatArray]:
        """Last hidden state of the wanted pieces of each sequence, float32 [k, 384]."""
        return read_each(self._read, sequences, self._threads)

    def _read(self, sequence: TokenSequence) -> FloatArray:
        given = {"ids": sequence.ids[None], "rows": sequence.rows}
        tokens: FloatArray = self._session.run(["tokens"], given)[0]
        return tokens


def _floats(file: Path, crooked: Path | None) -> dict[str, Any]:
    """Copies of the tensors that lie at odd addresses of the file, where compiled code must not read floats."""
    if crooked is None:
        return {}
    import onnxruntime

    content = np.memmap(file, np.uint8, "r")
    found = {}
    for name, (offset, *shape) in json.loads(crooked.read_text(encoding="utf-8")).items():
        values = np.frombuffer(content, "<f4", math.prod(shape), offset).reshape(shape)
        found[name] = onnxruntime.OrtValue.ortvalue_from_numpy(values.astype(np.float32))
    return found
