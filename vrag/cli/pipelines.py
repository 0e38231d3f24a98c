"""`vrag pipelines`: the pipelines there are, and what one of them says."""

from __future__ import annotations

from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vrag.cli import output, tables
from vrag.cli.completion import complete_pipelines
from vrag.cli.help import HelpfulCommand, HelpfulGroup
from vrag.cli.info import JsonOption
from vrag.runtime.parsing import read_text

if TYPE_CHECKING:
    from vrag.pipeline.pipeline import Pipeline

app = typer.Typer(invoke_without_command=True, cls=HelpfulGroup, rich_markup_mode=None)


@app.callback()
def pipelines(context: typer.Context, json: JsonOption = False) -> int:
    """List the pipelines that come with vrag: how pages become vectors, and how they are searched.

    Example: vrag pipelines
    """
    if context.invoked_subcommand is None:
        from vrag.pipeline.pipeline import list_pipelines

        rows = [_summary(pipeline) for pipeline in list_pipelines()]
        people = rows if json else [{**row, "cascades": ", ".join(row["cascades"])} for row in rows]
        tables.rows(people, json, spare=("model", "default_cascade", "cascades"))
        if not json:
            output.note("vrag pipelines show NAME prints one of them.")
    return 0


@app.command("show", cls=HelpfulCommand)
def show(
    name: Annotated[str, typer.Argument(autocompletion=complete_pipelines, help="Pipeline by name, or a TOML file.")],
    json: JsonOption = False,
) -> int:
    """Print a pipeline as TOML: a file to start your own from.

    Example: vrag pipelines show builtin > mine.toml
    """
    from vrag.pipeline.pipeline import load_pipeline, pipeline_file

    pipeline = load_pipeline(name)
    if json:
        output.data(_as_json(pipeline))
    else:
        output.text(read_text(pipeline_file(name)))
    return 0


def _summary(pipeline: Pipeline) -> dict[str, Any]:
    keys = ("name", "description", "model", "default_cascade")
    return {**{key: getattr(pipeline, key) for key in keys}, "cascades": dict(pipeline.cascades)}


def _as_json(pipeline: Pipeline) -> dict[str, Any]:
    page = {key: asdict(value) if is_dataclass(value) else value for key, value in pipeline.page.items()}  # type: ignore[arg-type]
    return {**_summary(pipeline), "page": page, "vectors": [asdict(spec) for spec in pipeline.vectors]}
