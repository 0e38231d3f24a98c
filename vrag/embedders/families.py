"""Embedders: models that turn pages and queries into multivectors.

A known model has a record in `models.MODELS`; any other folder or hub id is a checkpoint whose files say what runs
it: safetensors are for colpali-engine, a graph in ONNX without them for fastembed. What runs a kind of model plugs
in at `FAMILIES`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from vrag.embedders.hub_files import canonical_name, find_snapshot, is_folder, is_hub_id
from vrag.embedders.models import (
    BUILTIN,
    COLPALI,
    E5,
    MINILM,
    MODELS,
    MULTILINGUAL,
    ONNX,
    ModelInfo,
    find_model,
    unknown_model,
)
from vrag.embedders.options import ModelOptions

if TYPE_CHECKING:
    from vrag.embedders.protocol import Embedder
    from vrag.grid import FloatArray

__all__ = [
    "FAMILIES",
    "MODELS",
    "ModelInfo",
    "ModelOptions",
    "canonical_name",
    "default_pipeline",
    "find_model",
    "load_embedder",
    "model_mean",
]


@dataclass(frozen=True, slots=True)
class Backend:
    """What runs a kind of model.

    Args:
        load: Loads the model of a name.
        pipeline: The pipeline that fits the model of a name, told without loading it.
    """

    load: Callable[[str, ModelOptions], Embedder]
    pipeline: Callable[[str, ModelOptions], str]


def load_embedder(name: str, threads: int | None = None, options: ModelOptions | None = None) -> Embedder:
    """Load a model.

    Args:
        name: A model of `MODELS`, a folder with a checkpoint, or a hub id.
        threads: CPU threads of one forward pass; None for what the options say.
        options: How to run it.

    Raises:
        UsageError: There is no such model or device.
        ModelError: It cannot be loaded.
    """
    chosen = options or ModelOptions()
    if threads is not None:
        chosen = replace(chosen, threads=threads)
    return FAMILIES[_family(name, chosen)].load(name, chosen)


def default_pipeline(name: str, options: ModelOptions | None = None) -> str:
    """Name of the pipeline that fits a model, which is not loaded (though a hub checkpoint is fetched).

    Raises:
        UsageError: There is no such model.
        ModelError: It cannot be fetched, or is of an unknown kind.
    """
    chosen = options or ModelOptions()
    return FAMILIES[_family(name, chosen)].pipeline(name, chosen)


def model_mean(name: str) -> FloatArray | None:
    """The mean vector [d] of the model called `name`, without loading the model; None when it has none."""
    from vrag.embedders.mean import load_mean

    if name == MULTILINGUAL.name:
        return np.zeros(MULTILINGUAL.dim or 0, np.float32)
    return load_mean() if name == BUILTIN.name else None


def _family(name: str, options: ModelOptions) -> str:
    """Key of `FAMILIES` for a model's name."""
    for model in MODELS:
        if model.name == name:
            return model.family
    if not (is_folder(name) or is_hub_id(name)):
        raise unknown_model(name)
    snapshot = find_snapshot(name, options.revision, may_fetch=options.may_fetch(name))
    # Of a hub checkpoint the graphs were not fetched: what has no weights for torch must have them.
    is_onnx = not snapshot.has_safetensors and (snapshot.has_graphs or not is_folder(name))
    return ONNX if is_onnx else COLPALI


def _load_minilm(name: str, options: ModelOptions) -> Embedder:
    from vrag.embedders.builtin import BuiltinEmbedder

    return BuiltinEmbedder(options)


def _load_e5(name: str, options: ModelOptions) -> Embedder:
    from vrag.embedders.multilingual.multilingual_embedder import MultilingualEmbedder

    return MultilingualEmbedder(options.threads)


def _load_colpali(name: str, options: ModelOptions) -> Embedder:
    from vrag.embedders.colpali.torch_embedder import ColpaliEmbedder

    return ColpaliEmbedder.load(name, options)


def _colpali_pipeline(name: str, options: ModelOptions) -> str:
    from vrag.embedders.colpali.loading import find_checkpoint

    return find_checkpoint(name, options).family.pipeline


def _load_onnx(name: str, options: ModelOptions) -> Embedder:
    from vrag.embedders.onnx_vision.onnx_embedder import OnnxEmbedder

    return OnnxEmbedder.load(name, options)


def _onnx_pipeline(name: str, options: ModelOptions) -> str:
    from vrag.embedders.onnx_vision.onnx_embedder import find_onnx

    return find_onnx(name, options)[1].pipeline


FAMILIES: Mapping[str, Backend] = {
    MINILM: Backend(_load_minilm, lambda name, options: "builtin"),
    E5: Backend(_load_e5, lambda name, options: "multilingual"),
    COLPALI: Backend(_load_colpali, _colpali_pipeline),
    ONNX: Backend(_load_onnx, _onnx_pipeline),
}
