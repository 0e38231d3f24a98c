"""The text of an answer, piece by piece as it comes, within bounds of size and patience."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
from httpx_sse import EventSource

from vrag.errors import LlmError
from vrag.llm.llm import Llm
from vrag.llm.refusals import CutError, after, one_line, said_in
from vrag.runtime.parsing import MalformedError, parse_json

MOST_BYTES = 16 << 20  # of an answer on its way: a word takes some 300 of them, and models that think say much
MOST_JSON = 4 << 20  # of them that are one JSON text, which takes thirty times as much memory
MOST_SECONDS = 3600.0  # of an answer: one that comes a letter a minute never ends
MOST_CHARACTERS = 64 << 10  # of what is said at last; a model that repeats itself never ends
_OPENING, _CLOSING = "<think>", "</think>"
_DONE = "[DONE]"
_EVENTS = "text/event-stream"


class HeardStream(httpx.SyncByteStream):
    """The bytes of an answer, while they are few enough and somebody says something.

    Args:
        stream: They come from.
        llm: Whose they are.
    """

    def __init__(self, stream: httpx.SyncByteStream, llm: Llm) -> None:
        self._stream = stream
        self._llm = llm
        self._left = MOST_BYTES
        self._end = time.monotonic() + MOST_SECONDS
        self.heard()

    def heard(self) -> None:
        """A word has come: what came before it is forgiven."""
        self._until = time.monotonic() + self._llm.timeout_s

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._stream:
            self._left -= len(chunk)
            if self._left < 0:
                raise LlmError(f"The language model at {self._llm.url} says more than {MOST_BYTES >> 20} MiB.")
            now = time.monotonic()
            if now > self._until:
                raise silent(self._llm)
            if now > self._end:
                raise _cut(self._llm)
            yield chunk

    def close(self) -> None:
        """Let go of the connection."""
        self._stream.close()


def silent(llm: Llm) -> LlmError:
    """The error of a model that says nothing for too long."""
    hint = "It may still be loading, or be slow: try again, or with fewer pages."
    return LlmError(f"The language model at {llm.url} said nothing for {llm.timeout_s:g} s.", hint)


def text_of(response: httpx.Response, llm: Llm, read: Callable[[int], None] = lambda _: None) -> Iterator[str]:
    """What the model says, without what it thinks before; never empty pieces.

    Args:
        response: With status 200, not read yet, its stream `HeardStream`.
        llm: Whose it is.
        read: Told how many tokens the model has read, where the endpoint says so.

    Raises:
        CutError: It stopped in the middle.
        LlmError: It refuses, fails, or says no word that can be read.
    """
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == _EVENTS:
        pieces = _streamed(response, llm, read)
    elif kind == "application/json":
        pieces = _whole(response, llm, read)
    else:
        raise no_llm(llm, one_line(kind, llm) or "nothing")
    yield from _counted(_without_thoughts(pieces), llm)


def _streamed(response: httpx.Response, llm: Llm, read: Callable[[int], None]) -> Iterator[str]:
    assert isinstance(response.stream, HeardStream)
    response.headers["content-type"] = _EVENTS  # they are UTF-8, whatever it says: Python takes "zlib" for a charset
    has_ended, refused = False, ""
    for event in EventSource(response).iter_sse():
        if event.data.strip() == _DONE:
            has_ended = True
            break
        choice = _choice(event.data.encode("utf-8", "replace"), llm, read)
        delta = _dict(choice.get("delta"))
        if any(delta.values()):
            response.stream.heard()
        refused += _text(delta.get("refusal"))
        yield _text(delta.get("content"))
        has_ended |= _ends(choice, llm)
    if refused:
        raise _refused(llm, refused)
    if not has_ended:
        raise broken_off(llm)


def _whole(response: httpx.Response, llm: Llm, read: Callable[[int], None]) -> Iterator[str]:
    """From an endpoint that does not stream."""
    choice = _choice(response.read(), llm, read)
    message = _dict(choice.get("message"))
    if refused := _text(message.get("refusal")):
        raise _refused(llm, refused)
    yield _text(message.get("content"))
    _ends(choice, llm)


def no_llm(llm: Llm, sends: str) -> LlmError:
    """The error of something else that answers at its address."""
    return LlmError(f"What answers at {llm.url} is no language model: it sends {sends}.")


def broken_off(llm: Llm) -> LlmError:
    """The error of a connection that ended before the answer did."""
    return LlmError(f"The language model at {llm.url} broke off in the middle of its answer.", "Try again.")


def _choice(data: bytes, llm: Llm, read: Callable[[int], None]) -> dict[str, Any]:
    """The first choice of a chunk or an answer; empty when it has none, as where tokens are counted."""
    try:
        chunk = json_of(data)
    except MalformedError as error:
        raise no_llm(llm, "no JSON") from error
    if not isinstance(chunk, dict):
        raise no_llm(llm, "JSON of another kind")
    if chunk.get("error"):
        raise LlmError(f"The language model at {llm.url} fails{after(said_in(data, llm))}")
    tokens = _dict(chunk.get("usage")).get("prompt_tokens")
    if type(tokens) is int and tokens > 0:
        read(tokens)
    choices = chunk.get("choices")
    return _dict(choices[0] if isinstance(choices, list) and choices else None)


def json_of(data: bytes) -> Any:
    """What an endpoint sends as one JSON text.

    Raises:
        MalformedError: It is none, or too large.
    """
    if len(data) > MOST_JSON:
        raise MalformedError(f"larger than {MOST_JSON >> 20} MiB")
    return parse_json(data)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _ends(choice: dict[str, Any], llm: Llm) -> bool:
    """Whether the answer is over.

    Raises:
        CutError: Because there was no more room.
        LlmError: Because a filter forbids it.
    """
    why = choice.get("finish_reason")
    if why == "content_filter":
        raise _refused(llm, "a filter forbids the answer")
    if why == "length":
        raise _cut(llm)
    return bool(why)


def _refused(llm: Llm, why: str) -> LlmError:
    return LlmError(f"The language model at {llm.url} refuses to answer{after(one_line(why, llm))}")


def _cut(llm: Llm) -> CutError:
    hint = "Ask for fewer pages, or give the model more room."
    return CutError(f"The language model at {llm.url} stopped in the middle of its answer.", hint)


def _text(content: Any) -> str:
    """Text of a message, which some endpoints send in parts."""
    if isinstance(content, list):
        return "".join(_text(part.get("text")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _without_thoughts(pieces: Iterator[str]) -> Iterator[str]:
    """What models that think say aloud before they answer is left out."""
    start = ""
    for piece in pieces:
        start = (start + piece).lstrip()
        if not _OPENING.startswith(start[: len(_OPENING)]):
            yield start
            yield from pieces
        elif len(start) >= len(_OPENING):
            yield from _after_thoughts(start, pieces)
    if len(start) < len(_OPENING) and _OPENING.startswith(start):
        yield start


def _after_thoughts(start: str, pieces: Iterator[str]) -> Iterator[str]:
    held = start
    while _CLOSING not in held:
        piece = next(pieces, None)
        if piece is None:
            return
        held = held[-len(_CLOSING) :] + piece
    yield held.partition(_CLOSING)[2]
    yield from pieces


def _counted(pieces: Iterator[str], llm: Llm) -> Iterator[str]:
    left = MOST_CHARACTERS
    for piece in filter(None, pieces):
        left -= len(piece)
        if left < 0:
            raise _cut(llm)
        yield piece
