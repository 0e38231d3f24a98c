"""From a query to the explanation of one page: the page is found, and the cascade runs once more, watched."""

from __future__ import annotations

from dataclasses import replace

from vrag.catalog.documents import Document
from vrag.catalog.payload import page_grid, page_words
from vrag.errors import UsageError
from vrag.explain.counted import find_answers
from vrag.explain.explanation import Explanation, Match
from vrag.explain.matching import explain_page, find_matches
from vrag.explain.page_heat import Heat, page_heat
from vrag.explain.tracing import trace
from vrag.pipeline.pipeline import FULL
from vrag.search.hit import Hit
from vrag.search.plan import Limits
from vrag.search.query_text import Words, read_query
from vrag.search.searcher import Searcher, Where
from vrag.search.watching import watch


def explain(
    searcher: Searcher,
    query: str,
    doc: str | None,
    page: int | None,
    cascade: str | None,
    where: Where,
    k: int,
    words: Words,
) -> Explanation:
    """Why a page stands where it stands; arguments as of `Index.explain`.

    Raises:
        UsageError: A page without a document, no such page, one that the filters leave out, or no hit at all.
    """
    if doc is None or page is None:
        doc, page = _best_page(searcher, query, doc, page, cascade, where, words)
    stored, typed = searcher.stored, read_query(query, words)
    chosen, embedded = stored.pipeline.cascade(cascade), searcher.embed(typed.text)
    with stored.gate.reading():
        record = stored.documents.page_record(doc, page, [FULL, *(s.name for s in stored.pipeline.vectors)])
        selection = replace(searcher.select(where), texts=typed.conditions)
        runner = searcher.runner(typed.text, embedded.vectors, selection)
        watched = watch(runner, chosen, Limits(k, runner.count_pages))
        stood = trace(watched, stored.documents, record)
        counted = find_answers(watched, embedded.vectors, record)
        return explain_page(typed.text, embedded, record, stored.documents, str(chosen), stood, counted)


def match_hit(searcher: Searcher, query: str, hit: Hit) -> tuple[Match, ...]:
    """For each token of the query what answers it best on the hit's page; empty when the page was replaced since."""
    record = searcher.stored.store.fetch([hit.id], [FULL]).get(hit.id)
    if record is None:
        return ()
    grid, words = page_grid(record.payload), page_words(record.payload)
    return find_matches(searcher.embed(query), record.vectors[FULL], grid, words)


def heat_of(searcher: Searcher, query: str, document: Document, page: int, words: Words) -> Heat:
    """Where each word of a query is answered on a page.

    Raises:
        UsageError: The index has no such page, or the query cannot be asked.
    """
    record = searcher.stored.page(document.doc_id, page, [FULL])
    if record is None:
        raise UsageError(f"Page {page} of that document is not in the index.")
    text = read_query(query, words).text
    return page_heat(text, searcher.embed(text), record)


def _best_page(
    searcher: Searcher, query: str, doc: str | None, page: int | None, cascade: str | None, where: Where, words: Words
) -> tuple[str, int]:
    if doc is None and page is not None:
        raise UsageError(f"Page {page} of which document?", "Name it with --doc.")
    filters = [where] if isinstance(where, str) else [*where]
    best = searcher.search(query, 1, cascade, [*filters, f"doc={doc}"] if doc else filters, words)
    if not best:
        raise UsageError("No page was found, so there is nothing to explain.", "vrag info shows what is indexed.")
    return best[0].doc, best[0].page
