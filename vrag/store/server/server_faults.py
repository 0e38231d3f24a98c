"""The border where what a Qdrant server or the network can do wrong becomes a sentence.

A fault is transient when the same request may well succeed a moment later. Every request that vrag
makes can be repeated without harm: writes are upserts of content-addressed ids.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass, replace
from typing import Any

import grpc
import httpx
from pydantic import ValidationError
from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from vrag.store.server.border import UntrustedError, seconds_to_wait

_KEY_HINT = "Set QDRANT_API_KEY to the server's key."
_REACH_HINT = "Is the server running, and is the address right? It is given by --url or QDRANT_URL."
_SIZE_HINT = "Raise max_request_size_mb on the server, or use a pipeline with fewer vectors a page."
_CODES = grpc.StatusCode
# What the client library raises over an answer that has not the form it expects, and over arguments that it refuses.
UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, AssertionError, ArithmeticError)


@dataclass(frozen=True, slots=True)
class Fault:
    """What went wrong.

    Args:
        says: The end of a sentence that starts with the server's address: "is not reachable".
        hint: What to do about it.
        transient: Whether trying again is worth it.
        wait: Seconds the server asked to be left alone; None when it did not.
        refused: Nobody listens there at all.
        unfit: Nothing there can be used; another node may do.
        late: It had not answered when the attempt's time was over.
        where: The address, where there are several.
    """

    says: str
    hint: str = ""
    transient: bool = False
    wait: float | None = None
    refused: bool = False
    unfit: bool = False
    late: bool = False
    where: str = ""

    @property
    def elsewhere(self) -> bool:
        """Whether another node may be asked instead."""
        return self.transient or self.unfit


class UnfitError(Exception):
    """What answers at an address cannot be used.

    Args:
        says: The end of a sentence that starts with the server's address.
        hint: What to do about it.
    """

    def __init__(self, says: str, hint: str) -> None:
        super().__init__(says)
        self.says = says
        self.hint = hint


class OpeningError(Exception):
    """A node could not be connected to; its cause says why."""


def fault_of(error: BaseException) -> Fault | None:
    """The fault behind an exception of the client library; None for one that is not the server's or the network's."""
    for kind, read in _READERS:
        if isinstance(error, kind):
            return read(error)
    return None


def _from_status(error: Any) -> Fault:
    status, said = int(error.status_code or 0), _server_text(error.content)
    if status in (401, 403):
        return Fault("refused the key", _KEY_HINT)
    if status == 404:
        return Fault(f"does not have that: {said}", "Was the collection deleted? Ingest makes it again.")
    if status == 413:
        return Fault("found a request too large", _SIZE_HINT)
    if status == 429 or status >= 500:
        wait = seconds_to_wait((error.headers or {}).get("retry-after", ""))
        return Fault(f"answered {status}: {said}", "Try again later.", transient=True, wait=wait)
    return Fault(f"rejected the request ({status}): {said}", _hint_for(said))


def _from_client(error: Any) -> Fault:
    return fault_of(error.source) or Fault(f"failed: {str(error.source)}")


def _from_connect(error: Any) -> Fault:
    if any(isinstance(cause, ssl.SSLError) for cause in _causes(error)):
        return Fault(f"cannot be trusted over TLS: {error}", "Name your own authority's certificate in SSL_CERT_FILE.")
    return Fault("is not reachable", _REACH_HINT, transient=True, refused=True)


def _from_timeout(error: Any) -> Fault:
    return Fault("did not answer in time", "Give it more time with --timeout SECONDS.", transient=True, late=True)


def _from_cut(error: Any) -> Fault:
    return Fault("broke off its answer", "Try again; a proxy in between may be at fault.", transient=True)


def _from_garbled(error: Any) -> Fault:
    return Fault("answered something that is not Qdrant's", _REACH_HINT, transient=True)


def _from_busy(error: Any) -> Fault:
    wait = seconds_to_wait(str(error.retry_after_s))
    return Fault("is too busy", "Try again later.", transient=True, wait=wait)


def _from_untrusted(error: Any) -> Fault:
    return Fault(str(error), "A broken server answers so, or a hostile one; is the address right?")


def _from_unfit(error: Any) -> Fault:
    return Fault(error.says, error.hint)


def _from_opening(error: Any) -> Fault | None:
    found = fault_of(error.__cause__)
    return replace(found, unfit=True) if found else None


def _from_grpc(error: Any) -> Fault:
    """By its code; where one code stands for several faults, gRPC tells them apart by its text alone."""
    code, said = error.code(), (error.details() or "")
    if code in (_CODES.UNAUTHENTICATED, _CODES.PERMISSION_DENIED):
        return Fault("refused the key", _KEY_HINT)
    if code is _CODES.RESOURCE_EXHAUSTED and "Received message larger" in said:
        return _from_untrusted("sent more than was asked for")
    if code is _CODES.RESOURCE_EXHAUSTED and "larger than" in said:
        return Fault(f"found a request too large: {said}", _SIZE_HINT)
    if code is _CODES.UNAVAILABLE:
        return Fault("is not reachable", _REACH_HINT, transient=True, refused="refused" in said)
    if code is _CODES.DEADLINE_EXCEEDED:
        return _from_timeout(error)
    if code in (_CODES.RESOURCE_EXHAUSTED, _CODES.INTERNAL, _CODES.ABORTED, _CODES.CANCELLED, _CODES.UNKNOWN):
        return Fault(f"failed: {said}", "Try again later.", transient=True)
    if code is _CODES.NOT_FOUND:
        return Fault(f"does not have that: {said}", "Was the collection deleted? Ingest makes it again.")
    return Fault(f"rejected the request ({code.name}): {said}", _hint_for(said))


_READERS: tuple[tuple[type | tuple[type, ...], Callable[[Any], Fault | None]], ...] = (
    (UnexpectedResponse, _from_status),
    (ResourceExhaustedResponse, _from_busy),
    (ResponseHandlingException, _from_client),
    (UntrustedError, _from_untrusted),
    (UnfitError, _from_unfit),
    (OpeningError, _from_opening),
    (httpx.ConnectError, _from_connect),
    ((httpx.TimeoutException, TimeoutError, FutureTimeoutError), _from_timeout),
    (httpx.TransportError, _from_cut),
    ((json.JSONDecodeError, UnicodeDecodeError, ValidationError, httpx.DecodingError, RecursionError), _from_garbled),
    (grpc.RpcError, _from_grpc),
)


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _hint_for(said: str) -> str:
    if "multi" in said.lower() and "vector" in said.lower():
        return "A multivector must stay below 1,048,576 numbers: pool the page or render it smaller."
    return "A server older than this vrag needs, or a collection of another program, answers so."


def _server_text(content: bytes) -> str:
    """The server's own words in an error body, which may be anything."""
    try:
        said = str(json.loads(content)["status"]["error"])
    except (ValueError, LookupError, TypeError, RecursionError):
        said = content.decode("utf-8", "replace").strip()
    return said or "no reason given"
