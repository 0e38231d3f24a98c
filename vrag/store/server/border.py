"""The border: everything a server sends is bounded while it arrives, and checked before anything is made of it.

A server may be broken or hostile. What is refused here becomes one sentence (`vrag.store.server.server_faults`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from vrag.store.interface import BITS, BITS_SUM, Payload

ANSWER_BYTES = 256 << 20  # of one answer that was asked for in bulk: eight of the largest pages as JSON
SHORT_ANSWER_BYTES = 8 << 20  # of any other
ERROR_BYTES = 64 << 10  # of an answer that is an error
LONGEST_WAIT = 3600.0  # seconds a server may ask to be left alone; nobody waits as long
MOST_RECORDS = 1 << 40  # in a collection
_SAFE = (1 << 53) - 1  # whole numbers that JSON carries everywhere
_HIDDEN = "***"


class UntrustedError(Exception):
    """An answer that no server would send that means well; the text ends a sentence that starts with its address."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What an answer may take.

    Args:
        size: Bytes.
        until: By the monotonic clock.
    """

    size: int = SHORT_ANSWER_BYTES
    until: float = math.inf


_USUAL = Terms()
_TERMS: ContextVar[Terms] = ContextVar("terms", default=_USUAL)


@contextmanager
def terms(size: int | None = None, until: float | None = None) -> Iterator[None]:
    """Bound the answers to requests of this thread in a `with` block; None leaves a bound as it is."""
    now = _TERMS.get()
    token = _TERMS.set(Terms(now.size if size is None else size, now.until if until is None else until))
    try:
        yield
    finally:
        _TERMS.reset(token)


def hold_to_terms(response: httpx.Response) -> None:
    """A hook of httpx that runs before the body is read: its size, time and form are those of `terms`."""
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise UntrustedError("packed its answer, which was not asked for")
    now = _TERMS.get()
    size = ERROR_BYTES if response.status_code >= 400 else now.size
    response.stream = _Bounded(response.stream, Terms(size, now.until))
    wait = seconds_to_wait(response.headers.pop("retry-after", ""))
    if wait is not None:
        response.headers["retry-after"] = str(math.ceil(wait))


def seconds_to_wait(value: str) -> float | None:
    """What `Retry-After` says: a number of seconds or a date (RFC 9110, 10.2.3), between 0 and `LONGEST_WAIT`."""
    try:
        wait = float(value) if value.isascii() else math.nan
    except ValueError:
        wait = _seconds_until(value)
    return None if math.isnan(wait) else min(max(wait, 0.0), LONGEST_WAIT)


def hidden(text: str, secret: str | None) -> str:
    """A text without the secret in it."""
    return text.replace(secret, _HIDDEN) if secret else text


def check_points(points: Sequence[Any], limit: int) -> None:
    """Refuse more points than were asked for, and scores that are no numbers."""
    if len(points) > limit:
        raise UntrustedError(f"sent {len(points)} records where {limit} were asked for")
    for point in points:
        if not math.isfinite(getattr(point, "score", 0.0)):
            raise UntrustedError(f"sent the score {point.score}")


def check_payload(payload: Payload, keys: Sequence[str] | None) -> None:
    """Refuse a payload whose values are not of their keys' types, or that lacks what was asked for.

    Args:
        payload: As it came.
        keys: Those that were asked for; None for all there are.
    """
    for key, is_right in _VALUES.items():
        if key in payload and not is_right(payload[key]):
            raise UntrustedError(f"sent a record whose {key} is {str(payload[key])[:40]!r}")
    for key in _NEEDED.intersection(keys or ()):
        if key not in payload:
            raise UntrustedError(f"sent a record without its {key}")


def check_count(count: int) -> int:
    """A number of records that can be."""
    if not 0 <= count <= MOST_RECORDS:
        raise UntrustedError(f"counts {str(count)[:40]} records")
    return count


def check_ids(found: Collection[str], asked: Collection[str]) -> None:
    """Refuse records that were not asked for."""
    if not set(found) <= set(asked):
        raise UntrustedError("sent records that were not asked for")


def check_following(offset: Any, before: Any, found: Sequence[Any]) -> None:
    """Refuse a listing that does not go on: every part has records, and starts behind the one before."""
    if not found or (before is not None and str(offset) <= str(before)):
        raise UntrustedError("lists the same records again and again")


class _Bounded(httpx.SyncByteStream):
    """A body as it arrives, no longer and no later than its terms."""

    def __init__(self, stream: Any, bounds: Terms) -> None:
        self._stream = stream
        self._bounds = bounds

    def __iter__(self) -> Iterator[bytes]:
        left = self._bounds.size
        for chunk in self._stream:
            left -= len(chunk)
            if left < 0:
                raise UntrustedError(f"sent more than {self._bounds.size} bytes")
            if time.monotonic() > self._bounds.until:
                raise httpx.ReadTimeout("the time is over")
            yield chunk

    def close(self) -> None:
        """Hang up."""
        self._stream.close()


def _seconds_until(date: str) -> float:
    try:
        return parsedate_to_datetime(date).timestamp() - time.time()
    except (ValueError, TypeError, OverflowError):
        return math.nan


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _SAFE


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_table(value: Any) -> bool:
    return isinstance(value, dict)


def _is_tables(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_is_table, value.values()))


# Types of the values that vrag itself writes (`vrag.catalog`).
_TEXTS = ("kind", "doc_id", "state", "source", "renderer", "text", "boxes", "lines", "grid", "path", "reason", "hint")
_VALUES: Mapping[str, Callable[[Any], bool]] = {
    **dict.fromkeys((*_TEXTS, *BITS, "stamp", "words", "of", "added"), _is_text),
    **dict.fromkeys(("pages", "times", BITS_SUM), _is_count),
    **dict.fromkeys(("paths", "names", "stamps", "notes"), _is_texts),
    **dict.fromkeys(("meta", "types", "facts"), _is_table),
    "page": lambda value: value is None or _is_count(value),  # None: a failure of a whole file
    "layers": _is_tables,
}
_NEEDED = frozenset(("doc_id", "page", "paths"))
