"""Answers that whoever asks has already: 304 instead of the same once more."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, Response


def has(request: Request, tag: str) -> bool:
    """Whether whoever asks has what this tag stands for.

    Args:
        request: Its `If-None-Match` says so.
        tag: With its quotes.
    """
    given = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    return "*" in given or tag in given


def tag_of(*facts: Any) -> str:
    """The tag of an answer that depends on nothing but these."""
    return f'"{hashlib.sha256(repr(facts).encode("utf-8", "replace")).hexdigest()[:32]}"'


def file_answer(request: Request, file: Path, kind: str, headers: dict[str, str], status: int = 200) -> Response:
    """A file of ours, unless whoever asks has it."""
    answer = FileResponse(file, status, headers, kind, stat_result=file.stat())
    tag = answer.headers["etag"]
    return Response(status_code=304, headers={**headers, "ETag": tag}) if has(request, tag) else answer
