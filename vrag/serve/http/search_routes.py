"""`/v1/search`: pages for a query."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query

from vrag.catalog.documents_json import titles_of
from vrag.catalog.payload import page_words
from vrag.errors import PageError, UsageError
from vrag.explain.explanation_json import matches_json
from vrag.runtime.data_url import data_url
from vrag.runtime.pathtext import quoted
from vrag.runtime.units import counted
from vrag.search.hit import Hit
from vrag.search.hits_json import answer_json
from vrag.search.matched_words import asked_words, matched
from vrag.search.query_text import MOST_CHARACTERS as LONGEST_QUERY
from vrag.search.query_text import Words, parse_typed
from vrag.serve.http.here import Here, HereNow, url_of
from vrag.serve.http.json_answer import JsonAnswer
from vrag.serve.http.problems import BODY, ProblemError, documented, too_many_pictures
from vrag.serve.http.request_shapes import MOST_HITS, MOST_IMAGES, Include, SearchRequest, clauses
from vrag.serve.http.response_shapes import SearchOut

router = APIRouter(tags=["search"])
_IMAGE_WIDTH = 1000  # pixels of a picture inside an answer


@router.post(
    "/v1/search",
    summary="Search",
    response_model=SearchOut,
    response_model_exclude_none=True,
    responses=documented(*BODY),
)
def search(asked: SearchRequest, here: HereNow) -> JsonAnswer:
    """The best pages for a query, best first: what `vrag search --json` prints, with addresses."""
    return JsonAnswer(_answer(here, asked))


@router.get(
    "/v1/search",
    summary="Search, by address",
    response_model=SearchOut,
    response_model_exclude_none=True,
    responses=documented(),
)
def search_by_address(
    here: HereNow,
    q: Annotated[str, Query(min_length=1, max_length=LONGEST_QUERY, description="What is looked for.")],
    k: Annotated[int, Query(ge=1, le=MOST_HITS, description="Hits wanted.")] = 10,
    where: Annotated[list[str] | None, Query(description="Filters; may be repeated.")] = None,
    cascade: Annotated[str | None, Query(max_length=2000, description="Name or text of a cascade.")] = None,
    words: Annotated[Words, Query(description="As in POST.")] = "typed",
    min_relevance: Annotated[float, Query(ge=0, le=1, description="As in POST.")] = 0.0,
    include: Annotated[list[Include] | None, Query(max_length=4, description="As in POST; may be repeated.")] = None,
) -> JsonAnswer:
    """The same for people, who can keep the address."""
    asked = SearchRequest(
        query=q, k=k, where=where or [], cascade=cascade, words=words, min_relevance=min_relevance,
        include=include or ["snippet"],
    )  # fmt: skip
    return JsonAnswer(_answer(here, asked))


def _answer(here: Here, asked: SearchRequest) -> dict[str, Any]:
    """Search, and say of every hit what was asked for."""
    check_pictures(asked.include, asked.k)
    index, begun = here.service.index, time.perf_counter()
    pipeline = index.pipeline
    with here.service.searching():
        started = time.perf_counter()
        hits = index.search(asked.query, asked.k, asked.cascade, clauses(asked.where), asked.words, asked.min_relevance)
        found = time.perf_counter()
        chosen = asked.cascade or pipeline.default_cascade
        answer = answer_json(asked.query, chosen, (found - started) * 1000, hits)
        present(here, asked.query, hits, answer["hits"], asked.include)
        ended = time.perf_counter()
    if not hits:
        answer["why_empty"] = _why_empty(index.page_count, asked)
    known = chosen if chosen in pipeline.cascades else "other"
    here.metrics.searched(known, started - begun, found - started, ended - found)
    if "image" in asked.include:
        add_images(here, answer["hits"])
    return answer


def check_pictures(include: Sequence[Include], k: int) -> None:
    """Make sure that so many hits can have pictures, where they are to.

    Raises:
        ProblemError: They cannot.
    """
    if "image" in include and k > MOST_IMAGES:
        raise ProblemError(422, f"With pictures, k is {MOST_IMAGES} at most.", "Ask for them at their addresses.")


def present(
    here: Here, query: str, hits: Sequence[Hit], rows: Sequence[dict[str, Any]], include: Sequence[Include] = ()
) -> None:
    """Give each row its hit's addresses and title, and what else is asked for.

    Args:
        here: Of the service.
        query: That found them; empty where they were found by a picture.
        hits: Best first.
        rows: One for each, from `vrag.search.hits_json`.
        include: What each has besides, pictures left alone.
    """
    index = here.service.index
    titles = titles_of(index.documents, {hit.doc_id: hit.doc for hit in hits})
    wanted = asked_words(query)
    for hit, row in zip(hits, rows, strict=True):
        row.update(addresses(hit), title=titles[hit.doc_id])
        if "snippet" in include:
            row["snippet"] = index.snippet(query, hit) if query or hit.words else ""
            row["matched"] = matched(wanted, row["snippet"])
        if "text" in include:
            row["text"] = _text(here, hit)
        if "matches" in include:
            row["matches"] = matches_json(index.matches(query, hit))


def _text(here: Here, hit: Hit) -> str:
    record = here.service.index.stored.store.fetch([hit.id]).get(hit.id)
    return "\n".join(page_words(record.payload).text_lines()) if record else ""


def addresses(hit: Hit) -> dict[str, str]:
    """Where a hit's page, pictures and file are."""
    page = url_of(hit.doc_id, "pages", hit.page)
    return {
        "doc_id": hit.doc_id,
        "page_url": page,
        "image_url": f"{page}/image",
        "thumbnail_url": f"{page}/thumbnail",
        "file_url": f"{url_of(hit.doc_id, 'file')}#page={hit.page}",
    }


def add_images(here: Here, rows: Sequence[dict[str, Any]]) -> None:
    """Pictures of the hits as data URIs; a page that cannot be drawn has none.

    Raises:
        ProblemError: Too many searches want them.
    """
    if not here.imaging.acquire(blocking=False):
        raise too_many_pictures()
    try:
        _draw_images(here, rows)
    finally:
        here.imaging.release()


def _draw_images(here: Here, rows: Sequence[dict[str, Any]]) -> None:
    for row in rows:
        row["image"] = None
        document = here.service.index.documents.get(row["doc_id"])
        file = here.originals.find(document) if document else None
        if document is None or file is None:
            continue
        try:
            data = here.pictures.get(file, document, row["page"], _IMAGE_WIDTH, "jpeg")
        except PageError:
            continue
        row["image"] = data_url(data)


def _why_empty(pages: int, asked: SearchRequest) -> str:
    """Why a search found no page, and what to try."""
    if not pages:
        return "The index has no pages yet: add documents first."
    causes = ["filters"] if clauses(asked.where) else []
    causes += ["asking for every word"] if asked.words == "exact" else []
    causes += ["a least relevance"] if asked.min_relevance else []
    causes += ['"phrases" and -words'] if _has_conditions(asked) else []
    without = f"Try without {' and '.join(causes)}" if causes else "Try other words"
    return f"Nothing was found for {quoted(asked.query)} on {counted(pages, 'page')}. {without}."


def _has_conditions(asked: SearchRequest) -> bool:
    try:
        return asked.words != "plain" and bool(parse_typed(asked.query).conditions)
    except UsageError:
        return False
