"""Torch and colpali-engine: imported late, with one sentence for everything that can be wrong with them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from typing import Any

from vrag.embedders.models import COLPALI
from vrag.embedders.models import INSTALL as INSTALLS
from vrag.embedders.options import DType
from vrag.errors import ModelError, UsageError

INSTALL = INSTALLS[COLPALI]
_PACKAGES = ("torch", "torchvision", "colpali-engine")


def import_engine() -> Any:
    """`colpali_engine.models`.

    Raises:
        ModelError: It is not installed, or torch and torchvision are no matched pair.
    """
    for package in _PACKAGES:
        if _version(package) is None:
            raise ModelError(
                f"ColPali-style models need {package}, which is not installed.", f"Install it with: {INSTALL}"
            )
    problem = torch_pair_problem()
    if problem:
        raise ModelError(problem, PAIR_REMEDY)
    try:
        import colpali_engine.models as models
    except (ImportError, RuntimeError, OSError, AttributeError) as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise ModelError(
            f"colpali-engine {_version('colpali-engine')} does not work with transformers "
            f"{_version('transformers')}: {reason}",
            f"Reinstall them together: {INSTALL}",
        ) from error
    return models


PAIR_REMEDY = (
    "Reinstall both together from the same index: pip install --force-reinstall torch torchvision "
    "(or with pip's --index-url of the CPU or CUDA build you want, for both)."
)


def torch_pair_problem() -> str:
    """Why torch and torchvision do not work together, in one sentence; empty when they do."""
    try:
        import torch  # noqa: F401
        import torchvision  # noqa: F401
    except (
        ImportError,
        RuntimeError,
        OSError,
        AttributeError,
    ) as error:  # a mismatched pair fails in any of these ways
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        return f"torch {_version('torch')} and torchvision {_version('torchvision')} are not a matched pair: {reason}."
    return ""


def extra_problem() -> str:
    """Why no ColPali-style model can run here, in a few words; empty when they can."""
    absent = [package for package in _PACKAGES if _version(package) is None]
    return f"needs {absent[0]}: {INSTALL}" if absent else torch_pair_problem()


def gpu_bytes(device: str) -> int:
    """Memory of a device of torch's own, 0 for those that share the machine's."""
    import torch

    return int(torch.cuda.get_device_properties(device).total_memory) if device.startswith("cuda") else 0


def choose_device(wanted: str) -> str:
    """The device to run on: "cpu", "mps", "cuda:N".

    Raises:
        UsageError: The one asked for is not there.
    """
    import torch

    kind, _, number = wanted.partition(":")
    cards = torch.cuda.device_count() if torch.cuda.is_available() else 0
    has_mps = torch.backends.mps.is_available()
    if kind == "cuda" or (kind == "auto" and cards):
        if not number.isdecimal() and number:
            raise UsageError(f"device {wanted!r}: the number of a card is missing.", "e.g. cuda:0")
        if int(number or 0) >= cards:
            raise UsageError(f"There is no {wanted} here: torch sees {cards} CUDA devices.", "Use --device auto.")
        return f"cuda:{number or 0}"
    if kind == "mps" or (kind == "auto" and has_mps):
        if not has_mps:
            raise UsageError("There is no mps device here (Apple silicon).", "Use --device auto.")
        return "mps"
    return "cpu"


def choose_dtype(wanted: DType, device: str) -> str:
    """The number format: half the memory on cuda, float32 where half precision is slow (cpu) or unsafe (mps)."""
    if wanted != "auto":
        return wanted
    if not device.startswith("cuda"):
        return "float32"
    import torch

    return "bfloat16" if torch.cuda.is_bf16_supported() else "float16"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception of torch says that memory ran out, on any device."""
    import torch

    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and ("out of memory" in text or "can't allocate memory" in text)


def free_memory(device: str) -> None:
    """Give cached memory back, so that a smaller batch can have it."""
    import torch

    if device.startswith("cuda"):
        torch.cuda.empty_cache()
    elif device == "mps":
        torch.mps.empty_cache()


@contextmanager
def quiet() -> Iterator[None]:
    """Without transformers' reports and progress bars, which know nothing of our checks."""
    from transformers.utils import logging

    level, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bar:
            logging.enable_progress_bar()


def versions() -> dict[str, str]:
    """Versions that decide what a processor and a model do, without the last part: fixes change no vectors."""
    found: dict[str, Any] = {name: _version(name) for name in ("colpali-engine", "transformers")}
    return {name: ".".join(str(version).split(".")[:2]) for name, version in found.items()}


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
