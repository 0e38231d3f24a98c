"""Tables and lists of facts for people: the one place of the command line that decides how wide something is.

A terminal never sees a word broken, since names are there to be copied. A table that is too wide for it folds texts
between words; then columns that can be spared go, which is said; then the first column gets lines of its own; then a
row comes as a paragraph. In a pipe nothing is folded and nothing is left out: a row is a line.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from vrag.cli import output
from vrag.runtime.pathtext import shown

_BETWEEN = "  "  # of two columns
_INDENT = "  "  # of what stands below the first column
_TALL = 3  # lines that a text may be folded into
_NUMBER = re.compile(r"[\d.,]*|[-?]")  # or that there is none
_PART = "; "  # between the lines of a cell where a row is one line


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column of a table.

    Args:
        head: Above it; line ends break it.
        right: Whether its texts end at its right edge, as numbers do.
        spare: Above 0 it is left out of a terminal that has no room for it; the highest go first.
    """

    head: str
    right: bool = False
    spare: int = 0


def rows(rows: Sequence[Mapping[str, Any]], as_json: bool, whole: Any = None, spare: Sequence[str] = ()) -> None:
    """Rows as JSON (the list itself, or `whole`), or as a table for people.

    Args:
        rows: All with the keys of the first.
        as_json: For machines.
        whole: What these get instead of the rows.
        spare: Keys of columns that are left out where there is no room, the last one first.
    """
    if as_json:
        output.data(list(rows) if whole is None else whole)
        return
    if not rows:
        output.note("Nothing to list.")
        return
    cells = [[_cell(value) for value in row.values()] for row in rows]
    columns = [
        TableColumn(key.replace("_", " "), all(map(_NUMBER.fullmatch, texts)), _rank(key, spare))
        for key, texts in zip(rows[0], zip(*cells, strict=True), strict=True)
    ]
    table(columns, cells)


def numbers(
    names: Sequence[str], values: Sequence[str], rows: Iterable[Sequence[str]], spare: Sequence[str] = ()
) -> None:
    """A table of measured values for people.

    Args:
        names: Heads of the first columns.
        values: Heads of the others, at the right; a line end breaks them.
        rows: One text a column.
        spare: Heads of columns that are left out where there is no room, the last one first.
    """
    columns = [TableColumn(name, name in values, _rank(name, spare)) for name in (*names, *values)]
    table(columns, [[_cell(cell) for cell in row] for row in rows])


def table(columns: Sequence[TableColumn], cells: Sequence[Sequence[str]], styles: Sequence[str] = ()) -> None:
    """A table on stdout.

    Args:
        columns: At least one.
        cells: Rows of one harmless text a column; line ends break it.
        styles: Of rich, for each row; without them rows are plain.
    """
    styles = styles or [""] * len(cells)
    if not output.stdout.is_terminal:
        _print_lines(columns, cells, styles)
    elif layout := _layout(columns, cells, output.stdout.width):
        _print_folded(columns, cells, styles, layout)
    else:
        _print_paragraphs(columns, cells)


def facts(pairs: Iterable[tuple[str, str]], least: int = 0) -> None:
    """What is known of one thing: a line a fact, the texts below each other.

    Args:
        pairs: Names and texts.
        least: Characters that a name takes at least, where more facts follow.
    """
    known = [(name, shown(text)) for name, text in pairs]
    width = max((least, *(cell_len(name) for name, _ in known)))
    for name, text in known:
        label = f"{set_cell_size(name, width)}{_BETWEEN}"
        if output.stdout.is_terminal:
            text = _filled(text, output.stdout.width, " " * len(label), first=len(label))
        output.stdout.print(Text(f"{label}{text}"), soft_wrap=True)


@dataclass(frozen=True, slots=True)
class _Layout:
    """Which columns are shown and how wide; where the first stands above the others, it has no width."""

    kept: Sequence[int]
    widths: Sequence[int]
    is_above: bool


def _rank(name: str, spare: Sequence[str]) -> int:
    return spare.index(name) + 1 if name in spare else 0


def _cell(value: Any) -> str:
    """A value as a text that no terminal obeys; a dictionary has a line a key, and line ends of ours stay."""
    if isinstance(value, dict):
        return "\n".join(shown(f"{key}: {text}") for key, text in value.items())
    if isinstance(value, (list, tuple)):
        return "\n".join(shown(str(text)) for text in value)
    return shown("" if value is None else str(value))


def _print_lines(columns: Sequence[TableColumn], cells: Sequence[Sequence[str]], styles: Sequence[str]) -> None:
    """A row a line, as `grep` and `cut` want it."""
    heads = [column.head.replace("\n", " ") for column in columns]
    lines = [heads, *([cell.replace("\n", _PART) for cell in row] for row in cells)]
    widths = [max(map(cell_len, texts)) for texts in zip(*lines, strict=True)]
    for texts, style in zip(lines, ["bold", *styles], strict=True):
        output.stdout.print(Text(_joined(texts, columns, widths), style), soft_wrap=True)


def _print_folded(
    columns: Sequence[TableColumn], cells: Sequence[Sequence[str]], styles: Sequence[str], layout: _Layout
) -> None:
    """What a terminal gets."""
    kept = [columns[i] for i in layout.kept]
    inside, indent = (kept[1:], _INDENT) if layout.is_above else (kept, "")
    heads = [column.head for column in columns]
    for number, (row, style) in enumerate(zip((heads, *cells), ("bold", *styles), strict=True)):
        texts = [row[i] for i in layout.kept]
        if layout.is_above:
            output.stdout.print(Text(texts.pop(0).replace("\n", _PART), f"bold {style}"), soft_wrap=True)
        blocks = [_folded(text, width) for text, width in zip(texts, layout.widths, strict=True)]
        for line in zip_longest(*blocks, fillvalue=""):
            output.stdout.print(Text(indent + _joined(line, inside, layout.widths), style), soft_wrap=True)
        if not number:
            rule = len(indent) + sum(layout.widths) + len(_BETWEEN) * (len(inside) - 1)
            output.stdout.print(Text("\N{BOX DRAWINGS LIGHT HORIZONTAL}" * rule, "dim"), soft_wrap=True)
    if gone := [head.replace("\n", " ") for i, head in enumerate(heads) if i not in layout.kept]:
        output.note(f"No room for {', '.join(gone)}: a wider terminal or --json shows all.")


def _joined(texts: Sequence[str], columns: Sequence[TableColumn], widths: Sequence[int]) -> str:
    """One line of a row."""
    padded = [
        " " * (width - cell_len(text)) + text if column.right else set_cell_size(text, width)
        for text, column, width in zip(texts, columns, widths, strict=True)
    ]
    return _BETWEEN.join(padded).rstrip()


def _layout(columns: Sequence[TableColumn], cells: Sequence[Sequence[str]], room: int) -> _Layout | None:
    """The layout that leaves out least; None when there is no room for any."""
    texts = list(zip((column.head for column in columns), *cells, strict=True))
    spare = sorted((i for i, column in enumerate(columns) if column.spare), key=lambda i: -columns[i].spare)
    for is_above in (False, True):
        for gone in range(len(spare) + 1):
            kept = [i for i in range(len(columns)) if i not in spare[:gone]]
            inside = kept[1:] if is_above else kept
            fixed = [columns[i].right for i in inside]
            widths = _widths([texts[i] for i in inside], fixed, room - (len(_INDENT) if is_above else 0))
            if widths:
                return _Layout(kept, widths, is_above)
    return None


def _widths(columns: Sequence[Sequence[str]], fixed: Sequence[bool], room: int) -> list[int] | None:
    """Width of each column so that the table fits, no word is broken and no text is tall; None when that cannot be.

    Args:
        columns: Their texts.
        fixed: Whether none of a column's texts is to be folded, as numbers are not.
        room: Characters of a line.
    """
    widths = [max(cell_len(line) for text in texts for line in text.split("\n")) for texts in columns]
    least = [
        width if fix else max(map(_least, texts)) for texts, width, fix in zip(columns, widths, fixed, strict=True)
    ]
    excess = sum(widths) + len(_BETWEEN) * (len(widths) - 1) - room
    while excess > 0:
        slack, column = max((width - word, i) for i, (width, word) in enumerate(zip(widths, least, strict=True)))
        if slack == 0:
            return None
        taken = min(slack, excess, max(1, slack // 2))  # half of it, so that several long columns share
        widths[column] -= taken
        excess -= taken
    return widths


def _least(text: str) -> int:
    """Characters that a column needs for a text: no word is broken, and no line is folded into more than `_TALL`."""
    return max(_narrowest(list(map(cell_len, line.split()))) for line in text.split("\n"))


def _narrowest(words: Sequence[int]) -> int:
    width = max((*words, -(-(sum(words) + len(words) - 1) // _TALL), 0))
    while len(words) > _TALL and _height(words, width) > _TALL:
        width += 1
    return width


def _height(words: Iterable[int], width: int) -> int:
    """Lines that words of these lengths take."""
    lines, filled = 1, -1
    for word in words:
        if filled + 1 + word > width:
            lines, filled = lines + 1, -1
        filled += 1 + word
    return lines


def _folded(text: str, width: int) -> list[str]:
    """Lines of a text, folded between words."""
    lines: list[str] = []
    for line in text.split("\n"):
        if cell_len(line) <= width:
            lines.append(line)
        else:
            lines += (part.plain.rstrip() for part in Text(line).wrap(output.stdout, width))
    return lines


def _print_paragraphs(columns: Sequence[TableColumn], cells: Sequence[Sequence[str]]) -> None:
    for row in cells:
        output.stdout.print(Text(row[0].replace("\n", _PART), "bold"), soft_wrap=True)
        named = zip(columns[1:], row[1:], strict=True)
        known = [f"{c.head} {cell}".replace("\n", " ") for c, cell in named if cell]
        output.stdout.print(Text(_INDENT + _filled(_PART.join(known), output.stdout.width, _INDENT)), soft_wrap=True)


def _filled(text: str, width: int, indent: str, first: int | None = None) -> str:
    """A text folded between words behind an indent; what is longer than a line, as a path, stays in one piece."""
    first = len(indent) if first is None else first
    filled = textwrap.fill(
        text, max(width, first + 1), initial_indent=" " * first, subsequent_indent=indent,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
    return filled[first:]
