"""What is known of each model without loading it."""

from __future__ import annotations

from dataclasses import dataclass

from vrag.errors import UsageError


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """Facts of a model, readable without its weights.

    Args:
        name: As the user types it.
        family: Key of `vrag.embedders.FAMILIES`: which code runs it.
        dim: Dimension of its vectors.
        licence: SPDX id of the weights' licence.
        megabytes: Size of the weights.
        source: Where the weights come from.
        needs: What to install beyond vrag itself; empty for nothing.
    """

    name: str
    family: str
    dim: int
    licence: str
    megabytes: int
    source: str
    needs: str = ""


BUILTIN = ModelInfo("builtin", "minilm", 384, "Apache-2.0", 91, "sentence-transformers/all-MiniLM-L6-v2")
MODELS: tuple[ModelInfo, ...] = (BUILTIN,)


def find_model(name: str) -> ModelInfo:
    """The record of the model called `name`.

    Raises:
        UsageError: There is none; lists those there are.
    """
    for model in MODELS:
        if model.name == name:
            return model
    raise UsageError(f"Unknown model {name!r}.", f"Known models: {', '.join(model.name for model in MODELS)}.")
