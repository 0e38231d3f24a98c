"""Embedders: models that turn pages and queries into multivectors.

A new family plugs in here: its models' records in `models.MODELS`, its loader in `FAMILIES`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from vrag.embedders.base import Embedder
from vrag.embedders.models import BUILTIN, MODELS, ModelInfo, find_model
from vrag.grid import FloatArray

__all__ = ["FAMILIES", "MODELS", "ModelInfo", "find_model", "load_embedder", "model_mean"]

Loader = Callable[[ModelInfo, "int | None"], Embedder]


def load_embedder(name: str, threads: int | None = None) -> Embedder:
    """Load the model called `name`.

    Args:
        name: A model of `MODELS`.
        threads: CPU threads of one forward pass; None for one a CPU.

    Raises:
        UsageError: There is no such model.
        ModelError: It cannot be loaded.
    """
    info = find_model(name)
    return FAMILIES[info.family](info, threads)


def model_mean(name: str) -> FloatArray | None:
    """The mean vector [d] of the model called `name`, without loading the model; None when it has none."""
    from vrag.embedders.mean import load_mean

    return load_mean() if name == BUILTIN.name else None


def _load_minilm(info: ModelInfo, threads: int | None) -> Embedder:
    from vrag.embedders.builtin import BuiltinEmbedder

    return BuiltinEmbedder(threads)


FAMILIES: Mapping[str, Loader] = {"minilm": _load_minilm}
