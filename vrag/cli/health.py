"""`vrag status`, `verify` and `compact`: how an index is, and what can be done for it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vrag.cli import output, tables
from vrag.cli.at_once import at_once
from vrag.cli.documents import JsonOption
from vrag.cli.place import WAIT_S, CollectionOption, IndexOption, TimeoutOption, UrlOption, WaitOption, open_index
from vrag.cli.server_lines import server_facts, warn_of_server
from vrag.runtime.units import counted, size

if TYPE_CHECKING:
    from vrag.store.server.state import ServerState


@at_once()
def status(
    index: IndexOption = None,
    url: UrlOption = None,
    collection: CollectionOption = None,
    timeout: TimeoutOption = None,
    wait: WaitOption = WAIT_S,
    failed: Annotated[bool, typer.Option("--failed", help="List what could not be indexed, and why.")] = False,
    json: JsonOption = False,
) -> int:
    """Show how many documents and pages there are, what is unfinished and what failed.

    Example: vrag status --failed
    """
    with open_index(index, url, collection, timeout, wait, force=True) as opened:
        output.warn_of_loss(opened.lost)
        documents = opened.documents.all()
        failures = opened.failures()
        state = opened.server_state()
        facts: dict[str, Any] = {
            "index": opened.place.name,
            "documents": sum(d.state == "current" for d in documents),
            "pages": opened.page_count,
            "partial": sum(not d.complete and d.state == "current" for d in documents),
            "arriving": sum(d.state != "current" for d in documents),
            "failed_files": sum(f.page is None for f in failures),
            "failed_pages": sum(f.page is not None for f in failures),
            "bytes": opened.disk_bytes if state is None else None,
            "server": state and state.to_json(),
        }
    rows = [asdict(failure) for failure in failures]
    if failed:
        tables.rows(rows, json)
    elif json:
        output.data(facts)
    else:
        _print_status(facts, state)
    return 0


def verify(
    index: IndexOption = None,
    url: UrlOption = None,
    collection: CollectionOption = None,
    timeout: TimeoutOption = None,
    wait: WaitOption = WAIT_S,
    repair: Annotated[
        bool, typer.Option("--repair", help="Remove what is wrong and index it again from its file.")
    ] = False,
    json: JsonOption = False,
) -> int:
    """Check that every page is there, whole, and what the index says of it; exit 1 when something is wrong.

    A missing node or copy of a shard on a server is a warning, since no page is lost by it.

    Example: vrag verify --repair
    """
    with open_index(index, url, collection, timeout, wait, incomplete=True) as opened:
        problems = opened.verify(repair)
        left = opened.verify() if repair and problems else problems
        pages = opened.page_count
        state = opened.server_state()
    warnings = state.warnings() if state else []
    rows = [problem.to_json() for problem in problems]
    if json:
        output.data({"pages": pages, "problems": rows, "left": len(left), "warnings": warnings})
    else:
        if rows:
            tables.rows(rows, as_json=False)
        rest = f", {len(left)} left after repair." if repair else "."
        output.line(f"{counted(pages, 'page')}, {counted(len(rows), 'problem')}{rest}")
        if rows and not repair:
            output.note("vrag verify --repair removes what is wrong and indexes it again.")
        warn_of_server(state)
    return 1 if left else 0


def compact(
    index: IndexOption = None,
    url: UrlOption = None,
    collection: CollectionOption = None,
    timeout: TimeoutOption = None,
    wait: WaitOption = WAIT_S,
    json: JsonOption = False,
) -> int:
    """Give back the space of removed pages, erase their words from all files, and make searching faster.

    Example: vrag compact
    """
    with open_index(index, url, collection, timeout, wait, force=True) as opened:
        before, after = opened.compact()
        is_served = opened.path is None
    if json:
        output.data({"bytes_before": before, "bytes_after": after})
    elif is_served:
        output.note("A server gives back space by itself, in the background.")
    else:
        freed = max(before - after, 0)  # merging may also cost a little
        output.line(f"{size(freed)} freed: {size(before)} before, {size(after)} now.")
    return 0


def _print_status(facts: dict[str, Any], state: ServerState | None) -> None:
    known = [(key, str(facts[key])) for key in ("index", "documents", "pages")]
    if facts["bytes"] is not None:
        known.append(("size", size(facts["bytes"])))
    known += server_facts(state)
    if unfinished := facts["partial"] + facts["arriving"]:
        known.append(("unfinished", f"{counted(unfinished, 'document')}: run vrag ingest again"))
    if facts["failed_files"] or facts["failed_pages"]:
        files, pages = counted(facts["failed_files"], "file"), counted(facts["failed_pages"], "page")
        known.append(("failed", f"{files}, {pages}: vrag status --failed says why"))
    tables.facts(known)
    warn_of_server(state)
