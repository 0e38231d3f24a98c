"""What is known of each model without loading it."""

from __future__ import annotations

from dataclasses import dataclass

from vrag.errors import UsageError

MINILM, COLPALI, FASTEMBED = "minilm", "colpali", "fastembed"  # keys of `vrag.embedders.FAMILIES`
_TORCH, _ONNX = 'pip install "vrag-toolkit[colpali]"', 'pip install "vrag-toolkit[onnx]"'


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """Facts of a model, readable without its weights.

    Args:
        name: As the user types it.
        family: Key of `vrag.embedders.FAMILIES`: which code runs it.
        dim: Dimension of its vectors.
        licence: SPDX id of the weights' licence, or the licence's name.
        megabytes: Size of the weights.
        source: Where the weights come from.
        needs: What to install beyond vrag itself; empty for nothing.
        rows: Vectors of an A4 page in portrait; None where they depend on its words.
        vidore: Published means of NDCG in percent: @5 over ViDoRe v1, @5 over v2, @10 over the 8 public tasks
            of v3; None where a task's result is not published. Source: the public results of mteb.
    """

    name: str
    family: str
    dim: int
    licence: str
    megabytes: int
    source: str
    needs: str = ""
    rows: int | None = None
    vidore: tuple[float | None, float | None, float | None] = (None, None, None)


def _hub(name: str, rows: int, licence: str, megabytes: int, *vidore: float | None, dim: int = 128) -> ModelInfo:
    v1, v2, v3 = vidore
    return ModelInfo(name, COLPALI, dim, licence, megabytes, name, _TORCH, rows, (v1, v2, v3))


def _onnx(name: str, rows: int, licence: str, megabytes: int) -> ModelInfo:
    return ModelInfo(name, FASTEMBED, 128, licence, megabytes, name, _ONNX, rows)


BUILTIN = ModelInfo("builtin", MINILM, 384, "Apache-2.0", 91, "sentence-transformers/all-MiniLM-L6-v2")
MODELS: tuple[ModelInfo, ...] = (
    BUILTIN,
    _hub("vidore/colSmol-256M", 832, "Apache-2.0", 1030, 79.7, 34.8, 20.7),
    _hub("vidore/colSmol-500M", 832, "Apache-2.0", 2030, 82.5, 42.9, None),
    _hub("ModernVBERT/colmodernvbert", 832, "MIT", 1010, None, None, 26.1),
    _hub("vidore/colpali-v1.2", 1024, "Gemma", 5850, 83.2, 52.3, None),
    _hub("vidore/colpali-v1.3", 1024, "Gemma", 5850, 84.8, 54.7, 43.0),
    _hub("vidore/colqwen2-v1.0", 736, "Apache-2.0", 4420, 89.2, 56.0, 44.2),
    _hub("vidore/colqwen2.5-v0.2", 736, "MIT", 7510, 89.5, 60.1, 52.4),
    _hub("nomic-ai/colnomic-embed-multimodal-3b", 736, "Qwen Research", 7510, 89.9, 55.7, 56.4),
    _hub("nomic-ai/colnomic-embed-multimodal-7b", 736, "Apache-2.0", 16600, 89.7, 60.2, 57.6),
)


def find_model(name: str) -> ModelInfo:
    """The record of the model called `name`.

    Raises:
        UsageError: There is none; lists those there are.
    """
    for model in MODELS:
        if model.name == name:
            return model
    raise unknown_model(name)


def unknown_model(name: str) -> UsageError:
    """The error for a name that is no model's."""
    return UsageError(
        f"Unknown model {name!r}: it is neither a folder nor a hub id (ORG/NAME) nor one of the known models.",
        f"Known models: {', '.join(model.name for model in MODELS)}.",
    )
