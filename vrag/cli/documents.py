"""`vrag ls` and `vrag rm`: the documents of an index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vrag.cli import output, tables
from vrag.cli.at_once import at_once
from vrag.cli.completion import complete_documents, complete_filters
from vrag.cli.confirm import confirm
from vrag.cli.place import WAIT_S, CollectionOption, IndexOption, TimeoutOption, UrlOption, WaitOption, open_index
from vrag.errors import UsageError
from vrag.runtime.units import counted

if TYPE_CHECKING:
    from vrag.catalog.documents import Document
    from vrag.remote.any_index import AnyIndex

WhereOption = Annotated[
    list[str] | None,
    typer.Option(autocompletion=complete_filters, help='Filter, e.g. "year >= 2020"; may be repeated.'),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_SHOWN = 20


@at_once()
def ls(
    docs: Annotated[
        list[str] | None, typer.Argument(autocompletion=complete_documents, help="Documents by name; default: all.")
    ] = None,
    index: IndexOption = None,
    url: UrlOption = None,
    collection: CollectionOption = None,
    timeout: TimeoutOption = None,
    wait: WaitOption = WAIT_S,
    where: WhereOption = None,
    facet: Annotated[str | None, typer.Option(help="Count documents and pages by this metadata key instead.")] = None,
    json: JsonOption = False,
) -> int:
    """List documents with their pages, state and metadata.

    Example: vrag ls --where "year >= 2020" --facet author
    """
    with open_index(index, url, collection, timeout, wait, force=True) as opened:
        output.warn_of_loss(opened.lost)
        chosen = opened.find_documents(docs or (), where or ())
        rows = _facet(chosen, facet) if facet else _rows(opened, chosen)
    tables.rows(rows if json or facet else _shown(rows), json)
    return 0


@at_once()
def rm(
    docs: Annotated[
        list[str] | None, typer.Argument(autocompletion=complete_documents, help="Documents by name or path.")
    ] = None,
    index: IndexOption = None,
    url: UrlOption = None,
    collection: CollectionOption = None,
    timeout: TimeoutOption = None,
    wait: WaitOption = WAIT_S,
    where: WhereOption = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: JsonOption = False,
) -> int:
    """Remove documents from the index; their files stay.

    Example: vrag rm old-report.pdf --yes
    """
    if not docs and not where:
        raise UsageError("Name documents, or choose them with --where.", "e.g. vrag rm old-report.pdf")
    with open_index(index, url, collection, timeout, wait, force=True) as opened:
        chosen = opened.find_documents(docs or (), where or ())
        rows = _rows(opened, chosen)
        if chosen and not yes:
            for row in rows[:_SHOWN]:
                output.note(f"{row['doc']}: {counted(row['pages'], 'page')}")
            if not confirm(f"Remove {counted(len(rows), 'document')} from the index?"):
                output.note("Nothing was removed.")
                return 1
        opened.remove(chosen)
    pages = sum(row["pages"] for row in rows)
    if json:
        output.data({"removed": [row["doc"] for row in rows], "pages": pages})
    else:
        output.line(f"{counted(len(rows), 'document')} with {counted(pages, 'page')} removed.")
    return 0


def _rows(index: AnyIndex, documents: Sequence[Document]) -> list[dict[str, Any]]:
    from vrag.catalog.documents_json import documents_json

    return documents_json(index.documents, documents)


def _shown(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows for people; the column of copies is there when a file has one."""
    short = [_short(row) for row in rows]
    if not any(row["copies"] for row in short):
        for row in short:
            del row["copies"]
    return short


def _short(row: dict[str, Any]) -> dict[str, Any]:
    """A row for people: metadata on lines, no path."""
    meta = {key: ", ".join(value) if isinstance(value, list) else value for key, value in row["meta"].items()}
    copies = "\n".join(row["copy_paths"])
    return {"doc": row["doc"], "pages": row["pages"], "state": row["state"], "metadata": meta, "copies": copies}


def _facet(documents: Sequence[Document], key: str) -> list[dict[str, Any]]:
    """Documents and pages by the values of a key, the most frequent first."""
    from vrag.catalog.documents_json import facet, metadata_keys

    counted_values = facet(documents, key)
    if all(row["value"] is None for row in counted_values):
        known = ", ".join(metadata_keys(documents))
        raise UsageError(f"No document has metadata {key!r}.", f"Keys: {known or 'none yet'}.")
    return [{key: row["value"], "documents": row["documents"], "pages": row["pages"]} for row in counted_values]
