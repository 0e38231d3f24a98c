"""Which models can run on this machine: what is installed, and how much memory there is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vrag.embedders.colpali.torch_engine import choose_device, extra_problem, gpu_bytes
from vrag.embedders.models import COLPALI, E5, MINILM, ONNX, ModelInfo
from vrag.embedders.multilingual.packed_model import multilingual_problem
from vrag.embedders.onnx_vision import onnx_engine as onnx
from vrag.runtime.memory import machine_bytes

GB = 10**9
_AROUND = GB  # what a process takes besides weights: the libraries, a page, and its activations
_FLOAT32 = 4  # bytes a parameter on a CPU; 2 on a GPU


@dataclass(frozen=True, slots=True)
class Equipment:
    """What models could run on here.

    Args:
        memory: Bytes of main memory.
        devices: By `ModelInfo.family`: the device that "auto" takes.
        gpu: Bytes of the GPU's memory, 0 without one.
        missing: By `ModelInfo.family`: why its models do not run, in a few words.
    """

    memory: int
    devices: Mapping[str, str]
    gpu: int
    missing: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Fitness:
    """Whether a model can run here.

    Args:
        runs: Whether it can.
        how: The device it would run on, or what is missing.
    """

    runs: bool
    how: str


def this_machine() -> Equipment:
    """Look at this machine; loads torch where the extra [colpali] is installed, which takes a few seconds."""
    problem = extra_problem()
    on_torch = "cpu" if problem else choose_device("auto")
    devices = {MINILM: "cpu", E5: "cpu", ONNX: onnx.choose_device("auto"), COLPALI: on_torch}
    missing = {COLPALI: problem, ONNX: onnx.extra_problem(), E5: multilingual_problem()}
    found = {family: text for family, text in missing.items() if text}
    return Equipment(machine_bytes(), devices, 0 if problem else gpu_bytes(devices[COLPALI]), found)


def fitness(model: ModelInfo, machine: Equipment) -> Fitness:
    """Whether a model can run on a machine; its memory is an estimate, weights and a gigabyte."""
    if model.family in machine.missing:
        return Fitness(False, machine.missing[model.family])
    device = machine.devices[model.family].split(":")[0]
    # An ONNX file is loaded as it is; its card's memory is not known where torch is not installed.
    on_card = device == "cuda" and machine.gpu > 0
    wide = model.family == COLPALI and device != "cuda"
    needed = (_FLOAT32 * model.millions * 10**6 if wide else model.megabytes * 10**6) + _AROUND
    there = machine.gpu if on_card else machine.memory
    if needed > there:
        kind = "GPU memory" if on_card else "memory"
        return Fitness(False, f"needs {needed / GB:.0f} GB of {kind}, there are {there / GB:.0f}")
    return Fitness(True, device)
