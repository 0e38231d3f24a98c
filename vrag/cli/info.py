"""`vrag info` and `doctor`: what there is, and what is missing."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vrag.cli import output, tables
from vrag.cli.at_once import at_once
from vrag.cli.place import WAIT_S, CollectionOption, IndexOption, TimeoutOption, UrlOption, WaitOption, open_index
from vrag.cli.server_lines import server_facts, warn_of_server
from vrag.runtime.units import size

if TYPE_CHECKING:
    from pathlib import Path

    from vrag.planning.doctor import Check
    from vrag.store.server.state import ServerState

_CHECK = 32  # characters before what a check found
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@at_once()
def info(
    index: IndexOption = None,
    url: UrlOption = None,
    collection: CollectionOption = None,
    timeout: TimeoutOption = None,
    wait: WaitOption = WAIT_S,
    json: JsonOption = False,
) -> int:
    """Show what an index holds and how it was made.

    Example: vrag info --index ./my-index
    """
    with open_index(index, url, collection, timeout, wait, force=True) as opened:
        documents = [d for d in opened.documents.all() if d.state == "current"]
        labels = opened.documents.labels([d.doc_id for d in documents])
        state = opened.server_state()
        facts = {
            "index": opened.place.name,
            "pipeline": opened.pipeline.name,
            "model": opened.pipeline.model,
            "language": opened.pipeline.text and opened.pipeline.text.language,
            "cascades": dict(opened.pipeline.cascades),
            "default_cascade": opened.pipeline.default_cascade,
            "vectors": list(opened.pipeline.vector_names),
            "pages": opened.page_count,
            "bytes": opened.disk_bytes if state is None else None,
            "server": state and state.to_json(),
            "documents": [
                {"doc": labels[d.doc_id][0], "path": d.paths[0], "pages": d.pages, "complete": d.complete}
                for d in documents
                if d.doc_id in labels
            ],
        }
    if json:
        output.data(facts)
    else:
        _print_info(facts, state)
    return 0


@at_once()
def doctor(
    index: IndexOption = None,
    url: UrlOption = None,
    collection: CollectionOption = None,
    timeout: TimeoutOption = None,
    wait: WaitOption = WAIT_S,
    report: Annotated[
        bool, typer.Option("--report", help="Print a block for a bug report, without secrets and users' names.")
    ] = False,
    json: JsonOption = False,
) -> int:
    """Check what is installed, what is missing, and how to get it; exit 1 when vrag cannot work.

    With --index or --url it opens that index, too, and says how it is.

    Example: vrag doctor --index ./my-index --report
    """
    from vrag.planning.bug_report import report_facts, report_lines
    from vrag.planning.doctor import examine

    checks = examine()
    if index is not None or url:
        checks += _examine_index(index, url, collection, timeout, wait)
    if report and json:
        output.data(report_facts(checks))
    elif report:
        for line in report_lines(report_facts(checks)):
            output.line(line)
    elif json:
        output.data({"checks": [asdict(check) for check in checks]})
    else:
        _print_checks(checks)
    missing = [check.name for check in checks if check.needed and not check.ok]
    if missing:
        output.note(f"Missing: {', '.join(missing)}.")
    return 1 if missing else 0


def _print_checks(checks: list[Check]) -> None:
    from vrag.planning.doctor import mark_of

    for check in checks:
        tables.facts([(f"{mark_of(check.ok, check.needed):7s}  {check.name}", check.found)], least=_CHECK)
        if not check.ok:
            output.line(f"         {check.remedy}")  # never folded, since there are commands to copy in it


def _examine_index(
    index: Path | None, url: list[str] | None, collection: str | None, timeout: float | None, wait: float
) -> list[Check]:
    from vrag.errors import VragError
    from vrag.planning.doctor import examine_index, index_not_opened

    try:
        with open_index(index, url, collection, timeout, wait, force=True, incomplete=True) as opened:
            return examine_index(opened)
    except VragError as error:
        return [index_not_opened(error)]


def _print_info(facts: dict[str, Any], state: ServerState | None) -> None:
    keys = ("index", "pipeline", "model", "language", "default_cascade", "pages")
    known = [(key.replace("_", " "), "none" if facts[key] is None else str(facts[key])) for key in keys]
    if facts["bytes"] is not None:
        known.append(("size", size(facts["bytes"])))
    tables.facts([*known, *server_facts(state)])
    warn_of_server(state)
    whole = {True: "complete", False: "partial"}
    documents = [{**row, "state": whole[row["complete"]]} for row in facts["documents"]]
    if documents:
        output.line("")
    tables.rows([{key: row[key] for key in ("doc", "pages", "state", "path")} for row in documents], as_json=False)
