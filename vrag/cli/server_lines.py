"""What `vrag status`, `info` and `verify` tell of a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vrag.cli import output
from vrag.runtime.units import counted, size

if TYPE_CHECKING:
    from vrag.store.server.state import ServerState


def server_facts(state: ServerState | None) -> list[tuple[str, str]]:
    """Facts about a server's collection; none about an embedded index."""
    if state is None:
        return []
    points, segments = counted(state.points, "point"), counted(state.segments, "segment")
    facts = [("collection", f"{state.status}, optimizer {state.optimizer}, {points}, {segments}")]
    if state.data_bytes is not None:
        facts.append(("size", f"{size(state.data_bytes)} of vectors and payloads, all copies together"))
    if state.file_bytes is not None and state.memory_bytes is not None:
        files = f"{size(state.file_bytes)} with room set aside, {size(state.memory_bytes)} of them in memory"
        facts.append(("files", files))
    if state.nodes:
        facts.append(("nodes", f"{len(state.nodes)}, {len(state.gone) or 'none'} gone"))
    if state.copies:
        used = sum(map(state.in_use, state.copies))
        facts.append(("shards", f"{state.shards}, {state.wanted} of each asked for, {used} copies in use"))
    return facts


def warn_of_server(state: ServerState | None) -> None:
    """What is missing there, in notes."""
    for warning in state.warnings() if state else ():
        output.note(f"Warning: {warning}")
