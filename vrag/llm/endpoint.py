"""A language model behind an endpoint of `chat/completions`, the protocol that all of them speak."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from functools import cached_property
from typing import Any

import httpx

from vrag.errors import LlmError
from vrag.llm.habit import Habit
from vrag.llm.llm import MODEL_ENV, Llm, is_name
from vrag.llm.llm_connection import LlmConnection
from vrag.llm.message import Message, Shape, message_json
from vrag.llm.refusals import StatusError, TooManyPicturesError, refusal
from vrag.llm.streaming import json_of, text_of
from vrag.runtime.parsing import MalformedError

TRIES = 3  # of a request that an endpoint is too busy for
_LIST_S = 10.0  # in which an endpoint lists its models
_ROOMS = ("n_ctx", "max_model_len", "context_length", "context_window", "max_context_length")
_MAY_BE_NAME = frozenset({400, 404, 422, 500})  # statuses of a request whose model is not there
_NO_LIST = frozenset({404, 405, 501})
_HABITS: dict[tuple[str, str], Habit] = {}  # by address and model, of this process; the last one to find out is right


class Endpoint(AbstractContextManager["Endpoint"]):
    """The way to a model for one question: for one thread, and closed at its end.

    Args:
        llm: The model.

    Raises:
        LlmError: The environment names a proxy or certificates that cannot be used.
    """

    def __init__(self, llm: Llm) -> None:
        self._llm = llm
        self._connection = LlmConnection(llm)
        self._unlisted: LlmError | None = None
        self.read_tokens: int | None = None  # of what was said to the model last; None where the endpoint does not say

    def __exit__(self, *_: object) -> None:
        self._connection.__exit__()

    @cached_property
    def llm(self) -> Llm:
        """The model by its name: where it was given none, the first one that the endpoint lists.

        Raises:
            LlmError: It lists none.
        """
        if self._llm.model is not None:
            return self._llm
        if self.listed:
            return replace(self._llm, model=self.listed[0]["id"])
        if self._unlisted is not None and getattr(self._unlisted, "status", 0) not in _NO_LIST:
            raise self._unlisted
        raise LlmError(f"The endpoint {self._llm.url} lists no model.", f"Name one: {MODEL_ENV}.") from self._unlisted

    @property
    def model(self) -> str:
        """Its name."""
        return self.llm.model or ""

    @property
    def room(self) -> int | None:
        """Tokens that the model reads and writes at once; None where the endpoint does not say."""
        listed = next((one for one in self.listed if one["id"] == self.model), {})
        meta = listed.get("meta")
        known = {**(meta if isinstance(meta, dict) else {}), **listed}
        sizes = (known.get(key) for key in _ROOMS)
        return next((size for size in sizes if type(size) is int and size > 0), None)

    @property
    def pictures(self) -> int | None:
        """Pictures that the model takes at once; None while it has not refused any."""
        return _HABITS.get(self._place, Habit()).pictures

    @property
    def _place(self) -> tuple[str, str]:
        return self.llm.url, self.model

    @cached_property
    def listed(self) -> list[dict[str, Any]]:
        """Models of the endpoint, each with its `id`, a name; none where it lists none."""
        try:
            with self._connection.opened("models", None, self._refusal_of_list, 1, _LIST_S) as response:
                found = json_of(response.read())
        except LlmError as error:
            self._unlisted = error
            return []
        except MalformedError:
            return []
        rows = found.get("data") if isinstance(found, dict) else None
        rows = rows if isinstance(rows, list) else []
        return [row for row in rows if isinstance(row, dict) and is_name(row.get("id"))]

    def say(
        self, messages: Sequence[Message], shape: Shape | None = None, tries: int = TRIES
    ) -> Generator[str, None, None]:
        """What the model answers, piece by piece; closing the iterator closes the connection.

        Args:
            messages: In order.
            shape: Of the answer; the endpoint may not keep to it.
            tries: Of a request that the endpoint is too busy for.

        Raises:
            TooLongError: The model has no room for that much.
            TooManyPicturesError: It takes fewer pictures at once, see `pictures`.
            CutError: It stopped in the middle of its answer; what came is what there is.
            LlmError: It cannot be reached, refuses or fails.
        """
        body = {"model": self.model, "messages": [message_json(one) for one in messages], "stream": True}
        self.read_tokens = None
        with ExitStack() as opened:
            yield from text_of(self._asked(body, shape, tries, opened), self.llm, self._read)

    def _read(self, tokens: int) -> None:
        self.read_tokens = tokens

    def _asked(self, body: Mapping[str, Any], shape: Shape | None, tries: int, opened: ExitStack) -> httpx.Response:
        """The answer to a request that is made in the way that the endpoint likes."""
        habit = _HABITS.get(self._place, Habit())
        while True:
            asked = {**body, **habit.fields(shape)}
            try:
                response = opened.enter_context(
                    self._connection.opened("chat/completions", asked, self._refusal, tries)
                )
            except TooManyPicturesError as error:
                _HABITS[self._place] = replace(habit, pictures=error.most)
                raise
            except StatusError as error:
                less = habit.less(error)
                if less is None:
                    raise
                habit = less
            else:
                _HABITS[self._place] = habit
                return response

    def _refusal(self, status: int, said: bytes) -> StatusError:
        models = [one["id"] for one in self.listed] if status in _MAY_BE_NAME else []
        return refusal(self.llm, status, said, models)

    def _refusal_of_list(self, status: int, said: bytes) -> StatusError:
        return refusal(self._llm, status, said)
