"""`/v1/search/like` and `/v1/search/image`: pages like a page, or like a picture."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter

from vrag.errors import UsageError
from vrag.runtime.data_url import data_in
from vrag.search.hit import Hit
from vrag.search.hit_reader import first_words
from vrag.search.hits_json import answer_json
from vrag.serve.http.bounds import IMAGE_PATH
from vrag.serve.http.explain_routes import check_page, documents_named
from vrag.serve.http.here import Here, HereNow
from vrag.serve.http.json_answer import JsonAnswer
from vrag.serve.http.problems import BODY, ProblemError, documented
from vrag.serve.http.request_shapes import ImageRequest, LikeRequest, clauses
from vrag.serve.http.response_shapes import SearchOut
from vrag.serve.http.search_routes import add_images, check_pictures, present

router = APIRouter(tags=["search"])


@router.post(
    "/v1/search/like",
    summary="Pages like a page",
    response_model=SearchOut,
    response_model_exclude_none=True,
    responses=documented(404, *BODY),
)
def search_like(asked: LikeRequest, here: HereNow) -> JsonAnswer:
    """The pages that are most like a page of the index, best first: what `vrag search --like DOC:PAGE --json` prints.

    `query` of the answer names the page.
    """
    documents = documents_named(here, asked.doc_id, asked.doc)
    if not documents:
        raise ProblemError(400, "Neither `doc` nor `doc_id` names a document.", "Send one of them.")
    check_page(here, documents, asked.page)
    index, doc = here.service.index, documents[0].paths[0] if asked.doc is None else asked.doc
    text = first_words(index.page_words(doc, asked.page))

    def search() -> list[Hit]:
        return index.search_like(doc, asked.page, asked.k, asked.cascade, clauses(asked.where))

    name = f"{index.documents.label(documents[0].doc_id)[0]}:{asked.page}"
    return JsonAnswer(_answer(here, asked, name, text, search))


@router.post(
    IMAGE_PATH,
    summary="Pages like a picture",
    response_model=SearchOut,
    response_model_exclude_none=True,
    responses=documented(*BODY),
)
def search_image(asked: ImageRequest, here: HereNow) -> JsonAnswer:
    """The pages that are most like a picture; a model that does not see reads its words, and searches for them.

    `query` of the answer is `image`.
    """
    try:
        picture = data_in(asked.image)
    except ValueError as error:
        raise UsageError("The picture is no data URI in Base64.", "e.g. data:image/png;base64,iVBOR...") from error

    index = here.service.index
    page = index.read_image(picture)  # by another process: nobody who searches waits for it

    def search() -> list[Hit]:
        return index.search_read(page, asked.k, asked.cascade, clauses(asked.where))

    return JsonAnswer(_answer(here, asked, "image", "", search))


def _answer(
    here: Here, asked: LikeRequest | ImageRequest, name: str, text: str, search: Callable[[], list[Hit]]
) -> dict[str, Any]:
    check_pictures(asked.include, asked.k)
    with here.service.searching():
        started = time.perf_counter()
        hits = search()
        took_ms = (time.perf_counter() - started) * 1000
        answer = answer_json(name, asked.cascade or here.service.index.default_cascade, took_ms, hits)
        present(here, text, hits, answer["hits"], asked.include)
    if "image" in asked.include:
        add_images(here, answer["hits"])
    return answer
