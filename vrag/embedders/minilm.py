"""The forward pass of all-MiniLM-L6-v2 through onnxruntime on the CPU."""

from __future__ import annotations

from collections.abc import Sequence

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
        folder = str(weights.files.find())
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", folder)
        if not multiplies_bytes_exactly():  # older processors of x86 cut sums off that are too large; this is slower
            options.add_session_config_entry("session.x64quantprecision", "1")
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
