"""The families of colpali-engine 0.3.18 as records: which classes run a checkpoint, and how its patches lie."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from vrag.errors import ModelError

PROJECTIONS = frozenset(("custom_text_proj", "linear"))  # the layers that make a vision-language model late-interaction


class PatchLayout(Enum):
    """How a page becomes patches."""

    SQUARE = "stretched to a fixed size"
    DYNAMIC = "any height and width, patches merged in squares"
    TILES = "tiles in rows and columns, and the whole page once more"


@dataclass(frozen=True, slots=True)
class Family:
    """Facts of a model family.

    Args:
        model_type: `model_type` of the checkpoint's config (of the base's, for an adapter).
        model_class: Class of `colpali_engine.models`, as it stands in `architectures`.
        processor_class: Its processor.
        layout: How patches lie on the page.
        pipeline: The pipeline used unless another is asked for.
        dense: One vector a page instead of one a patch.
    """

    model_type: str
    model_class: str
    processor_class: str
    layout: PatchLayout
    pipeline: str
    dense: bool = False


def _late(model_type: str, name: str, processor: str, layout: PatchLayout, pipeline: str) -> Family:
    return Family(model_type, name, processor, layout, pipeline)


def _dense(model_type: str, name: str, processor: str, layout: PatchLayout) -> Family:
    return Family(model_type, name, processor, layout, "dense", dense=True)


FAMILIES: tuple[Family, ...] = (
    _late("paligemma", "ColPali", "ColPaliProcessor", PatchLayout.SQUARE, "colpali"),
    _late("gemma3", "ColGemma3", "ColGemmaProcessor3", PatchLayout.SQUARE, "colgemma3"),
    _late("idefics3", "ColIdefics3", "ColIdefics3Processor", PatchLayout.TILES, "colidefics3"),
    _late("modernvbert", "ColModernVBert", "ColModernVBertProcessor", PatchLayout.TILES, "colmodernvbert"),
    _late("qwen2_vl", "ColQwen2", "ColQwen2Processor", PatchLayout.DYNAMIC, "colqwen2"),
    _late("qwen2_5_vl", "ColQwen2_5", "ColQwen2_5_Processor", PatchLayout.DYNAMIC, "colqwen2_5"),
    _late("qwen3_vl", "ColQwen3", "ColQwen3Processor", PatchLayout.DYNAMIC, "colqwen3"),
    _late("qwen3_5", "ColQwen3_5", "ColQwen3_5Processor", PatchLayout.DYNAMIC, "colqwen3_5"),
    _late("qwen2_5_omni_thinker", "ColQwen2_5Omni", "ColQwen2_5OmniProcessor", PatchLayout.DYNAMIC, "colqwen_omni"),
    # BiPaliProcessor is ColPaliProcessor with another constructor, which transformers cannot save or load.
    _dense("paligemma", "BiPali", "ColPaliProcessor", PatchLayout.SQUARE),
    _dense("paligemma", "BiPaliProj", "ColPaliProcessor", PatchLayout.SQUARE),
    _dense("gemma3", "BiGemma3", "BiGemmaProcessor3", PatchLayout.SQUARE),
    _dense("idefics3", "BiIdefics3", "BiIdefics3Processor", PatchLayout.TILES),
    _dense("modernvbert", "BiModernVBert", "BiModernVBertProcessor", PatchLayout.TILES),
    _dense("qwen2_vl", "BiQwen2", "BiQwen2Processor", PatchLayout.DYNAMIC),
    _dense("qwen2_5_vl", "BiQwen2_5", "BiQwen2_5_Processor", PatchLayout.DYNAMIC),
    _dense("qwen3_vl", "BiQwen3", "BiQwen3Processor", PatchLayout.DYNAMIC),
    _dense("qwen3_5", "BiQwen3_5", "BiQwen3_5Processor", PatchLayout.DYNAMIC),
)


def find_family(
    config: Mapping[str, Any], adapter: Mapping[str, Any] | None, weights: Collection[str], where: str
) -> Family:
    """The family of a checkpoint, from what it says of itself and never from its name.

    The class named by the adapter's or the model's config decides. Where only a plain vision-language model is
    named, its type decides, and whether there are weights of a projection: with one it is a late-interaction
    model, without one a dense model.

    Args:
        config: The model's config.json (the base's, for an adapter).
        adapter: adapter_config.json, None when the checkpoint is no adapter.
        weights: Names of the checkpoint's own weights.
        where: The checkpoint, for the error.

    Raises:
        ModelError: It is of no family known here.
    """
    mapping = (adapter or {}).get("auto_mapping") or {}
    named = [mapping.get("base_model_class"), *(config.get("architectures") or [])]
    for name in named:
        found = [family for family in FAMILIES if family.model_class == name]
        if found:
            return found[0]
    model_type = _model_type(config)
    dense = PROJECTIONS.isdisjoint(part for name in weights for part in name.split("."))
    for family in FAMILIES:
        if family.model_type == model_type and family.dense == dense:
            return family
    raise ModelError(
        f"{where} is of a kind that colpali-engine does not know (model_type {model_type!r}, "
        f"architectures {[name for name in named if name]}).",
        f"Known: {', '.join(family.model_class for family in FAMILIES)}. "
        "Checkpoints for transformers itself (their names end in -hf) have a sibling for colpali-engine.",
    )


def _model_type(config: Mapping[str, Any]) -> str | None:
    """The model type; a whole Qwen-Omni holds the part that embeds under `thinker_config`."""
    thinker = config.get("thinker_config")
    found = thinker.get("model_type", "qwen2_5_omni_thinker") if thinker else config.get("model_type")
    return None if found is None else str(found)
