"""Tools that look: pages for a query, the words of a page, the documents there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vrag.catalog.documents_json import documents_json, facet, metadata_keys
from vrag.errors import UsageError
from vrag.mcp.call_bounds import MOST_LISTED, MOST_META, MOST_SNIPPET, MOST_TEXT
from vrag.mcp.page_refs import NamedPage, read_ref
from vrag.mcp.tool_answers import FoundPage, FoundPages, ListedDocument, ListedDocuments, ListedValue, PageText
from vrag.mcp.trust import trust_of
from vrag.pages.readable_text import readable_text
from vrag.runtime.pathtext import quoted, shown, to_stored
from vrag.search.found import is_found
from vrag.search.matched_words import AskedWords, asked_words, matched

if TYPE_CHECKING:
    from vrag.remote.any_index import AnyIndex
    from vrag.search.hit import Hit

_FEW_WORDS = 8  # of a snippet: fewer hardly say what the page does
_LOOK = "Few words: look at it with show_page."
_NO_PAGES = "The index has no pages yet."
_NOT_RELEVANT = "Probably nothing here answers that: these are only the nearest pages. Try other words once."
_NOTHING = "Nothing was found. Try other words, or fewer filters; list_documents says what there is."


def search(index: AnyIndex, query: str, k: int, where: Sequence[str]) -> FoundPages:
    """The best pages for a query.

    Raises:
        UsageError: An empty query, an unknown filter key or document.
    """
    hits, asked = index.search(query, k, None, where), asked_words(query)
    return FoundPages(results=[_found(index, query, hit, asked) for hit in hits], note=_note(index, hits))


def fetch(index: AnyIndex, name: str, start: int) -> PageText:
    """The words of a page, from a character on.

    Raises:
        UsageError: There is no such page, or it has fewer characters.
    """
    ref = read_ref(name)
    words = index.page_words(ref.doc, ref.page)
    text, note = readable_text(words), trust_of(len(words), index.page_source(ref.doc, ref.page))
    if 0 < start >= len(text):
        raise UsageError(f"The page has {len(text):,} characters: start={start} is behind its end.", "Leave start out.")
    end = start + MOST_TEXT
    more = f"fetch(id={ref.id!r}, start={end})" if end < len(text) else ""
    return PageText(
        id=ref.id, title=ref.title, text=text[start:end], url=ref.uri, note=note, more=more, metadata=_facts(index, ref)
    )


def list_documents(index: AnyIndex, where: Sequence[str], key: str, start: int) -> ListedDocuments:
    """Documents that meet filters, or the values that they have of a metadata key.

    Raises:
        UsageError: A filter is not of documents, or no document has that key.
    """
    chosen = index.find_documents((), where)
    keys, end = metadata_keys(chosen), start + MOST_LISTED
    if key and key not in keys:
        raise UsageError(f"No document has metadata {quoted(key)}.", f"Keys: {', '.join(keys) or 'none yet'}.")
    values = [ListedValue(**{**row, "value": _short(row["value"])}) for row in facet(chosen, key)] if key else []
    rows = [] if key else documents_json(index.documents, chosen[start:end])
    count = len(values) if key else len(chosen)
    return ListedDocuments(
        documents=[_listed(row) for row in rows],
        values=values[start:end],
        total_documents=len(chosen),
        total_pages=sum(document.pages for document in chosen),
        keys=keys[:MOST_LISTED],
        more=f"the same call with start={end}: {count - end} more" if end < count else "",
    )


def _note(index: AnyIndex, hits: Sequence[Hit]) -> str:
    """What to do where nothing was found; empty where something was."""
    if is_found(hits):
        return ""
    if hits:
        return _NOT_RELEVANT
    return _NOTHING if index.page_count else _NO_PAGES


def _found(index: AnyIndex, query: str, hit: Hit, asked: AskedWords) -> FoundPage:
    ref, snippet = NamedPage(hit.doc, hit.page), index.snippet(query, hit)[:MOST_SNIPPET]
    note = _LOOK if len(snippet.split()) < _FEW_WORDS else ""
    relevance = None if hit.relevance is None else round(hit.relevance, 2)
    words = matched(asked, snippet)
    return FoundPage(
        id=ref.id, title=ref.title, url=ref.uri, text=snippet, matched=words, relevance=relevance, note=note
    )


def _facts(index: AnyIndex, ref: NamedPage) -> dict[str, Any]:
    """What the document says of itself, and how many pages it has."""
    document = index.find_documents([ref.doc])[0]
    return {"pages": document.pages, **{name: _short(value) for name, value in document.meta.items()}}


def _listed(row: dict[str, Any]) -> ListedDocument:
    meta = {name: _short(value) for name, value in row["meta"].items()}
    state = "" if row["state"] == "complete" else row["state"]
    return ListedDocument(name=to_stored(row["doc"]), pages=row["pages"], metadata=meta, state=state)


def _short(value: Any) -> Any:
    """A value of metadata, cut where it is long."""
    if isinstance(value, list):
        return [_short(one) for one in value[:MOST_LISTED]]
    return shown(value[:MOST_META]) if isinstance(value, str) else value
