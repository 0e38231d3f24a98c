"""Where colpali-engine 0.3.18 and today's transformers have drifted apart, and what puts it right."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

_OMNI = "ColQwen2_5Omni"


def repaired_class(engine: ModuleType, name: str) -> Any:
    """The model class `name` of colpali-engine, fit to be made by the transformers at hand.

    ColQwen2_5Omni turns `spatial_merge_size` into a property of a vision tower that transformers makes only after
    it sets this attribute, so that no such model can be made; here it is an ordinary attribute again.
    """
    kind = getattr(engine, name)
    return type(name, (kind,), {"spatial_merge_size": None}) if name == _OMNI else kind


def prepared_config(kind: Any, folder: Path) -> Any:
    """The config of a checkpoint, with what the model class looks for in its old place."""
    config = kind.config_class.from_pretrained(folder)
    return with_old_places(config) if kind.__name__ == _OMNI else config


def with_old_places(config: Any) -> Any:
    """A Qwen-Omni config with the text model's width where ColQwen2_5Omni reads it."""
    if not hasattr(config, "hidden_size"):
        config.hidden_size = config.text_config.hidden_size
    return config


def without_logits(model: Any) -> Any:
    """The model without the layer that predicts words: embedding needs none, and ColPali's is never loaded."""
    import torch

    inner = getattr(model, "model", None)
    if inner is not None and hasattr(inner, "lm_head"):
        inner.lm_head = torch.nn.Identity()
    return model
