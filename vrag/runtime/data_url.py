"""Pictures inside of text: a page, a message or an answer that needs no other file."""

from __future__ import annotations

import base64


def data_url(data: bytes, kind: str = "jpeg") -> str:
    """A picture's bytes as a `data:` address.

    Args:
        data: Of the file.
        kind: Of picture, as its media type names it.
    """
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"
