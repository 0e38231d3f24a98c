"""`/v1/reports`: evaluation reports that lie in the index's folder `reports/`, listed and opened."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from html import unescape
from pathlib import Path as FilePath
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Path
from starlette.responses import FileResponse, Response

from vrag.serve.http.here import Here, HereNow
from vrag.serve.http.json_answer import JsonAnswer
from vrag.serve.http.problems import ProblemError, documented
from vrag.serve.http.response_shapes import ReportsOut

router = APIRouter(tags=["reports"])
FOLDER, FILE = "reports", "report.html"
_NAME = re.compile(r"[\w-][\w .-]{0,199}")
_TITLE = re.compile(rb"<title>([^<]{1,300})</title>")
_HEAD = 4096  # bytes in which a title stands
# A report is one file with its own styles and scripts; in the sandbox they can reach nothing of the service.
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; font-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox allow-scripts"
)


@router.get("/v1/reports", summary="List reports", response_model=ReportsOut, responses=documented())
def reports(here: HereNow) -> JsonAnswer:
    """Reports that `vrag eval --out INDEX/reports/NAME` wrote, the newest first."""
    found = [(file.stat().st_mtime, name, file) for name, file in _files(here).items()]
    rows = [
        {
            "name": name,
            "title": _title(file) or name,
            "created": datetime.fromtimestamp(made, timezone.utc).isoformat(timespec="seconds"),
            "url": f"/v1/reports/{quote(name)}",
        }
        for made, name, file in sorted(found, reverse=True)
    ]
    return JsonAnswer({"reports": rows})


@router.get(
    "/v1/reports/{name}",
    summary="One report",
    response_class=Response,
    responses={200: {"content": {"text/html": {"schema": {"type": "string"}}}}, **documented(404)},
)
def report(here: HereNow, name: Annotated[str, Path(description="As listed.", max_length=300)]) -> Response:
    """The report, a page of HTML that may run its own scripts and reach nothing."""
    file = _files(here).get(name)
    if file is None:
        raise ProblemError(404, "There is no such report.", "GET /v1/reports lists them.")
    return FileResponse(file, media_type="text/html; charset=utf-8", headers={"Content-Security-Policy": _POLICY})


def _files(here: Here) -> dict[str, FilePath]:
    """Reports by name: `NAME/report.html` of the folder; what is reached by links is left out."""
    root = here.service.index.path
    folder = root / FOLDER if root else None
    if folder is None or not folder.is_dir() or folder.is_symlink():
        return {}
    named = {entry.name: entry / FILE for entry in folder.iterdir() if _NAME.fullmatch(entry.name)}
    return {
        n: file for n, file in named.items() if file.is_file() and not (file.is_symlink() or file.parent.is_symlink())
    }


def _title(file: FilePath) -> str:
    with file.open("rb") as opened:
        match = _TITLE.search(opened.read(_HEAD))
    return unescape(match[1].decode("utf-8", "replace")) if match else ""
