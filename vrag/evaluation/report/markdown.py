"""`report.md`."""

from __future__ import annotations

from vrag.evaluation.report.tables import Table, facts, tables
from vrag.evaluation.results import Results


def to_markdown(results: Results) -> str:
    """The report in Markdown."""
    parts = [f"# {title(results)}", "\n".join(f"- **{name}**: {_escaped(value)}" for name, value in facts(results))]
    parts += [_table(table) for table in tables(results)]
    return "\n\n".join(parts) + "\n"


def title(results: Results) -> str:
    """What the report is called."""
    names = [task["task"] for task in results["tasks"]]
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return f"Evaluation: {shown}"


def _table(table: Table) -> str:
    head = [name.lstrip(">") for name in table.head]
    marks = ["---:" if name.startswith(">") else "---" for name in table.head]
    lines = [_line(head), _line(marks), *(_line([_escaped(cell) for cell in row]) for row in table.rows)]
    note = f"\n\n{table.note}" if table.note else ""
    return f"## {table.title}\n\n" + "\n".join(lines) + note


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
