"""A service at an address: calls over HTTP, for programs on other machines; files stay where they are."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from vrag.errors import BusyError, StoreError, UsageError, VragError
from vrag.remote.channel import Told, last_of
from vrag.remote.wire import dumps
from vrag.runtime.hosts import is_local
from vrag.settings import TOKEN_ENV
from vrag.version import __version__

CALLS_PATH = "/v1/calls"
FAILED = 422  # status of a call that came to an error, which is its answer
ASKED_S = 5.0  # seconds in which a server says what it is
ANSWER_S = 120.0  # seconds that a call may take; long work is asked for again and again
POLL_S = 0.3  # between two questions how far a job is
LOCAL = ("ingest", "gone", "forget")  # calls about files of whoever asks
_log = logging.getLogger(__name__)


class UrlChannel:
    """Calls to a service over HTTP, each over a connection of its own: any number of threads may call at once.

    Args:
        url: The service's address, `http://` or `https://`, without a slash at its end.
        token: For a service that wants one; else empty.
    """

    def __init__(self, url: str, token: str = "") -> None:
        self._url = url
        self._token = token

    @classmethod
    def find(cls, url: str) -> UrlChannel | None:
        """The service at an address; None when none answers there, as where a Qdrant server is.

        The token (`VRAG_TOKEN`) is sent to nobody but a service that wants one.

        Raises:
            UsageError: The service wants another token.
        """
        url, token = url.rstrip("/"), os.environ.get(TOKEN_ENV, "")
        try:
            channel = cls(url)
            status, body = channel._ask("GET", "/v1/index", b"", ASKED_S)
            if status == 401 and "hint" in _json(body) and token:
                _warn_of_plain(url)
                channel = cls(url, token)
                status, body = channel._ask("GET", "/v1/index", b"", ASKED_S)
        except StoreError:
            return None
        if status == 401 and "hint" in _json(body):
            raise _refused(url, status, body)
        return channel if status == 200 and "vrag" in _json(body) else None

    def call(
        self,
        name: str,
        arguments: Mapping[str, Any],
        told: Told | None = None,
        found: Callable[[Any], None] | None = None,
    ) -> Any:
        """What the service answers; arguments and errors are those of `vrag.remote.channel.Channel.call`.

        Steps of long work are not told over HTTP, and Ctrl-C stops it.

        Raises:
            UsageError: The call is about files of this machine.
        """
        if name in LOCAL:
            raise UsageError(
                f"A service at an address reads no files of this machine: {self._url}.",
                "Upload them in its page, or with POST /v1/documents.",
            )
        answer = self._answer(name, arguments)
        is_long = isinstance(answer, dict) and set(answer) == {"job"}
        return self._ended(answer["job"]) if is_long else answer

    def _ended(self, job: str) -> Any:
        """What a job found, once it has ended."""
        try:
            while "found" not in (answer := self._answer("job", {"id": job})):
                time.sleep(POLL_S)
        except KeyboardInterrupt:
            self._answer("cancel", {"id": job})
            raise
        return answer["found"]

    def _answer(self, name: str, arguments: Mapping[str, Any]) -> Any:
        line = dumps({"arguments": dict(arguments), "version": __version__})
        status, body = self._ask("POST", f"{CALLS_PATH}/{name}", line, ANSWER_S)
        if status not in (200, FAILED):
            raise _refused(self._url, status, body)
        return last_of(body)

    def _ask(self, method: str, path: str, body: bytes, timeout: float) -> tuple[int, bytes]:
        """Status and body of what a server answers.

        Raises:
            StoreError: It does not answer, or not in time, or not HTTP.
        """
        parts = urlsplit(self._url)
        connect = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        headers = {"Content-Type": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        try:
            connection = connect(parts.hostname or "", parts.port, timeout=timeout)
            try:
                connection.request(method, parts.path + path, body or None, headers)
                answer = connection.getresponse()
                return answer.status, answer.read()
            finally:
                connection.close()
        except TimeoutError as error:
            hint = "It may be busy: try again."
            raise StoreError(f"The service at {self._url} did not answer within {timeout:.0f} s.", hint) from error
        except (OSError, HTTPException, ValueError) as error:
            hint = "Is the address right, and vrag serve running?"
            raise StoreError(f"Nothing answers at {self._url}: {error}.", hint) from error


def _warn_of_plain(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme == "http" and not is_local(parts.hostname or ""):
        _log.warning("The token goes to %s without encryption: use https across a network.", parts.hostname)


def _refused(url: str, status: int, body: bytes) -> VragError:
    said = _json(body)
    detail = str(said.get("detail") or f"it answers with status {status}.")
    hint = f"Set {TOKEN_ENV}." if status == 401 else str(said.get("hint", ""))
    kind = BusyError if status == 503 else UsageError
    return kind(f"The service at {url} refuses: {detail}", hint)


def _json(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
