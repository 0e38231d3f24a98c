"""The image models that fastembed runs, as records: which of them a checkpoint is, by what its files say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from vrag.embedders.hub_files import CONFIG, Snapshot
from vrag.errors import ModelError

PREPROCESSOR, PROCESSOR, TOKENIZER = "preprocessor_config.json", "processor_config.json", "tokenizer.json"


class GraphLayout(Enum):
    """How a page becomes patches."""

    SQUARE = "stretched to a fixed size"
    TILES = "tiles in rows and columns, and the whole page once more"


@dataclass(frozen=True, slots=True)
class OnnxFamily:
    """Facts of a model that fastembed runs.

    Args:
        fastembed_name: By which fastembed knows it; also its hub id.
        model_file: The graph, as fastembed looks for it.
        kinds: `model_type` or `architectures` of checkpoints of this kind, in small letters.
        processor: `image_processor_type` of its preprocessor_config.json.
        layout: How patches lie on the page.
        pipeline: The pipeline used unless another is asked for.
    """

    fastembed_name: str
    model_file: str
    kinds: frozenset[str]
    processor: str
    layout: GraphLayout
    pipeline: str


FAMILIES: tuple[OnnxFamily, ...] = (
    OnnxFamily(
        "Qdrant/colpali-v1.3-fp16",
        "model.onnx",
        frozenset({"paligemma", "colpali", "colpaliforretrieval"}),
        "SiglipImageProcessor",
        GraphLayout.SQUARE,
        "colpali",
    ),
    OnnxFamily(
        "Qdrant/colmodernvbert",
        "model_v2.onnx",
        frozenset({"modernvbert", "colmodernvbert", "modernvbertforretrieval", "colmodernvbertforretrieval"}),
        "Idefics3ImageProcessor",
        GraphLayout.TILES,
        "colmodernvbert",
    ),
)


def find_onnx_family(snapshot: Snapshot) -> OnnxFamily:
    """The family of a checkpoint, from what its config and its processor's config say, never from its name.

    Raises:
        ModelError: Files are missing, or it is of no family known here.
    """
    config, pixels = snapshot.read_json(CONFIG), snapshot.read_json(PREPROCESSOR)
    if pixels is None or not (snapshot.folder / TOKENIZER).is_file():
        raise ModelError(
            f"{snapshot.name} lacks {PREPROCESSOR} or {TOKENIZER}: it is not a whole ONNX checkpoint.",
            "Copy or download all its files.",
        )
    named, processor = _kinds(config or {}), str(pixels.get("image_processor_type", "")).removesuffix("Fast")
    for family in FAMILIES:
        if processor == family.processor and (not named or named & family.kinds):
            return _with_graph(family, snapshot)
    raise ModelError(
        f"{snapshot.name} is of a kind that fastembed does not run ({', '.join(sorted(named)) or 'unnamed'}, "
        f"processor {processor!r}).",
        f"Known: {', '.join(family.fastembed_name for family in FAMILIES)} and copies of them.",
    )


def _kinds(config: Mapping[str, Any]) -> set[str]:
    """What a config calls its model, in small letters."""
    return {str(name).lower() for name in (config.get("model_type"), *(config.get("architectures") or [])) if name}


def _with_graph(family: OnnxFamily, snapshot: Snapshot) -> OnnxFamily:
    if not (snapshot.folder / family.model_file).is_file():
        raise ModelError(
            f"{snapshot.name} has no {family.model_file}, the graph that fastembed runs for "
            f"checkpoints such as {family.fastembed_name}.",
            "Download the checkpoint again, or export it under that name.",
        )
    return family
