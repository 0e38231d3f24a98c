"""`vrag watch`: an index that follows a folder."""

from __future__ import annotations

import contextlib
import math
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vrag.cli import output
from vrag.cli.ingest import say_what_is_left_out
from vrag.cli.place import (
    LONGEST_S,
    WHERE,
    CollectionOption,
    TimeoutOption,
    UrlOption,
    finite,
    named_path,
    path_option,
)
from vrag.errors import IndexExistsError, UsageError
from vrag.runtime.pathtext import shown
from vrag.runtime.units import counted

if TYPE_CHECKING:
    from vrag.places.place import Place
    from vrag.remote.any_index import AnyIndex


def watch(
    folder: Annotated[Path, typer.Argument(parser=named_path, help="Folder to watch, with its sub-folders.")],
    index: Annotated[
        Path | None, path_option("Folder of the index; default: the nearest .vrag, else a new one.", section=WHERE)
    ] = None,
    interval: Annotated[
        float, typer.Option(min=0.1, max=LONGEST_S, callback=finite, help="Seconds between two looks at the folder.")
    ] = 2.0,
    prune: Annotated[bool, typer.Option(help="Remove documents whose files are gone.")] = True,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes that read pages.")] = None,
    url: UrlOption = None,
    collection: CollectionOption = None,
    timeout: TimeoutOption = None,
) -> int:
    """Keep an index up to date with a folder, until Ctrl-C: index what is new or changed, remove what is gone.

    Between changes the index is closed, so other commands can search it. (On a Qdrant server they always can.)

    Example: vrag watch ./pdfs --index ./my-index
    """
    from vrag.ingest.watch import watch as changes
    from vrag.places.place import choose_place

    if not folder.is_dir():
        raise UsageError(f"There is no folder {shown(str(folder))}.", "Name a folder to watch.")

    where = url, collection, timeout, math.inf, True
    chosen = choose_place(index, *where).folder  # the nearest .vrag now, whatever is made meanwhile
    place = partial(choose_place, chosen, *where)  # anew each time: a connection is closed with the index
    output.note(f"Watching {folder}; Ctrl-C ends it.")
    for change in changes(folder.absolute(), lambda: time.sleep(interval)):
        if change.files or place().holds_index():
            _bring_up_to_date(place(), folder.absolute(), workers, prune)
    return 0


def _bring_up_to_date(place: Place, folder: Path, workers: int | None, prune: bool) -> None:
    """Once the index is free: whoever searches just then is waited for."""
    from vrag.ingest.ingest_options import IngestOptions

    with _opened(place) as opened:
        report = opened.ingest([folder], workers=workers, options=IngestOptions(may_be_empty=True))
        removed = opened.forget(opened.gone([folder])) if prune else 0
    added, gone = counted(report.added, "page"), counted(removed, "document")
    output.line(f"{time.strftime('%H:%M:%S')} {added} added, {report.unchanged} known, {gone} removed.")
    say_what_is_left_out(report)
    for failure in report.failed:
        place_of = failure.path if failure.page is None else f"{failure.path}, page {failure.page}"
        output.note(f"Failed: {place_of}: {failure.reason}")


def _opened(place: Place) -> AnyIndex:
    from vrag.index import Index

    if not place.holds_index():
        with contextlib.suppress(IndexExistsError):  # another process has made it meanwhile
            return Index.create(place)
    return Index.open(place, wait=math.inf)
