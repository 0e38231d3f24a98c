"""Models and families as rows for people and programs: what there is, and what runs on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from vrag.embedders.colpali.torch_families import FAMILIES
from vrag.embedders.fitness import Equipment, fitness
from vrag.embedders.models import COLPALI, MODELS, ONNX
from vrag.embedders.onnx_vision.onnx_families import FAMILIES as ONNX_FAMILIES

Row = Mapping[str, Any]


def known_models(machine: Equipment) -> list[Row]:
    """The facts of every known model, and whether and where it runs."""
    rows: list[Row] = []
    for model in MODELS:
        fit = fitness(model, machine)
        facts = {**asdict(model), "needs": model.needs, "page_bytes": model.page_bytes}
        rows.append({**facts, "teraflops": model.teraflops, "runs_here": fit.runs, "how": fit.how})
    return rows


def known_families(machine: Equipment) -> list[Row]:
    """Every kind of checkpoint that can be named by a folder or hub id: classes, patches, pipeline, what runs it."""
    torch = [
        {
            "family": family.model_class,
            "engine": "colpali-engine",
            "page": "one vector" if family.dense else family.layout.value,
            "pipeline": family.pipeline,
            "recipe": family.pipeline,  # what the key was called before
            "runs_here": COLPALI not in machine.missing,
        }
        for family in FAMILIES
    ]
    onnx = [
        {
            "family": f"{family.fastembed_name} (ONNX)",
            "engine": "fastembed",
            "page": family.layout.value,
            "pipeline": family.pipeline,
            "recipe": family.pipeline,  # what the key was called before
            "runs_here": ONNX not in machine.missing,
        }
        for family in ONNX_FAMILIES
    ]
    return [*torch, *onnx]
