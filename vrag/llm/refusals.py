"""What an endpoint says when it does not answer, as one sentence and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from vrag.errors import LlmError
from vrag.llm.llm import KEY_ENV, Llm
from vrag.runtime.parsing import MalformedError, parse_json
from vrag.runtime.pathtext import quoted, shown

_LONGEST = 300  # characters of what an endpoint says that a message repeats
_TOO_LONG = re.compile(r"context.{0,20}(length|window|size)|too (long|large|many tokens)|maximum.{0,20}tokens", re.I)
_NO_MODEL = re.compile(
    r"model\b.{0,80}(not.{0,8}(found|exist|available|loaded)|unknown|invalid)|(no|invalid) model", re.I
)
_MOST = r"(?:most|up to|max\w*|only|than|limit\w*)"
_MOST_PICTURES = re.compile(  # "At most 1 image(s) may be provided", "Too many images. This model supports up to 5"
    rf"{_MOST}\D{{0,30}}?(\d{{1,3}})\s*image|images?\b.{{0,60}}?{_MOST}\D{{0,20}}?(\d{{1,3}})\b(?!\s*(?:[kmg]i?b|p|by))",
    re.IGNORECASE,
)
_NAMED = 5  # models that a hint names


class StatusError(LlmError):
    """An endpoint answers with a status that says no.

    Args:
        message: As of `VragError`.
        hint: As of `VragError`.
        status: Of HTTP.
        said: By the endpoint.
    """

    def __init__(self, message: str, hint: str = "", status: int = 0, said: str = "") -> None:
        super().__init__(message, hint)
        self.status = status
        self.said = said


class TooLongError(StatusError):
    """More was sent than the model has room for."""


class TooManyPicturesError(StatusError):
    """More pictures were sent than the model takes at once."""

    @property
    def most(self) -> int:
        """How many it takes."""
        found = _MOST_PICTURES.search(self.said)
        return int(next(filter(None, found.groups()))) if found else 0


class CutError(LlmError):
    """The model stopped in the middle of its answer, for want of room."""


def refusal(llm: Llm, status: int, body: bytes, models: Sequence[str] = ()) -> StatusError:
    """The error of an answer whose status is not 200.

    Args:
        llm: That was asked.
        status: Of HTTP.
        body: What came with it; its beginning will do.
        models: That the endpoint lists; none when it lists none.
    """
    said = said_in(body, llm)
    kind = _kind(status, said)
    message, hint = _told(llm, status, said, models)
    return kind(message, hint, status, said)


def _kind(status: int, said: str) -> type[StatusError]:
    if status == 413 or (status == 400 and _TOO_LONG.search(said)):
        return TooLongError
    return TooManyPicturesError if status in (400, 422) and _MOST_PICTURES.search(said) else StatusError


def _told(llm: Llm, status: int, said: str, models: Sequence[str]) -> tuple[str, str]:
    if status in (401, 403):
        what = "refuses the key" if llm.key else "wants a key"
        return f"The language model at {llm.url} {what}{after(said)}", f"Set {KEY_ENV}."
    is_missing = llm.model is not None and models and llm.model not in models
    if is_missing and (status == 404 or (status in (400, 422, 500) and _NO_MODEL.search(said))):
        return no_model(llm, models)
    if status == 404:
        return _not_there(llm, said)
    if status == 429:
        return f"The language model at {llm.url} is asked too often{after(said)}", "Wait, or look at your plan there."
    if 300 <= status < 400:
        return f"{llm.url} sends us elsewhere, where nothing is sent by itself.", "Name the address that answers."
    what = "fails" if status >= 500 else "refuses"
    return f"The language model at {llm.url} {what} with status {status}{after(said)}", ""


def no_model(llm: Llm, models: Sequence[str]) -> tuple[str, str]:
    """That an endpoint has no model of a name, and which it has."""
    named = one_line(", ".join(models[:_NAMED]), llm)
    more = f" and {len(models) - _NAMED} more" if len(models) > _NAMED else ""
    return f"There is no model {quoted(llm.model or '')} at {llm.url}.", f"It has {named}{more}."


def _not_there(llm: Llm, said: str) -> tuple[str, str]:
    if llm.model is not None and _NO_MODEL.search(said):
        return f"There is no model {quoted(llm.model)} at {llm.url}{after(said)}", "Is its name right?"
    return f"There is no language model at {llm.url}{after(said)}", "Most addresses end in /v1."


def said_in(body: bytes, llm: Llm) -> str:
    """The sentence in an error's body, on one line, without the key; empty when it has none."""
    try:
        said = parse_json(body)
    except MalformedError:
        said = body.decode("utf-8", "replace") if body.lstrip()[:1] != b"<" else ""  # pages for people say nothing
    return one_line(_sentence(said), llm)


def one_line(said: str, llm: Llm) -> str:
    """What an endpoint says, fit for a message: no terminal obeys it, and the key is not in it."""
    text = shown(" ".join(said.split()))
    text = text.replace(llm.key, "***") if llm.key else text
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _sentence(said: Any) -> str:
    """Endpoints write `{"error": {"message"}}`, `{"error"}`, `{"message"}` or `{"detail"}`."""
    if isinstance(said, str):
        return said
    if isinstance(said, list) and said:
        return _sentence(said[0])
    if isinstance(said, dict):
        return next((_sentence(said[key]) for key in ("error", "message", "detail", "msg") if said.get(key)), "")
    return ""


def after(said: str) -> str:
    """The end of a sentence that repeats what an endpoint says, where it says anything."""
    return f": {said.rstrip('.')}." if said else "."
