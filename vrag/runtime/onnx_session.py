"""ONNX models on the CPU, each run by the thread that asks: many threads may ask at once."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, Literal

import numpy.typing as npt


class OnnxSession:
    """A model that is ready to be run. Safe to share between threads.

    Args:
        model: Its file, or what the file holds.
        tensors: Weights that are handed over in memory, by name.
        settings: Of onnxruntime, by name.
        memory: "own" grows by powers of two, which asks for it least often; "shared" is that of all sessions that say
            so, and grows by what is needed: for large inputs, where the address space has a limit.
    """

    def __init__(
        self,
        model: str | bytes,
        tensors: Mapping[str, npt.NDArray[Any]] | None = None,
        settings: Mapping[str, str] | None = None,
        memory: Literal["own", "shared"] = "own",
    ) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.enable_mem_pattern = False  # a plan is kept for every shape seen, and texts have all lengths
        for name, value in (settings or {}).items():
            options.add_session_config_entry(name, value)
        if memory == "shared":
            _make_shared_memory()
            options.add_session_config_entry("session.use_env_allocators", "1")
        # Kept here: the library does not own that memory.
        self._weights = {name: onnxruntime.OrtValue.ortvalue_from_numpy(one) for name, one in (tensors or {}).items()}
        options.add_external_initializers(list(self._weights), list(self._weights.values()))
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    @property
    def input(self) -> str:
        """Name of the model's first input."""
        name: str = self._session.get_inputs()[0].name
        return name

    @property
    def output(self) -> str:
        """Name of its first output."""
        name: str = self._session.get_outputs()[0].name
        return name

    @property
    def notes(self) -> Mapping[str, str]:
        """What its file says besides, by name: the characters that a recogniser of text knows, for one."""
        found: Mapping[str, str] = self._session.get_modelmeta().custom_metadata_map
        return found

    def run(self, output: str, given: Mapping[str, npt.NDArray[Any]]) -> npt.NDArray[Any]:
        """One output of the model, by the names of its inputs."""
        found: npt.NDArray[Any] = self._session.run([output], given)[0]
        return found


@functools.cache
def _make_shared_memory() -> None:
    """What is once asked of the system is kept for the next run: pages that it gives have to be cleared each time."""
    import onnxruntime as ort

    info = ort.OrtMemoryInfo("Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT)
    as_needed = ort.OrtArenaCfg({"arena_extend_strategy": 1})
    ort.create_and_register_allocator(info, as_needed)
