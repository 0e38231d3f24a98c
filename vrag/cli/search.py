"""`vrag search`: one query to a table, or a file of queries to JSON lines."""

from __future__ import annotations

import time
import webbrowser
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vrag.cli import output
from vrag.cli.asked_rows import QueriesOption, asked_rows
from vrag.cli.at_once import at_once
from vrag.cli.example_options import ImageOption, LikeOption, example_of
from vrag.cli.explain import matches_text
from vrag.cli.hits import ShownHit, documents_together, print_hits
from vrag.cli.model_options import DeviceOption, DTypeName, DTypeOption, model_options
from vrag.cli.page_files import ImageDirOption, save_hits
from vrag.cli.place import (
    WAIT_S,
    CollectionOption,
    IndexOption,
    TimeoutOption,
    UrlOption,
    WaitOption,
    finite,
    open_index,
)
from vrag.cli.search_options import CascadeOption, ExactWordsOption, FilterOption
from vrag.errors import UsageError
from vrag.runtime.pathtext import quoted
from vrag.runtime.units import counted

if TYPE_CHECKING:
    from vrag.remote.any_index import AnyIndex
    from vrag.search.hit import Hit
    from vrag.search.query_text import Words

_EXAMPLE = 'e.g. vrag search "revenue by region"'
_TITLE = 200  # characters of a query above its hits


@at_once(given="query")
def search(
    query: Annotated[
        list[str] | None, typer.Argument(help="What to look for, in words. Put it in quotes when it has -words in it.")
    ] = None,
    index: IndexOption = None,
    k: Annotated[int, typer.Option("-k", "--top", min=1, help="Hits wanted.")] = 10,
    cascade: CascadeOption = None,
    where: FilterOption = None,
    exact_words: ExactWordsOption = False,
    queries: QueriesOption = None,
    like: LikeOption = None,
    image: ImageOption = None,
    min_relevance: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            callback=finite,
            help="Leave out hits with less relevance than this, e.g. 0.3. Hits of unknown relevance stay.",
        ),
    ] = 0.0,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show which words matched on each page, and how well.")
    ] = False,
    by_document: Annotated[
        bool, typer.Option("--by-document", help="Group the hits by document, the document of the best hit first.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, one object a query.")] = False,
    text: Annotated[
        bool, typer.Option("--text", help="With --json: each hit's words as well, in reading order.")
    ] = False,
    open_: Annotated[bool, typer.Option("--open", help="Open the best hit in the browser, at its page.")] = False,
    image_dir: ImageDirOption = None,
    force: Annotated[
        bool, typer.Option(help="Search although another model made the index, or pages are lost.")
    ] = False,
    url: UrlOption = None,
    collection: CollectionOption = None,
    timeout: TimeoutOption = None,
    wait: WaitOption = WAIT_S,
    device: DeviceOption = "auto",
    dtype: DTypeOption = DTypeName.auto,
) -> int:
    """Find the pages that answer a query.

    --like and --image look for pages like a page or a picture. A model that only reads words reads the picture's.

    Example: vrag search "revenue by region" -k 5 --where doc=report.pdf

    Example: vrag search --like report.pdf:3

    Example: vrag search "revenue by region" --json --text --image-dir ./hits
    """
    _check_text(text, json)
    for_words = {"a query": query, "--queries": queries, "--exact-words": exact_words, "--explain": explain}
    example = example_of(like, image, {**for_words, "--min-relevance": min_relevance})
    typed = " ".join(query) if query else None
    rows = [{"query": example.name}] if example else list(asked_rows(typed, queries, _EXAMPLE))
    words: Words = "exact" if exact_words else "typed" if queries is None and example is None else "plain"
    options = model_options(device, dtype)
    all_saved = True
    with open_index(index, url, collection, timeout, wait, force=force, options=options) as opened:
        output.warn_of_loss(opened.lost)
        for row in rows:
            _say_other_language(opened, row["query"])
            filters = [*(where or ()), *row.get("where", ())]
            started = time.perf_counter()
            if example:
                hits = example.search(opened, k, cascade, filters)
            else:
                hits = opened.search(row["query"], k, cascade, filters, words, min_relevance)
            took_ms = (time.perf_counter() - started) * 1000
            hits = documents_together(hits) if by_document else hits
            if hits and not json:
                _say_if_irrelevant(row["query"], hits)
                _print_hits(opened, row, hits, took_ms, explain, by_document)
            elif not json:
                _say_nothing_found(opened, row["query"], filters, words, min_relevance)
            files = save_hits(opened, hits, image_dir) if image_dir else []
            all_saved &= all(files)
            if json:
                answer = _as_json(row, cascade or opened.default_cascade, took_ms, hits)
                # A file of queries is for measuring, and each snippet costs a read of its page.
                wanted = {"snippet": queries is None, "text": text, "image_file": image_dir is not None}
                _add(answer, hits, files, wanted)
                output.data(_with_matches(answer, opened, hits) if explain else answer)
            if open_:
                _open_best(hits)
    return 0 if all_saved else 1


def _check_text(text: bool, json: bool) -> None:
    """Refuse what no table has room for.

    Raises:
        UsageError: All words of pages are asked for, and not as JSON.
    """
    if text and not json:
        raise UsageError("--text is for --json.", "Give both: vrag search QUERY --json --text")


def _open_best(hits: Sequence[Hit]) -> None:
    """Show the file of the best hit in the browser, at its page."""
    for hit in hits[:1]:
        webbrowser.open(f"{Path(hit.path).as_uri()}#page={hit.page}")


def _as_json(row: dict[str, Any], cascade: str, took_ms: float, hits: Sequence[Hit]) -> dict[str, Any]:
    from vrag.search.hits_json import answer_json

    identity = {"query-id": row["query-id"]} if "query-id" in row else {}
    return {**identity, **answer_json(row["query"], cascade, took_ms, hits)}


def _add(answer: dict[str, Any], hits: Sequence[Hit], files: Sequence[str | None], wanted: dict[str, bool]) -> None:
    """Say more of each hit: what is wanted of snippet, text, and the file of its picture."""
    for number, (row, hit) in enumerate(zip(answer["hits"], hits, strict=True)):
        if wanted["snippet"]:
            row["snippet"] = hit.snippet
        if wanted["text"]:
            row["text"] = _text(hit)
        if wanted["image_file"]:
            row["image_file"] = files[number]


def _text(hit: Hit) -> str:
    """The words of a hit's page; none when somebody has removed it since."""
    try:
        return hit.text
    except UsageError:
        return ""


def _with_matches(answer: dict[str, Any], index: AnyIndex, hits: Sequence[Hit]) -> dict[str, Any]:
    from vrag.explain.explanation_json import matches_json

    for row, hit in zip(answer["hits"], hits, strict=True):
        row["matches"] = matches_json(index.matches(answer["query"], hit))
    return answer


def _print_hits(
    index: AnyIndex, row: Mapping[str, Any], hits: Sequence[Hit], took_ms: float, explain: bool, grouped: bool
) -> None:
    from vrag.catalog.documents_json import titles_of

    titles, query = titles_of(index.documents, {hit.doc_id: hit.doc for hit in hits}), row["query"]
    if "query-id" in row:  # one of many
        output.line(f"{row['query-id']}: {query[:_TITLE]}")
    known = [ShownHit(h, titles[h.doc_id], h.snippet, _why(index, query, h) if explain else "") for h in hits]
    print_hits(known, query, grouped)
    output.note(f"{len(hits)} of {counted(index.page_count, 'page')} in {took_ms:.0f} ms.")


def _why(index: AnyIndex, query: str, hit: Hit) -> str:
    stages = ", ".join(f"{stage} {score:.3f}" for stage, score in hit.stages.items())
    return f"{stages}: {matches_text(index.matches(query, hit))}"


def _say_if_irrelevant(query: str, hits: Sequence[Hit]) -> None:
    from vrag.search.found import is_found

    if not is_found(hits):
        output.note(f"Nothing relevant found for {quoted(query[:_TITLE])}. The nearest pages:")


def _say_other_language(index: AnyIndex, query: str) -> None:
    """That a question is in another language than the model of the index reads."""
    from vrag.embedders.models import BUILTIN
    from vrag.pages.language import ENGLISH, likely_language

    asked = likely_language(query.split())
    if index.pipeline.model == BUILTIN.name and asked not in (None, ENGLISH):
        output.note(
            f"The question seems to be in {asked.capitalize()}, and the model of this index reads English. "
            "Ask in English, or make an index with: vrag ingest FILES --index DIR --language multilingual"
        )


def _say_nothing_found(index: AnyIndex, query: str, filters: Sequence[str], words: Words, min_relevance: float) -> None:
    """Why a search may have found no page, and what to try."""
    from vrag.search.query_text import parse_typed

    if not index.page_count:
        output.note("Nothing found: the index has no pages yet. Fill it with: vrag ingest FOLDER")
        return
    causes = ["--where"] if filters else []
    causes += ["--exact-words"] if words == "exact" else []
    causes += ["--min-relevance"] if min_relevance else []
    causes += ['"phrases" and -words'] if words != "plain" and parse_typed(query).conditions else []
    without = f"Try without {' and '.join(causes)}" if causes else "Try other words"
    where = f"Nothing found for {quoted(query)} on {counted(index.page_count, 'page')}."
    output.note(f"{where} {without}; vrag ls shows what is there.")
