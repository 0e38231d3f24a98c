"""Requests to an endpoint over HTTP: patient with one that is busy, and with errors of ours alone.

httpx and not the package `openai`: that one brings fifteen packages and a second of import for a single request, and
httpx is there already.
"""

from __future__ import annotations

import json
import logging
import random
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from vrag.errors import LlmError
from vrag.llm.llm import Llm
from vrag.llm.refusals import StatusError, after
from vrag.llm.streaming import HeardStream, broken_off, silent
from vrag.runtime.hosts import is_local
from vrag.runtime.pathtext import shown
from vrag.runtime.stopping import TAKEN_BACK, is_stopped, waking

LONGEST_WAIT_S = 60.0  # that an endpoint may ask for before the next try
_PAUSE_S = 0.5  # before the second try, twice as long before the next
_CONNECT_S = 10.0
_BUSY = frozenset({429, 500, 502, 503, 504, 529})
_SAID = 64 << 10  # bytes of a refusal that are read
_CONNECTED = ("connection.connect_tcp.complete", "connection.start_tls.complete")
_BEGINNING = "http11.receive_response_headers."
Refuse = Callable[[int, bytes], StatusError]  # the error of a status and what is said with it
_log = logging.getLogger(__name__)


class _HangUp:
    """Ends the connections of a request from another thread, also while an answer is waited for.

    Args:
        timeout_s: Seconds in which an answer must begin once the request is sent; the library bounds each read of it.
    """

    def __init__(self, timeout_s: float) -> None:
        self.is_late = False  # whether it did not
        self._timeout_s = timeout_s
        self._timer: threading.Timer | None = None
        self._lock = threading.Lock()
        self._streams: list[Any] = []
        self._is_over = False

    def trace(self, event: str, about: Mapping[str, Any]) -> None:
        """Told by the library what it does."""
        if event in _CONNECTED:
            with self._lock:
                self._streams.append(about["return_value"])
                is_over = self._is_over
            if is_over:
                self()
        elif event.startswith(_BEGINNING):
            self._time(is_begun=event.endswith(".started"))

    def __call__(self) -> None:
        """End them; none is begun any more."""
        with self._lock:
            self._is_over = True
            streams = list(self._streams)
        for stream in streams:
            with suppress(OSError):  # of the socket below TLS, which the other thread is at
                socket.socket.shutdown(stream.get_extra_info("socket"), socket.SHUT_RDWR)

    def _time(self, is_begun: bool) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if is_begun:
            self._timer = threading.Timer(self._timeout_s, self._give_up)
            self._timer.daemon = True
            self._timer.start()

    def _give_up(self) -> None:
        self.is_late = True
        self()


class LlmConnection(AbstractContextManager["LlmConnection"]):
    """Connections to an endpoint, for one thread; closed at its end.

    Args:
        llm: Whose endpoint it is.

    Raises:
        LlmError: The environment names a proxy or certificates that cannot be used.
    """

    def __init__(self, llm: Llm) -> None:
        parts = urlsplit(llm.url)
        is_here = is_local(parts.hostname or "")
        if llm.key and parts.scheme == "http" and not is_here:
            _log.warning("The model's key goes to %s without encryption: use https across a network.", parts.hostname)
        self._llm = llm
        key = {"Authorization": f"Bearer {llm.key}"} if llm.key else {}
        try:
            self._client = httpx.Client(
                headers={"Accept-Encoding": "identity", "User-Agent": "vrag", **key},
                timeout=httpx.Timeout(llm.timeout_s, connect=min(_CONNECT_S, llm.timeout_s)),
                trust_env=not is_here,  # what goes to this machine goes through nobody's proxy
                follow_redirects=False,  # pages and key go where the user has said
                limits=httpx.Limits(max_keepalive_connections=0),  # each request has its own, which can be ended
            )
        except (ValueError, ImportError, httpx.InvalidURL) as error:
            raise LlmError(f"The proxy that the environment names cannot be used{after(str(error))}") from error
        except OSError as error:
            why = after(error.strerror or str(error))
            raise LlmError(f"The certificates that SSL_CERT_FILE or SSL_CERT_DIR names cannot be used{why}") from error

    def __exit__(self, *_: object) -> None:
        self._client.close()

    @contextmanager
    def opened(
        self, path: str, body: Mapping[str, Any] | None, refuse: Refuse, tries: int, timeout_s: float | None = None
    ) -> Iterator[httpx.Response]:
        """An answer with status 200, not read yet; its connection is closed with the block.

        Args:
            path: Below the address.
            body: To be posted; None to get what is there.
            refuse: Makes the error of another status.
            tries: As long as the endpoint is busy.
            timeout_s: Seconds without a word; by default the model's.

        Raises:
            LlmError: There is none; also what happens in the block while it is read.
        """
        hang_up = _HangUp(timeout_s or self._llm.timeout_s)
        with self._reached(hang_up), waking(hang_up):
            response = self._sent(self._request(path, body, timeout_s, hang_up), refuse, tries)
            try:
                yield response
            finally:
                response.close()

    def _request(
        self, path: str, body: Mapping[str, Any] | None, timeout_s: float | None, hang_up: _HangUp
    ) -> httpx.Request:
        url = f"{self._llm.url}/{path}"
        timeout = httpx.USE_CLIENT_DEFAULT if timeout_s is None else httpx.Timeout(timeout_s)
        how: dict[str, Any] = {"timeout": timeout, "extensions": {"trace": hang_up.trace}}
        if body is None:
            return self._client.build_request("GET", url, **how)
        kind = {"Content-Type": "application/json"}
        return self._client.build_request("POST", url, content=json.dumps(body), headers=kind, **how)

    def _sent(self, request: httpx.Request, refuse: Refuse, tries: int) -> httpx.Response:
        for number in range(1, tries + 1):
            response = self._client.send(request, stream=True)
            assert isinstance(response.stream, httpx.SyncByteStream)
            response.stream = HeardStream(response.stream, self._llm)
            if response.status_code == 200:
                return _plain(response, self._llm)
            try:
                said = _beginning(response)
            finally:
                response.close()
            error = refuse(response.status_code, said)
            asked = _seconds(response.headers.get("retry-after", ""))
            if number == tries or response.status_code not in _BUSY or (asked or 0) > LONGEST_WAIT_S:
                break
            usual = _PAUSE_S * 2 ** (number - 1) * random.uniform(1, 1.5)  # so that many do not come back at once
            if _slept(usual if asked is None else asked):
                break
        raise error

    @contextmanager
    def _reached(self, hang_up: _HangUp) -> Iterator[None]:
        """Faults on the way as errors of ours."""
        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            why = after(shown(str(error)))
            raise LlmError(f"No language model answers at {self._llm.url}{why}", "Is it running?") from error
        except httpx.TimeoutException as error:
            raise silent(self._llm) from error
        except httpx.InvalidURL as error:
            raise LlmError(f"{self._llm.url} is no address: {error}.") from error
        except (httpx.HTTPError, httpx.StreamError) as error:
            if is_stopped():
                raise LlmError(TAKEN_BACK) from error
            raise silent(self._llm) if hang_up.is_late else broken_off(self._llm) from error


def _slept(seconds: float) -> bool:
    """Whether somebody asked to stop meanwhile."""
    woken = threading.Event()
    with waking(woken.set):
        return woken.wait(seconds)


def _plain(response: httpx.Response, llm: Llm) -> httpx.Response:
    """The answer, unless it is packed and could unfold to gigabytes."""
    if response.headers.get("content-encoding", "identity") != "identity":
        response.close()
        raise LlmError(f"What answers at {llm.url} packs its answers, which was not asked for.")
    return response


def _beginning(response: httpx.Response) -> bytes:
    said = b""
    for chunk in response.iter_raw():
        said += chunk
        if len(said) > _SAID:
            break
    return said


def _seconds(said: str) -> float | None:
    """What `Retry-After` says, as seconds from now: it is a number or a date."""
    try:
        return max(0.0, float(said))
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(said)
    except (ValueError, OverflowError):
        return None
    until = until if until.tzinfo else until.replace(tzinfo=timezone.utc)
    return max(0.0, (until - datetime.now(timezone.utc)).total_seconds())
