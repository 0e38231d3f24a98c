"""A service at an address: calls over HTTP, for programs on other machines; files stay where they are."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from vrag.errors import StoreError, UsageError
from vrag.remote.channel import Told, last_of
from vrag.remote.wire import dumps
from vrag.version import __version__

TOKEN_ENV = "VRAG_TOKEN"
CALLS_PATH = "/v1/calls"
ASKED_S = 5.0  # seconds in which a server says what it is
ANSWER_S = 600.0  # seconds that a call may take: an index of millions of pages is verified in more
_FILES = ("ingest", "gone")  # calls about files of whoever asks


class UrlChannel:
    """Calls to a service over HTTP, each over a connection of its own: any number of threads may call at once.

    Args:
        url: The service's address, `http://` or `https://`; the token comes from `VRAG_TOKEN`.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def call(
        self,
        name: str,
        arguments: Mapping[str, Any],
        told: Told | None = None,
        found: Callable[[Any], None] | None = None,
    ) -> Any:
        """What the service answers; arguments and errors are those of `vrag.remote.channel.Channel.call`.

        Raises:
            UsageError: The call is about files of this machine, or the token is missing.
        """
        if name in _FILES:
            raise UsageError(
                f"A service at an address reads no files of this machine: {self.url}.",
                "Upload them in its page, or with POST /v1/documents.",
            )
        line = dumps({"arguments": dict(arguments), "version": __version__})
        status, body = request(self.url, "POST", f"{CALLS_PATH}/{name}", line, ANSWER_S)
        if status != 200:
            raise _refused(self.url, status, body)
        return last_of(body)


def is_service(url: str) -> bool:
    """Whether a vrag service answers at an address, and not a Qdrant server.

    Raises:
        UsageError: A service does, and wants a token.
    """
    try:
        status, body = request(url.rstrip("/"), "GET", "/v1/index", b"", ASKED_S)
    except StoreError:
        return False
    said = _json(body)
    if status == 401 and "hint" in said:
        raise _refused(url, status, body)
    return status == 200 and "vrag" in said


def request(url: str, method: str, path: str, body: bytes, timeout: float) -> tuple[int, bytes]:
    """Status and body of what a server answers.

    Args:
        url: Of the server, without a slash at its end.
        method: GET or POST.
        path: Below the address.
        body: Of the request.
        timeout: Seconds between two pieces of the answer.

    Raises:
        StoreError: It does not answer, or not HTTP.
    """
    parts = urlsplit(url)
    connect = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    headers = {"Content-Type": "application/json"}
    if token := os.environ.get(TOKEN_ENV):
        headers["Authorization"] = f"Bearer {token}"
    try:
        connection = connect(parts.hostname or "", parts.port, timeout=timeout)
        try:
            connection.request(method, parts.path + path, body or None, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()
    except (OSError, HTTPException, ValueError) as error:
        raise StoreError(
            f"Nothing answers at {url}: {error}.", "Check the address, and that vrag serve runs."
        ) from error


def _refused(url: str, status: int, body: bytes) -> UsageError:
    said = _json(body)
    detail = said.get("detail") or f"it answers with status {status}"
    hint = f"Set {TOKEN_ENV}." if status == 401 else str(said.get("hint", ""))
    return UsageError(f"The service at {url} refuses: {detail}", hint)


def _json(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
