"""`vrag repool`: other pooled vectors for an index, without the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from vrag.cli import output
from vrag.cli.completion import complete_pipelines
from vrag.cli.info import JsonOption
from vrag.cli.place import WAIT_S, CollectionOption, IndexOption, TimeoutOption, UrlOption, WaitOption
from vrag.cli.progress import copy_bar
from vrag.errors import UsageError
from vrag.runtime.units import counted
from vrag.store.server.address import collection_name

if TYPE_CHECKING:
    from vrag.places.place import Place
    from vrag.upkeep.copying import CopyProgress
    from vrag.upkeep.repool import RepoolReport


def repool(
    pipeline: Annotated[
        str, typer.Option(autocompletion=complete_pipelines, help="Pipeline by name or TOML file, see: vrag pipelines.")
    ],
    index: IndexOption = None,
    into: Annotated[
        str | None,
        typer.Option(help="Make a second index instead: a folder or, with --url, a collection; a server needs it."),
    ] = None,
    url: UrlOption = None,
    collection: CollectionOption = None,
    timeout: TimeoutOption = None,
    wait: WaitOption = WAIT_S,
    json: JsonOption = False,
) -> int:
    """Pool the pages of an index again, as another pipeline says. No file is read, nothing is embedded.

    The index stays as it is until everything is done. An interrupted run goes on where it stopped.

    Example: vrag repool --pipeline mine.toml --index ./my-index
    """
    from vrag.places.place import FolderPlace, ServerPlace, choose_place
    from vrag.remote.remote_index import RemoteIndex, served_or
    from vrag.upkeep.repool import repool as run
    from vrag.upkeep.repool import repool_into

    source = choose_place(index, url, collection, timeout, wait)

    def pool(progress: CopyProgress) -> RepoolReport:
        if into is not None:
            target: Place = FolderPlace(into, wait)
            if isinstance(source, ServerPlace):
                target = ServerPlace(source.server, collection_name(into))
            return repool_into(source, target, pipeline, progress)
        if source.folder is None:
            raise UsageError("On a server the pages go into a second collection.", "Name it with --into.")
        folder = source.folder
        done = served_or(source, wait, lambda: run(folder, pipeline, progress, wait))
        return done.repool(pipeline, progress) if isinstance(done, RemoteIndex) else done

    try:
        with copy_bar("Pooling pages") as bar:
            report = pool(bar)
    except KeyboardInterrupt:
        output.note("Interrupted: the index is as it was. The same command goes on from there.")
        raise
    if json:
        output.data(report.to_json())
    else:
        _print_report(report)
    return 0


def _print_report(report: RepoolReport) -> None:
    pages = counted(report.pooled, "page")
    output.line(
        f"{report.index} has the pipeline {report.pipeline} now: {pages} pooled ({report.seconds:.1f} s)",
    )
