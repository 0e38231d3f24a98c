"""`report.md`."""

from __future__ import annotations

import re
from collections.abc import Iterable

from vrag.evaluation.reports.tables import Table, facts, tables
from vrag.evaluation.results.results import Results
from vrag.runtime.pathtext import shown

_OBEYED = re.compile(r"[\\`*\[\]<>&|~]|(?<!\w)_|_(?!\w)|(?<=:)//")
_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;", "//": "&#47;&#47;"}  # an address is no link


def to_markdown(results: Results) -> str:
    """The report in Markdown."""
    return as_markdown(title(results), facts(results), tables(results))


def as_markdown(heading: str, known: Iterable[tuple[str, str]], found: Iterable[Table]) -> str:
    """A report: its heading, how it was made as pairs, and its tables."""
    made = "\n".join(f"- **{name}**: {_escaped(value)}" for name, value in known)
    return "\n\n".join((f"# {_escaped(heading)}", made, *map(_table, found))) + "\n"


def title(results: Results) -> str:
    """What the report is called."""
    names = [task["task"] for task in results["tasks"]]
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return f"Evaluation: {shown}"


def _table(table: Table) -> str:
    head = [name.lstrip(">") for name in table.head]
    marks = ["---:" if name.startswith(">") else "---" for name in table.head]
    lines = [_line(map(_escaped, head)), _line(marks), *(_line(map(_escaped, row)) for row in table.rows)]
    note = f"\n\n{_escaped(table.note)}" if table.note else ""
    return f"## {_escaped(table.title)}\n\n" + "\n".join(lines) + note


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    """Text as text: what Markdown or HTML would obey is escaped, what ends a line or no one sees is U+FFFD."""
    return _OBEYED.sub(lambda found: _ENTITIES.get(found[0], f"\\{found[0]}"), shown(text))
