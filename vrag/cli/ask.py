"""`vrag ask`: what the pages say to a question, quoted word for word."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vrag.cli import output
from vrag.cli.asked_rows import QueriesOption, asked_rows
from vrag.cli.at_once import at_once
from vrag.cli.model_options import DeviceOption, DTypeName, DTypeOption, model_options
from vrag.cli.page_files import save_hits
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
from vrag.errors import UsageError
from vrag.runtime.pathtext import shown
from vrag.runtime.units import counted

if TYPE_CHECKING:
    from vrag.ask.answer import Answer
    from vrag.remote.any_index import AnyIndex

_EXAMPLE = 'e.g. vrag ask "What was the revenue in 2025?"'


@at_once(given="question")
def ask(
    question: Annotated[list[str] | None, typer.Argument(help="What you want to know, in words.")] = None,
    index: IndexOption = None,
    k: Annotated[int, typer.Option("-k", "--top", min=1, help="Pages to look at.")] = 5,
    where: Annotated[list[str] | None, typer.Option(help="KEY=VALUE, e.g. doc=report.pdf; may be repeated.")] = None,
    queries: QueriesOption = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, one object a question.")] = False,
    html: Annotated[
        Path | None, path_option("Write the answer with its pages, the quotes framed on them, as one HTML file.")
    ] = None,
    save_pages: Annotated[
        Path | None,
        path_option(
            "Write the pages that were looked at as PNG into this folder; 1 is returned if one cannot be drawn."
        ),
    ] = None,
    force: Annotated[bool, typer.Option(help="Ask although another model made the index, or pages are lost.")] = False,
    url: UrlOption = None,
    collection: CollectionOption = None,
    timeout: TimeoutOption = None,
    wait: WaitOption = WAIT_S,
    device: DeviceOption = "auto",
    dtype: DTypeOption = DTypeName.auto,
) -> int:
    """Answer a question with what the pages say, quoted word for word, with page and place.

    No language model is used: every quote stands on its page as it is shown.

    Example: vrag ask "What was the revenue in 2025?" --where doc=report.pdf --html answer.html
    """
    if html is not None and queries is not None:
        raise UsageError("--html shows one answer, and --queries asks for many.", "Leave one of them out.")
    check_writable(html)
    rows = list(asked_rows(" ".join(question) if question else None, queries, _EXAMPLE))
    all_saved = True
    with open_index(index, url, collection, timeout, wait, force=force, options=model_options(device, dtype)) as opened:
        output.warn_of_loss(opened.lost)
        for row in rows:
            answer = opened.ask(row["query"], k, [*(where or ()), *row.get("where", ())])
            if json:
                output.data(_as_json(row, answer))
            else:
                _print(answer, opened)
            if html:
                _write(answer, opened, html)
            if save_pages:
                all_saved &= save_hits(opened, answer.pages, save_pages)
    return 0 if all_saved else 1


def _as_json(row: dict[str, Any], answer: Answer) -> dict[str, Any]:
    from vrag.ask.answer_json import reply_json

    identity = {"query-id": row["query-id"]} if "query-id" in row else {}
    return {**identity, **reply_json(answer)}


def _print(answer: Answer, index: AnyIndex) -> None:
    """The quotes with their places; without any, the pages that are nearest."""
    if not answer.quotes:
        output.line(answer.answer)
    for number, quote in enumerate(answer.quotes, 1):
        output.line(f"[{number}] “{quote.text}”")
        output.line(f"    {quote.doc}, page {quote.page}")
    if answer.found:
        output.note(f"Quoted from {counted(len({(q.path, q.page) for q in answer.quotes}), 'page')}, word for word.")
    elif answer.pages:
        nearest = "; ".join(f"{shown(hit.doc)}, page {hit.page}" for hit in answer.pages)
        output.note(f"The nearest pages have no words to quote: {nearest}.")
    elif not index.page_count:
        output.note("The index has no pages yet. Fill it with: vrag ingest FOLDER")


def _write(answer: Answer, index: AnyIndex, file: Path) -> None:
    from vrag.ask.answer_html import answer_html

    file.write_text(answer_html(answer, index.page_image), encoding="utf-8", errors="backslashreplace")
    output.note(f"Answer written to {file}.")
