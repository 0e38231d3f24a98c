"""Hits for people: at most four lines each in a terminal, one line each in a pipe."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.cells import cell_len, set_cell_size
from rich.style import Style
from rich.text import Text

from vrag.cli import output, tables
from vrag.runtime.pathtext import shown
from vrag.runtime.units import counted
from vrag.search.hit import Hit
from vrag.search.matched_words import AskedWords, asked_words, matched_spans

_LINES = 4  # of a hit
_GAP = "  "
_MORE = "\N{HORIZONTAL ELLIPSIS}"


@dataclass(frozen=True, slots=True)
class ShownHit:
    """A hit with what is shown of it.

    Args:
        hit: It.
        title: Of the document; its name where it has none.
        text: The passage of the page that is nearest to the query; empty where it has no words.
        why: What matched, where that is wanted; it comes on lines of its own.
    """

    hit: Hit
    title: str
    text: str
    why: str = ""


def documents_together(hits: Sequence[Hit]) -> list[Hit]:
    """Hits of one document together, the document with the best hit first."""
    first: dict[str, int] = {}
    for position, hit in enumerate(hits):
        first.setdefault(hit.doc, position)
    return sorted(hits, key=lambda hit: first[hit.doc])


def print_hits(hits: Sequence[ShownHit], query: str, grouped: bool = False) -> None:
    """Print them on stdout.

    Args:
        hits: At least one; those of one document together where they are grouped.
        query: Whose words are marked; empty where they were found by a picture.
        grouped: Name each document once, above its hits.
    """
    if not output.stdout.is_terminal:
        _print_rows(hits)
        return
    asked, label = asked_words(query), max(len(str(one.hit.rank)) for one in hits)
    before = None
    for one in hits:
        if grouped and one.hit.doc != before:
            pages = sum(other.hit.doc == one.hit.doc for other in hits)
            _print_line(_heading(one, "", counted(pages, "hit"), output.stdout.width, _link(one.hit.path)))
        before = one.hit.doc
        room = output.stdout.width - label - len(_GAP)
        page, link = f"page {one.hit.page}", _link(one.hit.path, one.hit.page)
        if grouped:
            heads = [Text.assemble((page, Style(bold=True, link=link)), (f"{_GAP}{one.hit.score:.3f}", "dim"))]
        else:
            heads = _heading(one, page, f"{one.hit.score:.3f}", room, link)
        text = _passage(shown(one.text), asked, room, _LINES - len(heads))
        for number, line in enumerate([*heads, *text, *_folded(Text(shown(one.why), "dim"), room)]):
            _print_line([Text.assemble(f"{one.hit.rank:{label}d}" if not number else " " * label, _GAP, line)])


def _print_rows(hits: Sequence[ShownHit]) -> None:
    has_why = any(one.why for one in hits)
    heads = ("#", "score", "doc", "page", "title", *(["matched"] if has_why else []), "text")
    columns = [tables.TableColumn(head, right=head in ("#", "score", "page")) for head in heads]
    rows = []
    for one in hits:
        title = "" if one.title == one.hit.doc else one.title
        place = (str(one.hit.rank), f"{one.hit.score:.3f}", one.hit.doc, str(one.hit.page), title)
        rows.append([shown(text) for text in (*place, *([one.why] if has_why else []), one.text)])
    tables.table(columns, rows)


def _heading(one: ShownHit, page: str, more: str, room: int, link: str | None) -> list[Text]:
    """Title and page, behind them or on a second line the document's name and something more."""
    name = shown(one.hit.doc)
    page = f", {page}" if page else ""
    title = _short(name if one.title == one.hit.doc else shown(one.title), room - len(page)) + page
    named = more if one.title == one.hit.doc else f"{_short(name, room - len(more) - len(_GAP))}{_GAP}{more}"
    first, second = Text(title, Style(bold=True, link=link)), Text(named, "dim")
    if cell_len(title) + len(_GAP) + cell_len(named) <= room:
        return [Text.assemble(first, _GAP, second)]
    return [first, second]


def _passage(text: str, asked: AskedWords, room: int, lines: int) -> list[Text]:
    """The lines of a text that have most words of the query, which are marked; at most `lines` of them."""
    marked = Text(text)
    for start, end in matched_spans(asked, text):
        marked.stylize("bold", start, end)
    folded = _folded(marked, room)
    if len(folded) <= lines:
        return folded
    folded = _folded(marked, room - 2 * (len(_MORE) + 1))
    counts = [len(line.spans) for line in folded]
    begin = max(range(len(folded) - lines + 1), key=lambda i: sum(counts[i : i + lines]))
    end = begin + lines
    if begin:
        folded[begin] = Text.assemble(_MORE, " ", folded[begin])
    if end < len(folded):
        folded[end - 1] = Text.assemble(folded[end - 1], " ", _MORE)
    return folded[begin:end]


def _folded(text: Text, room: int) -> list[Text]:
    lines = list(text.wrap(output.stdout, max(room, 1))) if text else []
    for line in lines:
        line.rstrip()
    return lines


def _short(text: str, room: int) -> str:
    """A text that is too long without its middle, so that the ending of a file's name stays."""
    if cell_len(text) <= room:
        return text
    half = max((room - 1) // 2, 1)
    start, end = set_cell_size(text, half).rstrip(), text[-half:]
    return f"{start}{_MORE}{end}"


def _print_line(parts: Sequence[Text]) -> None:
    for part in parts:
        output.stdout.print(part, soft_wrap=True)


def _link(path: str, page: int = 0) -> str | None:
    """Address of a file for terminals that open one (OSC 8); None for others, and where it is not on this machine."""
    file = Path(path)
    if not _has_links() or not file.is_absolute() or not file.is_file():
        return None
    is_pdf = page and file.suffix.lower() == ".pdf"  # for any other file a viewer would look for one of that name
    return f"{file.as_uri()}#page={page}" if is_pdf else file.as_uri()


def _has_links() -> bool:
    """Whether links are wanted; over ssh they would name a file of the machine that shows them."""
    plain = output.stdout.is_dumb_terminal or os.environ.get("TERM") == "linux" or os.environ.get("NO_COLOR")
    return output.stdout.is_terminal and not plain and "SSH_CONNECTION" not in os.environ
