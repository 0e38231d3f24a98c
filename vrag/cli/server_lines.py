"""How `vrag status` and `info` show what a server says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vrag.cli import output
from vrag.runtime.units import counted, size

if TYPE_CHECKING:
    from vrag.store.server.state import ServerState


def print_server(state: ServerState | None) -> None:
    """Lines about a server's collection, and its warnings; nothing for an embedded index."""
    if state is None:
        return
    points, segments = counted(state.points, "point"), counted(state.segments, "segment")
    _line("collection", f"{state.status}, optimizer {state.optimizer}, {points}, {segments}")
    if state.data_bytes is not None:
        _line("size", f"{size(state.data_bytes)} of vectors and payloads, all copies together")
    if state.file_bytes is not None and state.memory_bytes is not None:
        _line("files", f"{size(state.file_bytes)} with room set aside, {size(state.memory_bytes)} of them in memory")
    if state.nodes:
        _line("nodes", f"{len(state.nodes)}, {len(state.gone) or 'none'} gone")
    if state.copies:
        used = sum(map(state.in_use, state.copies))
        _line("shards", f"{state.shards}, {state.wanted} of each asked for, {used} copies in use")
    for warning in state.warnings():
        output.note(f"Warning: {warning}")


def _line(name: str, text: str) -> None:
    output.line(f"{name:16s} {text}")
