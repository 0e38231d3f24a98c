"""`vrag ask`: what the pages say to a question, in quotes or by a language model whose every claim is checked."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from vrag.cli import output
from vrag.cli.answers import Asking
from vrag.cli.asked_rows import QueriesOption, asked_rows
from vrag.cli.at_once import at_once
from vrag.cli.chat import converse
from vrag.cli.held_index import HeldIndex
from vrag.cli.llm_options import LlmModelOption, LlmOption, LlmSeesOption, NoLlmOption, SeesName, chosen_llm
from vrag.cli.model_options import DeviceOption, DTypeName, DTypeOption, model_options
from vrag.cli.page_files import ImageDirOption, save_hits
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
from vrag.cli.search_options import FilterOption
from vrag.errors import LlmError, UsageError
from vrag.llm.llm import MOST_FAILURES
from vrag.runtime.units import counted

if TYPE_CHECKING:
    from vrag.ask.answer import Answer
    from vrag.remote.any_index import AnyIndex

_EXAMPLE = 'e.g. vrag ask "What was the revenue in 2025?"'


@at_once(given="question")
def ask(
    question: Annotated[
        list[str] | None, typer.Argument(help="What you want to know, in words. Without it, a conversation starts.")
    ] = None,
    index: IndexOption = None,
    k: Annotated[int, typer.Option("-k", "--top", min=1, help="Pages to look at.")] = 5,
    where: FilterOption = None,
    queries: QueriesOption = None,
    llm: LlmOption = None,
    llm_model: LlmModelOption = None,
    llm_sees: LlmSeesOption = SeesName.auto,
    no_llm: NoLlmOption = False,
    stream: Annotated[
        bool | None,
        typer.Option(
            "--stream/--no-stream", help="Print every claim as soon as it is checked; the default on a terminal."
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, one object a question.")] = False,
    html: Annotated[
        Path | None, path_option("Write one HTML file: the answer, and its pages with the quotes framed.")
    ] = None,
    image_dir: ImageDirOption = None,
    force: Annotated[bool, typer.Option(help="Ask although another model made the index, or pages are lost.")] = False,
    url: UrlOption = None,
    collection: CollectionOption = None,
    timeout: TimeoutOption = None,
    wait: WaitOption = WAIT_S,
    device: DeviceOption = "auto",
    dtype: DTypeOption = DTypeName.auto,
) -> int:
    """Answer a question with quotes from the pages, each checked on its page.

    Without a language model the answer is quotes, word for word. Nothing leaves this machine.

    Without a question it starts a conversation; type /help in it.

    Example: vrag ask "What was the revenue in 2025?" --where doc=report.pdf --html answer.html
    """
    streams = _is_terminal(sys.stdout) if stream is None else stream
    asking = Asking(chosen_llm(llm, llm_model, llm_sees, no_llm), k, tuple(where or ()), streams, prints=not json)
    opened = partial(
        open_index, index, url, collection, timeout, wait, force=force, options=model_options(device, dtype)
    )
    if question is None and queries is None and _is_conversation(json, html, image_dir):
        return converse(opened, asking)
    _check_alone(queries, html, json, stream)
    rows = list(asked_rows(" ".join(question) if question else None, queries, _EXAMPLE))
    with HeldIndex(opened) as held:
        return _answer_all(held, asking, rows, html, image_dir)


def _is_conversation(*others: object) -> bool:
    """Whether somebody can be talked to: programs ask by --queries, and one that forgot its question is told so."""
    return _is_terminal(sys.stdin) and _is_terminal(sys.stdout) and not any(others)


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()


def _check_alone(queries: Path | None, html: Path | None, json: bool, stream: bool | None) -> None:
    """Refuse options that do not go together, before the work.

    Raises:
        UsageError: They do not, or the file of the report cannot be written.
    """
    if html is not None and queries is not None:
        raise UsageError("--html shows one answer, and --queries asks for many.", "Leave one of them out.")
    if json and stream:
        raise UsageError("--json prints an answer when all of it is there.", "Leave it or --stream out.")
    check_writable(html)


def _answer_all(
    held: HeldIndex, asking: Asking, rows: Sequence[dict[str, Any]], html: Path | None, image_dir: Path | None
) -> int:
    """Exit code: 1 when a page cannot be drawn, or one of many questions has no answer because the model failed."""
    all_done, failures = True, 0
    for number, row in enumerate(rows, 1):
        try:
            answer = asking.answer(held, row["query"], row.get("where", ()))
        except LlmError as error:
            if "query-id" not in row:
                raise
            _say_failed(row, error, as_json=not asking.prints)
            all_done, failures = False, failures + 1
            if failures == MOST_FAILURES:
                left = counted(len(rows) - number, "question")
                output.note(f"The model failed {failures} times in a row: {left} not asked.")
                break
        else:
            failures = 0
            all_done &= _hand_out(held, asking, row, answer, html, image_dir)
    return 0 if all_done else 1


def _hand_out(
    held: HeldIndex, asking: Asking, row: dict[str, Any], answer: Answer, html: Path | None, image_dir: Path | None
) -> bool:
    """Whether an answer, which is printed if people read it, came in every other form that was asked for."""
    if not asking.prints:
        output.data(_as_json(row, answer))
    elif not answer.pages and not held.index.page_count:
        output.note("The index has no pages yet. Fill it with: vrag ingest FOLDER")
    if html:
        _write(answer, held.index, html)
    return all(save_hits(held.index, answer.pages, image_dir)) if image_dir else True


def _say_failed(row: dict[str, Any], error: LlmError, as_json: bool) -> None:
    """One of many questions has no answer; the others go on."""
    if as_json:
        said = "\n".join((error.message, *error.details))
        output.data({"query-id": row["query-id"], "question": row["query"], "error": said, "hint": error.hint})
    else:
        output.error(f"Question {row['query-id']}: {error.message}", error.hint, False, error.details)


def _as_json(row: dict[str, Any], answer: Answer) -> dict[str, Any]:
    from vrag.ask.answer_json import reply_json

    identity = {"query-id": row["query-id"]} if "query-id" in row else {}
    return {**identity, **reply_json(answer)}


def _write(answer: Answer, index: AnyIndex, file: Path) -> None:
    from vrag.ask.answer_html import answer_html

    file.write_text(answer_html(answer, index.page_image), encoding="utf-8", errors="backslashreplace")
    output.note(f"Answer written to {file}.")
