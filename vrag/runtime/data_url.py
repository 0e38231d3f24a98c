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


def data_in(url: str) -> bytes:
    """The bytes of a `data:` address, whatever kind it names.

    Raises:
        ValueError: It is no `data:` address in Base64.
    """
    head, comma, text = url.partition(",")
    if not (comma and head.startswith("data:") and head.endswith(";base64")):
        raise ValueError("it is no data: address in Base64")
    return base64.b64decode(text, validate=True)
