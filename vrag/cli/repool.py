"""`vrag repool`: other pooled vectors for an index, without the model."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from vrag.cli import output
from vrag.cli.info import JsonOption
from vrag.settings import find_index

if TYPE_CHECKING:
    from vrag.repool import RepoolReport


def repool(
    pipeline: Annotated[str, typer.Option(help="Recipe by name or TOML file, see: vrag pipelines.")],
    index: Annotated[Path | None, typer.Option(help="Folder of the index; default: the nearest .vrag.")] = None,
    json: JsonOption = False,
) -> int:
    """Pool the pages of an index as another recipe says; nothing is read or embedded again.

    The index stays as it is until everything is done; an interrupted run goes on where it stopped.

    Example: vrag repool --pipeline mine.toml --index ./my-index
    """
    from vrag.repool import repool as run

    folder = find_index(index)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    try:
        with Progress(*columns, TimeRemainingColumn(), console=output.stderr, transient=True) as bar:
            task = bar.add_task("Pooling pages", total=None)
            report = run(folder, pipeline, lambda done, total: bar.update(task, completed=done, total=total))
    except KeyboardInterrupt:
        output.note("Interrupted: the index is as it was. The same command goes on from there.")
        raise
    if json:
        output.data({**asdict(report), "seconds": round(report.seconds, 3)})
    else:
        _print_report(report)
    return 0


def _print_report(report: RepoolReport) -> None:
    output.stdout.print(
        f"{escape(report.index)} has the recipe {escape(report.pipeline)} now: "
        f"{report.pooled} pages pooled ({report.seconds:.1f} s)",
        soft_wrap=True,
    )
