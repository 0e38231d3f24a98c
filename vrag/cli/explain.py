"""`vrag explain`: why a page stands where it stands, as tables, JSON, PNG or an HTML report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vrag.cli import output, tables
from vrag.cli.at_once import at_once
from vrag.cli.completion import complete_documents, complete_filters
from vrag.cli.place import (
    WAIT_S,
    CollectionOption,
    IndexOption,
    TimeoutOption,
    UrlOption,
    WaitOption,
    check_writable,
    open_index,
    path_option,
)
from vrag.cli.search_options import CascadeOption, ExactWordsOption
from vrag.cli.tables import TableColumn
from vrag.errors import UsageError
from vrag.runtime.pathtext import shown
from vrag.search.query_text import check_query

if TYPE_CHECKING:
    from PIL.Image import Image

    from vrag.explain.explanation import Explanation, Match, RegionAnswers
    from vrag.search.query_text import Words

_SHOWN_MATCHES = 5  # of a hit in `search --explain`


@at_once()
def explain(
    query: Annotated[str, typer.Argument(help="The query, as you typed it into vrag search.")],
    doc: Annotated[
        str | None, typer.Option(autocompletion=complete_documents, help="Document name; default: the best hit's.")
    ] = None,
    page: Annotated[int | None, typer.Option(min=1, help="Page of --doc; default: its best page.")] = None,
    index: IndexOption = None,
    k: Annotated[int, typer.Option("-k", "--top", min=1, help="Hits that the search lets through.")] = 10,
    cascade: CascadeOption = None,
    where: Annotated[
        list[str] | None, typer.Option(autocompletion=complete_filters, help="KEY=VALUE filters of the search.")
    ] = None,
    exact_words: ExactWordsOption = False,
    png: Annotated[Path | None, path_option("Write the page under its heat map to this file.")] = None,
    per_token: Annotated[
        bool, typer.Option("--per-token", help="With --png: one more picture for each token.")
    ] = False,
    html: Annotated[Path | None, path_option("Write a report for the browser to this file.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    force: Annotated[
        bool, typer.Option(help="Explain although another model made the index, or pages are lost.")
    ] = False,
    url: UrlOption = None,
    collection: CollectionOption = None,
    timeout: TimeoutOption = None,
    wait: WaitOption = WAIT_S,
) -> int:
    """Show why a page was found or not: its rank in every stage, and what matched where.

    Example: vrag explain "revenue by region" --doc report.pdf --page 3 --html why.html
    """
    from vrag.explain.explanation_json import explanation_json

    if per_token and png is None:
        raise UsageError("--per-token needs --png.", "e.g. --png heat.png --per-token")
    if png is not None and html is not None and png.resolve() == html.resolve():
        raise UsageError(f"--png and --html are the same file, {png}.", "Name two.")
    check_writable(png, html)
    check_query(query)
    with open_index(index, url, collection, timeout, wait, force=force) as opened:
        words: Words = "exact" if exact_words else "typed"
        found = opened.explain(query, doc, page, cascade, where or (), k, words)
        if png or html:
            _write(found, opened.page_image(found.doc, found.page), png, per_token, html)
    if json:
        output.data(explanation_json(found))
    else:
        _print_tables(found)
    return 0


def matches_text(matches: Sequence[Match]) -> str:
    """The matches that add most to the score, on one line."""
    best = sorted(matches, key=lambda match: -match.contribution)[:_SHOWN_MATCHES]
    return ", ".join(f"{m.token} → {m.text or m.place or 'page'} {m.similarity:.2f}" for m in best)


def _write(found: Explanation, image: Image, png: Path | None, per_token: bool, html: Path | None) -> None:
    from vrag.explain.html_report import heat_picture, html_report

    if png is not None:
        heat_picture(found, image).save(png, "PNG")
        output.note(f"Heat map written to {png}.")
        for number, match in enumerate(found.matches if per_token else ()):
            heat_picture(found, image, [number]).save(_token_file(png, number + 1, match.token), "PNG")
    if html is not None:
        html.write_text(html_report(found, image), encoding="utf-8", errors="backslashreplace")
        output.note(f"Report written to {html}.")


def _token_file(png: Path, number: int, token: str) -> Path:
    plain = "".join(c for c in token if c.isalnum())
    return png.with_name(f"{png.stem}-{number:02d}{'-' if plain else ''}{plain}{png.suffix}")


def _print_tables(found: Explanation) -> None:
    output.line(f"{found.doc}, page {found.page}: {found.query[:200]}")
    output.line("")
    _print_stages(found)
    output.line("")
    _print_matches(found)
    output.note(f"Cascade {found.cascade}: {found.standing}. {found.sums}")
    if found.counted:
        output.note(_region(found.counted))


def _print_stages(found: Explanation) -> None:
    rows = []
    for stage in found.stages:
        name = f"{stage.branch}: {stage.stage}" if stage.branch else stage.stage
        rows.append((name, stage.standing, f"{stage.score:.3f}", stage.outcome))
        rows += [(f"  of it {part.name}", "", f"{part.score:+.3f}", "") for part in stage.parts]
    columns = [
        TableColumn("stage"),
        TableColumn("rank", right=True),
        TableColumn("score", right=True),
        TableColumn("outcome"),
    ]
    tables.table(columns, [tuple(map(shown, row)) for row in rows])


def _region(counted: RegionAnswers) -> str:
    """Where the best region lies."""
    if counted.region is None or counted.rows is None:
        return "The whole page counts."
    x0, y0, x1, y1 = counted.region
    rows = f"rows {counted.rows[0] + 1} to {counted.rows[1]}"
    return f"The best region is {x0:.0%} to {x1:.0%} across, {y0:.0%} to {y1:.0%} down ({rows})."


def _print_matches(found: Explanation) -> None:
    from vrag.explain.explanation import word_matches

    rows = []
    for word in word_matches(found):
        match, answer = word.best, word.counted
        x0, y0, x1, y1 = match.box
        middle = f"{(x0 + x1) / 2:.0%} across, {(y0 + y1) / 2:.0%} down"
        numbers = (f"{match.similarity:.3f}", f"{word.contribution:.3f}")
        rest = (f"{answer.contribution:.3f} {answer.source} {answer.text}".rstrip(),) if answer else ()
        rows.append((word.token, match.text, match.place or middle, *numbers, *rest))
    columns = [TableColumn("query"), TableColumn("page"), TableColumn("where"), TableColumn("similarity", right=True)]
    columns += [TableColumn("adds", right=True), *([TableColumn("counted")] if found.counted else [])]
    tables.table(columns, [tuple(map(shown, row)) for row in rows])
