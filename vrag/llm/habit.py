"""How an endpoint wants to be asked: what it cannot do is found out when it says so."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from vrag.llm.message import Shape
from vrag.llm.refusals import StatusError, TooLongError, TooManyPicturesError

_LESS = {"json_schema": "json_object", "json_object": "text"}
_OF_FORMS = ("response_format", "json", "schema", "grammar")  # words of an endpoint that refuses the first of them
_REFUSING = frozenset({400, 404, 422, 500, 501})


@dataclass(frozen=True, slots=True)
class Habit:
    """How an endpoint is asked.

    Args:
        form: How it is told the form of an answer: by "json_schema", by "json_object", or in the "text" alone.
        has_temperature: Whether it is told to choose the likeliest words.
        has_usage: Whether it is asked to say at the end how much it has read.
        pictures: That it takes at once; None while it has not refused any.
    """

    form: str = "json_schema"
    has_temperature: bool = True
    has_usage: bool = True
    pictures: int | None = None

    def fields(self, shape: Shape | None) -> dict[str, Any]:
        """Fields of a request."""
        fields: dict[str, Any] = {"temperature": 0} if self.has_temperature else {}
        if self.has_usage:
            fields["stream_options"] = {"include_usage": True}
        if shape is None or self.form == "text":
            return fields
        schema = {"name": shape.name, "strict": True, "schema": dict(shape.schema)}
        form = {"type": self.form, **({"json_schema": schema} if self.form == "json_schema" else {})}
        return {**fields, "response_format": form}

    def less(self, error: StatusError) -> Habit | None:
        """The habit without what the endpoint has refused; None where it has refused something else."""
        said = error.said.casefold()
        if error.status not in _REFUSING or isinstance(error, (TooLongError, TooManyPicturesError)):
            return None
        if self.has_usage and ("stream_options" in said or "include_usage" in said):
            return replace(self, has_usage=False)
        if self.has_temperature and "temperature" in said:
            return replace(self, has_temperature=False)
        if self.form in _LESS and any(word in said for word in _OF_FORMS):
            return replace(self, form=_LESS[self.form])
        return None
