"""JSON as the service writes it."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import JSONResponse


class JsonAnswer(JSONResponse):
    """JSON in UTF-8; where a file's name has bytes that are none, they are escaped as `\\udcXX`."""

    def render(self, content: Any) -> bytes:
        """The bytes of the body."""
        try:
            return _dumped(content, ascii_only=False).encode("utf-8")
        except UnicodeEncodeError:
            return _dumped(content, ascii_only=True).encode("ascii")


def _dumped(content: Any, ascii_only: bool) -> str:
    return json.dumps(content, ensure_ascii=ascii_only, allow_nan=False, separators=(",", ":"))
