"""The options that say where an index is, the same for every command."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vrag.cli import output
from vrag.cli.model_options import model_options
from vrag.errors import UsageError
from vrag.runtime.pathtext import quoted

if TYPE_CHECKING:
    from vrag.embedders.options import ModelOptions
    from vrag.remote.any_index import AnyIndex

LONGEST_S = 86_400  # seconds that an option can ask for: a day


def finite(value: float | None) -> float | None:
    """The value of an option; `nan` is in no range and yet passes its limits."""
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"{value} is not a finite number.")
    return value


def named_path(text: str) -> Path:
    """The path of an argument or option; an empty one, a variable that is not set, would be the current directory.

    Raises:
        UsageError: It is empty, or no file system can have it.
    """
    if not text:
        raise UsageError("A path is empty.", "Name a file or folder; . is the current directory.")
    try:
        os.fsencode(text)
    except UnicodeEncodeError as error:
        raise UsageError(f"{quoted(text)} cannot be a path: it has halves of characters.") from error
    return Path(text)


def check_writable(*files: Path | None) -> None:
    """Files that cannot be written are better known before the work.

    Raises:
        UsageError: One of them is a folder, or in none.
    """
    for file in filter(None, files):
        if file.is_dir() or not file.absolute().parent.is_dir():
            why = "it is a folder" if file.is_dir() else "there is no such folder"
            raise UsageError(f"{file} cannot be written: {why}.", "Name a file in a folder that is there.")


def open_index(
    index: Path | None,
    url: list[str] | None,
    collection: str | None,
    timeout: float | None,
    wait: float,
    force: bool = False,
    incomplete: bool = False,
    options: ModelOptions | None = None,
) -> AnyIndex:
    """The index that a command works on: asked of the service that has it open, else opened here.

    Args:
        index: Folder.
        url: A Qdrant server's address, or several of one cluster, or a service's.
        collection: On the server.
        timeout: Seconds a server has to answer.
        wait: Seconds to wait for another process that has the folder open.
        force: As of `Index.open`.
        incomplete: As of `Index.open`.
        options: How to run the model here.
    """
    from vrag.places.place import address_of, choose_place
    from vrag.remote.remote_index import RemoteIndex

    place = choose_place(index, url, collection, timeout, wait)
    served = RemoteIndex.find(place.folder) if place.folder else RemoteIndex.at(address_of(place, collection))
    if served is not None:  # before the engine is imported, which takes longer than the answer
        if options is not None and options != model_options():  # as they are when none is typed
            output.note("A service has the index open: it runs the model as it was told to.")
        return served
    if place.folder is None:
        from vrag.store.server.library import load_client

        load_client()
    from vrag.index import Index

    return Index.open(place, force, options=options, incomplete=incomplete)


def path_option(explained: str, *names: str, section: str | None = None) -> Any:
    """An option that is a path, and not an empty one."""
    return typer.Option(*names, parser=named_path, metavar="<path>", help=explained, rich_help_panel=section)


WHERE = "Where the index is"  # section of the help
IndexOption = Annotated[
    Path | None, path_option("Folder of the index; default: the nearest .vrag.", "--index", section=WHERE)
]
UrlOption = Annotated[
    list[str] | None,
    typer.Option(
        "--url",
        rich_help_panel=WHERE,
        help="Qdrant server, or service, instead of a folder; repeat it for more nodes of a cluster, or put commas "
        "between them. Also QDRANT_URL, QDRANT_API_KEY.",
    ),
]
CollectionOption = Annotated[
    str | None,
    typer.Option(
        "--collection", rich_help_panel=WHERE, help='Collection on the server; also VRAG_COLLECTION; default "vrag".'
    ),
]
TimeoutOption = Annotated[
    float | None,
    typer.Option(
        "--timeout",
        rich_help_panel=WHERE,
        min=0.1,
        max=LONGEST_S,
        callback=finite,
        help="Seconds a server has to answer; default 30.",
    ),
]
WAIT_S = 10.0  # longer than a search takes; who writes for longer is named
WaitOption = Annotated[
    float,
    typer.Option(
        "--wait",
        rich_help_panel=WHERE,
        min=0,
        max=LONGEST_S,
        callback=finite,
        help="Seconds to wait for another process that has the index open.",
    ),
]
