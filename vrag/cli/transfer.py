"""`vrag push`, `pull` and `snapshot`: copies of an index."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vrag.cli import output
from vrag.cli.help import HelpfulCommand, HelpfulGroup
from vrag.cli.place import WAIT_S, CollectionOption, IndexOption, TimeoutOption, UrlOption, WaitOption
from vrag.cli.progress import copy_bar
from vrag.errors import UsageError
from vrag.runtime.units import counted, size
from vrag.settings import find_index, index_for_writing

if TYPE_CHECKING:
    from vrag.upkeep.transfer import TransferReport

JsonOption = Annotated[bool, typer.Option("--json", help="Print the report as JSON.")]
FileArgument = Annotated[Path, typer.Argument(help="The snapshot, e.g. index.tar.gz.")]

snapshot = typer.Typer(
    name="snapshot",
    help="Keep an embedded index in one file.",
    no_args_is_help=True,
    cls=HelpfulGroup,
    rich_markup_mode=None,
)


def push(
    index: IndexOption = None,
    url: UrlOption = None,
    collection: CollectionOption = None,
    timeout: TimeoutOption = None,
    wait: WaitOption = WAIT_S,
    shards: Annotated[int | None, typer.Option(min=1, help="For a new collection; default: the pipeline's.")] = None,
    replication: Annotated[
        int | None, typer.Option(min=1, help="For a new collection; default: the pipeline's.")
    ] = None,
    json: JsonOption = False,
) -> int:
    """Copy an embedded index to a Qdrant server, without embedding anything again. An interrupted copy goes on.

    Example: vrag push --index ./my-index --url http://localhost:6333
    """
    from dataclasses import replace

    from vrag.places.place import FolderPlace, choose_place

    source = FolderPlace(find_index(index), wait)
    facts, layout = source.facts(), None
    if shards or replication:
        own = facts.to_pipeline(source.name).server
        layout = replace(own, shards=shards or own.shards, replication=replication or own.replication)
    _copy(source, choose_place(url=url, collection=collection, timeout=timeout, server=True), json, layout)
    return 0


def pull(
    index: IndexOption = None,
    url: UrlOption = None,
    collection: CollectionOption = None,
    timeout: TimeoutOption = None,
    wait: WaitOption = WAIT_S,
    json: JsonOption = False,
) -> int:
    """Copy an index from a Qdrant server into a folder, without embedding anything again. An interrupted copy goes on.

    Example: vrag pull --url http://localhost:6333 --index ./my-copy
    """
    from vrag.places.place import FolderPlace, choose_place

    source = choose_place(url=url, collection=collection, timeout=timeout, server=True)
    _copy(source, FolderPlace(index_for_writing(index), wait), json)
    return 0


@snapshot.command("create", cls=HelpfulCommand)
def create(
    file: FileArgument,
    index: IndexOption = None,
    url: UrlOption = None,
    collection: CollectionOption = None,
    wait: WaitOption = WAIT_S,
    json: JsonOption = False,
) -> int:
    """Write an index in a folder to one file. Pull an index on a server first, or use the server's own snapshots.

    Example: vrag snapshot create backup.tar.gz --index ./my-index
    """
    from vrag.places.place import choose_place
    from vrag.upkeep.snapshot import create_snapshot

    place = choose_place(index, url, collection)
    if place.folder is None:
        raise UsageError(
            "A snapshot is of an index in a folder, and this one is on a server.",
            "vrag pull copies it into a folder; the server has snapshots of its own as well.",
        )
    report = create_snapshot(place.folder, file, wait)
    _print(report, json, f"{report.index} is in {report.snapshot}: {size(report.bytes)}.")
    return 0


@snapshot.command("restore", cls=HelpfulCommand)
def restore(file: FileArgument, index: IndexOption = None, json: JsonOption = False) -> int:
    """Make an index from a snapshot, in a new or empty folder.

    Example: vrag snapshot restore backup.tar.gz --index ./restored
    """
    from vrag.upkeep.snapshot import restore_snapshot

    report = restore_snapshot(file, index_for_writing(index))
    files = counted(report.files, "file")
    _print(report, json, f"{report.snapshot} is in {report.index}: {files}, every checksum right.")
    return 0


def _copy(source: Any, target: Any, json: bool, layout: Any = None) -> None:
    from vrag.upkeep.transfer import transfer

    with copy_bar("Copying") as bar:
        report: TransferReport = transfer(source, target, bar, layout)
    extra = f" The target has {counted(report.extra, 'more page')}." if report.extra else ""
    _print(
        report,
        json,
        f"{counted(report.pages, 'page')} from {report.source}, now at {report.target}: "
        f"{counted(report.copied, 'record')} copied, {report.unchanged} were there. "
        f"Checksum of all vectors: {report.checksum[:16]}.{extra}",
    )


def _print(report: Any, json: bool, text: str) -> None:
    if json:
        output.data(asdict(report))
    else:
        output.line(text)
