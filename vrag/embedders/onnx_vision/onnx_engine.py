"""fastembed: imported late, asked for the inputs of a model, and never for its rows.

fastembed returns the rows of all of a page's tokens, prompt and padding too, and says of none where it lies. So its
session is replaced by a `_Tap` that takes down what the model would have been given; the forward pass is ours.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vrag.embedders.models import INSTALL as INSTALLS
from vrag.embedders.models import ONNX
from vrag.embedders.onnx_vision.onnx_families import OnnxFamily
from vrag.errors import ModelError, UsageError

INSTALL = INSTALLS[ONNX]
Inputs = Mapping[str, npt.NDArray[Any]]

_OUT_OF_MEMORY = ("allocate memory", "bad alloc", "bad_alloc", "out of memory", "alloc_failed")


@dataclass(frozen=True, slots=True)
class OnnxModel:
    """A model ready to run.

    Args:
        page_inputs: What the model is given for pictures.
        query_inputs: What it is given for one text.
        session: onnxruntime's.
        tokenizer: Of the `tokenizers` library, as fastembed set it up.
        specials: Ids of special tokens.
        device: "cpu" or "cuda:0".
    """

    page_inputs: Callable[[Sequence[Any]], Inputs]
    query_inputs: Callable[[str], Inputs]
    session: Any
    tokenizer: Any
    specials: frozenset[int]
    device: str

    def run(self, inputs: Inputs) -> npt.NDArray[np.float32]:
        """The rows of every token, float32 [b, length, d].

        Raises:
            MemoryError: Memory ran out.
            ModelError: The model cannot be run on them.
        """
        from onnxruntime.capi import onnxruntime_pybind11_state as runtime

        try:
            (rows, *_) = self.session.run(None, dict(inputs))
        except (runtime.Fail, runtime.RuntimeException, runtime.InvalidArgument, runtime.EPFail) as error:
            text = str(error)
            if any(sign in text.lower() for sign in _OUT_OF_MEMORY):
                raise MemoryError(text) from error
            raise ModelError(f"onnxruntime cannot run the model: {text.splitlines()[0][:300]}") from error
        vectors: npt.NDArray[np.float32] = np.asarray(rows, np.float32)
        return vectors


class _Tap:
    """Stands where fastembed expects its session, and keeps what it is given instead of running it.

    Each thread has its own: one may search while another ingests.
    """

    def __init__(self, session: Any) -> None:
        self.get_inputs = session.get_inputs
        self._given = threading.local()

    def run(self, names: Sequence[str] | None, inputs: dict[str, npt.NDArray[Any]]) -> list[npt.NDArray[np.float32]]:
        """Keep what the graph would have been given; the answer is nothing."""
        self._given.inputs = inputs
        return [np.zeros((len(inputs["input_ids"]), 1), np.float32)]

    def take(self, prepare: Callable[[Any], object], given: object) -> Inputs:
        """What `prepare` makes of the given for the graph."""
        prepare(given)
        taken: Inputs = self._given.inputs
        return taken


def import_fastembed() -> Any:
    """`fastembed.LateInteractionMultimodalEmbedding`.

    Raises:
        ModelError: fastembed is not installed, or does not work here.
    """
    try:
        from fastembed import LateInteractionMultimodalEmbedding
    except ImportError as error:
        reason = "which is not installed" if version() is None else f"which cannot be imported: {error}"
        raise ModelError(
            f"ONNX models of page pictures need fastembed, {reason}.", f"Install it with: {INSTALL}"
        ) from error
    return LateInteractionMultimodalEmbedding


def extra_problem() -> str:
    """Why no ONNX model can run here, in a few words; empty when they can."""
    return "" if version() else f"needs fastembed: {INSTALL}"


def load_onnx(family: OnnxFamily, folder: Path, device: str, threads: int | None) -> OnnxModel:
    """Load a checkpoint from its folder.

    Raises:
        ModelError: The extra is missing, or the checkpoint is damaged.
    """
    factory = import_fastembed()
    from onnxruntime.capi import onnxruntime_pybind11_state as runtime

    kind, _, number = device.partition(":")
    where = {"cuda": kind == "cuda", "device_id": int(number) if number else None}
    broken = (runtime.Fail, runtime.InvalidProtobuf, runtime.InvalidGraph, runtime.RuntimeException, runtime.NoSuchFile)
    try:
        # It warns of what its older versions did in batches; an index made with those is told by its fingerprint.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            loaded = factory(family.fastembed_name, specific_model_path=str(folder), threads=threads, **where).model
    except (*broken, OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)[:300]
        raise ModelError(
            f"{folder} cannot be loaded: {reason}", "The checkpoint may be damaged or not whole."
        ) from error
    session, loaded.model = loaded.model, (tap := _Tap(loaded.model))
    return OnnxModel(
        lambda pictures: tap.take(loaded.onnx_embed_image, list(pictures)),
        lambda text: tap.take(loaded.onnx_embed_text, [text]),
        session,
        loaded.tokenizer,
        frozenset(loaded.special_token_to_id.values()),
        device,
    )


def choose_device(wanted: str) -> str:
    """The device to run on: "cpu" or "cuda:N".

    Raises:
        UsageError: The one asked for is not there.
    """
    import onnxruntime

    kind, _, number = wanted.partition(":")
    has_cuda = "CUDAExecutionProvider" in onnxruntime.get_available_providers()
    if kind == "mps" or (number and not number.isdecimal()):
        raise UsageError(f"ONNX models do not run on {wanted!r}.", "Use --device auto, cpu, cuda or cuda:1.")
    if kind == "cuda" and not has_cuda:
        raise UsageError(
            f"There is no {wanted} here: this onnxruntime has no CUDA.",
            "Use --device auto, or install onnxruntime-gpu in the place of onnxruntime.",
        )
    return f"cuda:{number or 0}" if has_cuda and kind in ("auto", "cuda") else "cpu"


def version() -> str | None:
    """fastembed's version without its last part; None when it is not installed."""
    try:
        return ".".join(metadata.version("fastembed").split(".")[:2])
    except metadata.PackageNotFoundError:
        return None
