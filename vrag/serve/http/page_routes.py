"""`/v1/documents/{id}/pages/{n}`: a page's words and its pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from anyio import from_thread, to_thread
from fastapi import APIRouter, Query, Request, Response

from vrag import __version__
from vrag.catalog.documents import Document
from vrag.catalog.documents_json import title_of
from vrag.catalog.failures import Failure
from vrag.catalog.kinds import reading
from vrag.catalog.metadata import together
from vrag.catalog.payload import page_words
from vrag.pages.drawing import MOST_SIDE
from vrag.pages.page import Words
from vrag.search.query_text import MOST_CHARACTERS as LONGEST_QUERY
from vrag.search.query_text import Words as QueryWords
from vrag.serve.http.conditional import has, tag_of
from vrag.serve.http.document_rows import failure_row
from vrag.serve.http.drawn_pages import LEAST_WIDTH, MOST_WIDTH, THUMBNAIL_WIDTH, Format, encoded
from vrag.serve.http.here import MOST_WAITING, DocId, Here, HereNow, PageNumber, find_document, name_of, url_of
from vrag.serve.http.json_answer import JsonAnswer
from vrag.serve.http.originals import original_of
from vrag.serve.http.problems import ProblemError, documented, too_many_pictures
from vrag.serve.http.response_shapes import PageOut

router = APIRouter(tags=["pages"])
_KEPT_S = 3600  # for which a browser need not ask again: a document's bytes never change, how we draw them may
_ROUND = 5  # digits of a share of the page
_MOST_TOKENS = 100
Width = Annotated[int, Query(ge=LEAST_WIDTH, le=MOST_WIDTH, description="Pixels.")]


def _pictures(*kinds: str) -> dict[int | str, dict[str, Any]]:
    content = {f"image/{kind}": {"schema": {"type": "string", "format": "binary"}} for kind in kinds}
    unchanged = {"description": "What the browser has is still right.", "content": {}}
    return {200: {"description": "The picture.", "content": content}, 304: unchanged, **documented(404, 410)}


@router.get("/v1/documents/{id}/pages/{n}", summary="A page's words", response_model=PageOut, responses=documented(404))
def page(here: HereNow, doc_id: DocId, number: PageNumber) -> JsonAnswer:
    """Words of a page with their boxes and lines, its size, its metadata, and where its pictures are."""
    document = _with_page(here, doc_id, number)
    name, record = name_of(here, document), here.service.index.stored.page(doc_id, number)
    failure = _failure(here, document, number)
    if record is None and failure is None:
        raise ProblemError(404, f"Page {number} is not in the index yet.", "Wait for the job that indexes it.")
    payload = record.payload if record else {}
    words = page_words(payload) if record else Words()
    with reading("a page"):
        size = {side: float(payload[side]) if record else None for side in ("width", "height")}
    found = {
        "doc_id": doc_id,
        "doc": name,
        "title": title_of(document, name),
        "page": number,
        "pages": document.pages,
        **size,
        "source": str(payload.get("source", "none")),
        "words": _word_rows(words),
        "text": "\n".join(words.text_lines()),
        "metadata": together(document.layers),
        **_addresses(document, number),
    }
    return JsonAnswer({**found, "failure": failure_row(failure, doc_id)} if failure else found)


@router.get(
    "/v1/documents/{id}/pages/{n}/image",
    summary="A page's picture",
    response_class=Response,
    responses=_pictures("webp", "jpeg", "png"),
)
async def image(
    here: HereNow,
    request: Request,
    doc_id: DocId,
    number: PageNumber,
    width: Width = 1200,
    kind: Annotated[Format, Query(alias="format", description="How it is encoded.")] = "webp",
) -> Response:
    """The whole page as its file shows it, as wide as you ask; a very long one is narrower."""
    return await _picture(here, request, doc_id, number, width, kind)


@router.get(
    "/v1/documents/{id}/pages/{n}/thumbnail",
    summary="A page, small",
    response_class=Response,
    responses=_pictures("webp"),
)
async def thumbnail(here: HereNow, request: Request, doc_id: DocId, number: PageNumber) -> Response:
    """The page, 240 pixels wide."""
    return await _picture(here, request, doc_id, number, THUMBNAIL_WIDTH, "webp")


@router.get(
    "/v1/documents/{id}/thumbnail",
    summary="A document's first page, small",
    response_class=Response,
    responses=_pictures("webp"),
)
async def first_thumbnail(here: HereNow, request: Request, doc_id: DocId) -> Response:
    """Its first page, 240 pixels wide."""
    return await _picture(here, request, doc_id, 1, THUMBNAIL_WIDTH, "webp")


@router.get(
    "/v1/documents/{id}/pages/{n}/heatmap",
    summary="Where a query is answered",
    response_class=Response,
    responses=_pictures("png"),
)
def heatmap(
    here: HereNow,
    request: Request,
    doc_id: DocId,
    number: PageNumber,
    q: Annotated[str, Query(min_length=1, max_length=LONGEST_QUERY, description="The query.")],
    token: Annotated[
        list[int] | None,
        Query(max_length=_MOST_TOKENS, description="Rows of the query, from 0, as in `matches`; by default all."),
    ] = None,
    width: Annotated[int, Query(ge=LEAST_WIDTH, le=1600, description="Pixels.")] = 600,
    words: Annotated[QueryWords, Query(description="As in a search.")] = "typed",
) -> Response:
    """A transparent picture to lay over the page: the warmer, the better it answers the query, or some words of it."""
    document = _with_page(here, doc_id, number)
    record = here.service.index.stored.page(doc_id, number)
    if record is None:
        raise ProblemError(404, f"Page {number} is not in the index.", "It failed, or has not been read yet.")
    with reading("a page"):
        size = _heat_size(width, float(record.payload["height"]) / float(record.payload["width"]))
    tag = tag_of(__version__, here.service.index.fingerprint, doc_id, number, q, words, token, size)
    headers = {"ETag": tag, "Cache-Control": "private, max-age=60"}
    if has(request, tag):
        return Response(status_code=304, headers=headers)
    with here.service.searching():
        picture = here.service.index.heat(q, document, number, words).picture(size, token or ())
        data = encoded(picture, "png")
    return Response(data, media_type="image/png", headers=headers)


def _heat_size(width: int, shape: float) -> tuple[int, int]:
    """Width and height in pixels: a very long page is narrower, as its picture is."""
    width = max(1, min(width, round(MOST_SIDE / shape)))
    return width, max(1, min(round(width * shape), MOST_SIDE))


async def _picture(here: Here, request: Request, doc_id: str, number: int, width: int, kind: Format) -> Response:
    tag = f'"{doc_id[:32]}-{number}-{width}-{kind}"'
    headers = {"ETag": tag, "Cache-Control": f"private, max-age={_KEPT_S}"}

    def find() -> tuple[Path, Document, bytes | None]:
        document = _with_page(here, doc_id, number)
        return original_of(here, document), document, here.pictures.known(document, number, width, kind)

    def draw() -> bytes:
        if from_thread.run(_is_gone, request):
            raise ProblemError(408, "Nobody waits for the picture any more.")
        return here.pictures.get(file, document, number, width, kind)

    file, document, data = await to_thread.run_sync(find)
    if has(request, tag):
        return Response(status_code=304, headers=headers)
    if data is None:
        if here.drawing.statistics().tasks_waiting >= MOST_WAITING:
            raise too_many_pictures()
        data = await to_thread.run_sync(draw, limiter=here.drawing)
    return Response(data, media_type=f"image/{kind}", headers=headers)


async def _is_gone(request: Request) -> bool:
    await request.body()  # what comes after it tells
    return await request.is_disconnected()


def _with_page(here: Here, doc_id: str, number: int) -> Document:
    """The document, which has that page.

    Raises:
        ProblemError: 404, there is no such document or page.
    """
    document = find_document(here, doc_id)
    if number > document.pages:
        raise ProblemError(404, f"The document has {document.pages} pages.", "They count from 1.")
    return document


def _failure(here: Here, document: Document, number: int) -> Failure | None:
    return here.service.index.stored.failures().by_document().get(document.doc_id, {}).get(number)


def _word_rows(words: Words) -> list[dict[str, Any]]:
    boxes = words.boxes.round(_ROUND).astype(float).round(_ROUND).tolist()
    rows = zip(words.texts, boxes, words.lines.tolist(), strict=True)
    return [{"text": text, "box": box, "line": line} for text, box, line in rows]


def _addresses(document: Document, number: int) -> dict[str, str | None]:
    url = url_of(document.doc_id, "pages", number)
    return {
        "image_url": f"{url}/image",
        "thumbnail_url": f"{url}/thumbnail",
        "file_url": f"{url_of(document.doc_id, 'file')}#page={number}",
        "previous_url": url_of(document.doc_id, "pages", number - 1) if number > 1 else None,
        "next_url": url_of(document.doc_id, "pages", number + 1) if number < document.pages else None,
    }
