"""`/v1/documents`: what the index holds, and what it could not take."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import FileResponse, Response

from vrag.catalog.documents import Document
from vrag.catalog.documents_json import facet, metadata_keys, state_of, title_of
from vrag.search.query_text import MOST_CHARACTERS as LONGEST_QUERY
from vrag.serve.http.conditional import has
from vrag.serve.http.document_rows import document_rows, failure_row, one_row
from vrag.serve.http.here import DocId, HereNow, find_document
from vrag.serve.http.json_answer import JsonAnswer
from vrag.serve.http.originals import original_of
from vrag.serve.http.problems import ProblemError, documented
from vrag.serve.http.response_shapes import DocumentOut, DocumentsOut, FailuresOut

router = APIRouter(tags=["documents"])
MOST_LISTED = 200
_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})", re.ASCII)
_MOST_VALUES = 100  # of a facet
_ALL_KEYS = "*"
Sort = Literal["doc", "-doc", "title", "-title", "pages", "-pages", "added", "-added", "state", "-state"]
_TYPES = {".pdf": "application/pdf", ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg",
          ".tif": "image/tiff", ".tiff": "image/tiff", ".webp": "image/webp"}  # fmt: skip
# A viewer of PDFs is no web page and asks for nothing; whatever else a file is taken for may do nothing at all.
_OF_FILES = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox"


@router.get("/v1/documents", summary="List documents", response_model=DocumentsOut, responses=documented())
def documents(
    here: HereNow,
    limit: Annotated[int, Query(ge=0, le=MOST_LISTED, description="Documents wanted; 0 for counts alone.")] = 50,
    offset: Annotated[int, Query(ge=0, le=2**31 - 1, description="Documents to pass over.")] = 0,
    sort: Annotated[Sort, Query(description="By what; - turns it round.")] = "doc",
    q: Annotated[str, Query(max_length=LONGEST_QUERY, description="Part of a name, path or title.")] = "",
    where: Annotated[list[str] | None, Query(description="Filters; may be repeated.")] = None,
    state: Annotated[
        Literal["complete", "partial", "arriving"] | None, Query(description="Only those in this state.")
    ] = None,
    facets: Annotated[
        str, Query(max_length=4000, description="Metadata keys, joined by commas, whose values are counted; `*`: all.")
    ] = "",
) -> JsonAnswer:
    """Documents that meet every condition, a part at a time, and how often values of their metadata occur."""
    index = here.service.index
    chosen = [d for d in index.find_documents((), where or ()) if _is_wanted(d, q.casefold().strip(), state)]
    labels = index.documents.labels([document.doc_id for document in chosen])
    chosen = [document for document in chosen if document.doc_id in labels]  # the others have just been removed
    _sort(chosen, sort, lambda document: labels[document.doc_id][0])
    shown = document_rows(here, chosen[offset : offset + limit], index.stored.failures())
    counts = {key: facet(chosen, key)[:_MOST_VALUES] for key in _keys(facets, chosen)}
    return JsonAnswer({"total": len(chosen), "limit": limit, "offset": offset, "documents": shown, "facets": counts})


@router.get("/v1/failures", summary="List failures", response_model=FailuresOut, responses=documented())
def failures(here: HereNow) -> JsonAnswer:
    """Files and pages that could not be indexed, and why."""
    known = here.service.index.stored.failures()
    files = [failure_row(failure, None) for failure in known.all() if failure.page is None]
    pages = [failure_row(one, doc) for doc, failed in known.by_document().items() for one in failed.values()]
    return JsonAnswer({"failures": sorted([*files, *pages], key=lambda row: (row["path"], row["page"] or 0))})


@router.get("/v1/documents/{id}", summary="One document", response_model=DocumentOut, responses=documented(404))
def document(here: HereNow, doc_id: DocId) -> JsonAnswer:
    """A document with its metadata and what failed of it."""
    return JsonAnswer(one_row(here, find_document(here, doc_id)))


@router.head("/v1/documents/{id}/file", include_in_schema=False)
@router.get(
    "/v1/documents/{id}/file",
    summary="The file itself",
    response_class=Response,
    responses={
        200: {"description": "The file.", "content": {"*/*": {}}},
        206: {"description": "The part of it that was asked for.", "content": {"*/*": {}}},
        304: {"description": "What the browser has is still right.", "content": {}},
        **documented(404, 410, 416),
    },
)
def file(here: HereNow, request: Request, doc_id: DocId) -> Response:
    """The document's file, or a range of its bytes; 410 once it is not the one that was indexed any more."""
    known = find_document(here, doc_id)
    path = original_of(here, known)
    tag = f'"{known.doc_id}"'
    kept = {"Cache-Control": "private, no-cache", "ETag": tag}
    if has(request, tag):
        return Response(status_code=304, headers=kept)
    _choose_range(request, path.stat().st_size)
    return FileResponse(
        path,
        media_type=_TYPES.get(path.suffix.lower(), "application/octet-stream"),
        filename=path.name.encode("utf-8", "replace").decode("utf-8"),
        content_disposition_type="inline" if path.suffix.lower() in _TYPES else "attachment",
        headers={
            "Content-Security-Policy": _OF_FILES,
            **kept,
            "Accept-Ranges": "bytes",
        },
    )


def _choose_range(request: Request, size: int) -> None:
    """Let one range of bytes through; what is none, or several, is not asked for: the whole file answers it.

    Raises:
        ProblemError: 416, the file has no such part.
    """
    match = _RANGE.fullmatch(request.headers.get("range", ""))
    first, last = (match[1], match[2]) if match else ("", "")
    if first and int(first) >= size or last and not first and not int(last):
        headers = {"Content-Range": f"bytes */{size}"}
        raise ProblemError(416, f"The file has {size:,} bytes.", "Ask for bytes that it has.", headers)
    if not (first or last) or first and last and int(first) > int(last):
        request.scope["headers"] = [pair for pair in request.scope["headers"] if pair[0] != b"range"]


def _is_wanted(document: Document, part: str, state: str | None) -> bool:
    if state is not None and state_of(document) != state:
        return False
    return not part or any(part in text.casefold() for text in (*document.paths, title_of(document, "")))


def _sort(chosen: list[Document], by: Sort, name: Callable[[Document], str]) -> None:
    key = by.removeprefix("-")
    keys: dict[str, Callable[[Document], Any]] = {
        "doc": lambda d: name(d).casefold(),
        "title": lambda d: title_of(d, name(d)).casefold(),
        "pages": lambda d: d.pages,
        "added": lambda d: d.added,
        "state": state_of,
    }
    chosen.sort(key=lambda d: d.paths)
    chosen.sort(key=keys[key], reverse=by != key)


def _keys(facets: str, chosen: Sequence[Document]) -> list[str]:
    names = [name.strip() for name in facets.split(",") if name.strip()]
    return metadata_keys(chosen) if _ALL_KEYS in names else list(dict.fromkeys(names))
