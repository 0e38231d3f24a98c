"""Embedders: models that turn pages and queries into multivectors.

A new family plugs in here: its models' records in `models.MODELS`, its loader in `FAMILIES`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from vrag.embedders.base import Embedder
from vrag.embedders.models import MODELS, ModelInfo, find_model

__all__ = ["FAMILIES", "MODELS", "ModelInfo", "find_model", "load_embedder"]

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


def _load_minilm(info: ModelInfo, threads: int | None) -> Embedder:
    from vrag.embedders.builtin import BuiltinEmbedder

    return BuiltinEmbedder(threads)


FAMILIES: Mapping[str, Loader] = {"minilm": _load_minilm}
