"""Tables in Markdown, printed, or put into a page of the docs between the two marks that it has for them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

BEGIN, END = "<!-- figures: made by a program, see the command -->", "<!-- end of the figures -->"


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """One table."""
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}", *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join(lines)


def put(page: Path, text: str, name: str = "") -> None:
    """Replace what stands between the marks of a page.

    Args:
        page: In Markdown.
        text: Of the tables.
        name: Of the place, where a page has several.

    Raises:
        ValueError: It has no marks.
    """
    mark = BEGIN.replace("figures", f"figures, {name}") if name else BEGIN
    before, begin, rest = page.read_text(encoding="utf-8").partition(mark)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{page} has no place for figures: {mark} and {END} are missing.")
    page.write_text(f"{before}{mark}\n\n{text.strip()}\n\n{END}{after}", encoding="utf-8")
