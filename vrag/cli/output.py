"""What commands print: data on stdout, everything else on stderr."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.segment import Segment
from rich.table import Table

from vrag.pathtext import shown

# What a document or its name may hold that a terminal would obey, or that shows text in another order than it has:
# control characters but tab and line ends, and bidirectional overrides.
_OBEYED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


_WIDEST = 1000  # characters of a table that is not to be cut off
_FOLDED = 16  # characters that are left of a name where there is little room


class SafeConsole(Console):
    """A console that shows control characters in text as U+FFFD; rich's own codes for colour pass."""

    def _render_buffer(self, buffer: Iterable[Segment]) -> str:
        return super()._render_buffer(segment if segment.control else _safe(segment) for segment in buffer)


def _safe(segment: Segment) -> Segment:
    return Segment(_OBEYED.sub("\N{REPLACEMENT CHARACTER}", segment.text), segment.style)


stdout = SafeConsole(highlight=False)
stderr = SafeConsole(stderr=True, highlight=False)


def data(value: Any) -> None:
    """One JSON value on one line of stdout; bytes of file names that are no UTF-8 come as `\\udcXX`."""
    line = json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace").decode()
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """A sentence for people, on stderr; rich markup is not interpreted."""
    stderr.print(escape(shown(text)), soft_wrap=True)


def line(text: str) -> None:
    """A line of data for people, on stdout; rich markup is not interpreted."""
    stdout.print(escape(shown(text)), soft_wrap=True)


def rows(rows: Sequence[Mapping[str, Any]], as_json: bool, whole: Any = None) -> None:
    """Rows as JSON (the list itself, or `whole`), or as a table for people."""
    if as_json:
        data(list(rows) if whole is None else whole)
        return
    if not rows:
        note("Nothing to list.")
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for key in rows[0] if rows else ():
        table.add_column(key.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    stdout.print(table)


def numbers(names: Sequence[str], values: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table of measured values for people: names fold where there is little room, values never.

    Args:
        names: Heads of the first columns.
        values: Heads of the others, at the right; a line end breaks them.
        rows: One text a column; rich markup is not interpreted.
    """
    table, cells = Table(box=box.SIMPLE_HEAD, pad_edge=False), [[shown(cell) for cell in row] for row in rows]
    for column, name in enumerate(names):
        longest = max(len(text) for text in (name, *(row[column] for row in cells)))
        table.add_column(name, overflow="fold", min_width=min(longest, _FOLDED))
    for name in values:
        table.add_column(name, justify="right", no_wrap=True)
    for row in cells:
        table.add_row(*map(escape, row))
    least = Measurement.get(stdout, stdout.options.update(max_width=_WIDEST), table).minimum
    if least > stdout.width:
        table.width = least
    stdout.print(table, crop=False)


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        value = "\n".join(f"{key}: {text}" for key, text in value.items())
    return escape(shown("" if value is None else str(value)))


def error(message: str, hint: str, as_json: bool) -> None:
    """A failure: `{"error", "hint"}` on stdout for machines, a sentence on stderr for people."""
    if as_json:
        data({"error": message, "hint": hint})
        return
    stderr.print(f"[bold red]Error:[/] {escape(shown(message))}", soft_wrap=True)
    if hint:
        stderr.print(escape(shown(hint)), soft_wrap=True)


def quiet_stdout() -> int:
    """After a reader went away: keep Python from complaining at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1
