"""`vrag models`: what can embed pages, and what of it runs on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from vrag.cli import output, tables

_UNKNOWN = "?"
_YES = {True: "yes", False: "no"}
_SPARE = ("v3", "languages", "v2", "v1", "vectors", "dim", "TFLOP")  # the last one goes first


def models(json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> int:
    """List known models and families: size, licence, published ViDoRe means, and whether they run here.

    Any other checkpoint of a family works too: vrag ingest --model FOLDER or ORG/NAME.

    Example: vrag models
    """
    from vrag.embedders.catalogue import known_families, known_models
    from vrag.embedders.fitness import this_machine

    machine = this_machine()
    found, families = known_models(machine), known_families(machine)
    if json:
        output.data({"models": found, "families": families})
        return 0
    tables.rows([_model(row) for row in found], as_json=False, spare=_SPARE)
    output.line("")
    tables.rows([_family(row) for row in families], as_json=False, spare=("page", "engine"))
    for problem in machine.missing.values():
        output.note(f"Models that do not run here: {problem}")
    output.note("Vectors and TFLOP are of an A4 page; v1, v2, v3: published means of ViDoRe (docs/reference/models.md)")
    return 0


def _model(row: Mapping[str, Any]) -> dict[str, str]:
    """A model's facts in few columns; what nobody says is a question mark."""
    facts = {
        "model": row["name"],
        "dim": row["dim"],
        "vectors": "by words" if row["languages"] else row["rows"],
        "MB": row["megabytes"],
        "TFLOP": None if row["teraflops"] is None else f"{row['teraflops']:.1f}",
        "licence": row["licence"],
        "languages": row["languages"] or "-",
        **{name: "-" if mean is None else mean for name, mean in zip(("v1", "v2", "v3"), row["vidore"], strict=True)},
        "runs here": row["how"] if row["runs_here"] else f"no: {row['how'].split(':')[0].removeprefix('needs ')}",
    }
    return {key: _UNKNOWN if value is None else str(value) for key, value in facts.items()}


def _family(row: Mapping[str, Any]) -> dict[str, str]:
    return {**{key: row[key] for key in ("family", "pipeline", "page", "engine")}, "runs here": _YES[row["runs_here"]]}
