"""What two pipelines say differently, and what it would cost to change it: the one rule for whether they agree."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, is_dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from vrag.errors import IndexMismatchError

if TYPE_CHECKING:
    from vrag.pages.page import PageSpec
    from vrag.pipeline.pipeline import Pipeline

BITS_ALONE = "bits.alone"  # a key of differences
_OF_SEARCH = ("regions", "context", "bits", "cascades", "default_cascade", "description", "server")


class Cost(Enum):
    """What has to be made anew for pages that are stored already."""

    NOTHING = "nothing"
    POOLED = "pooled vectors"
    EVERYTHING = "every vector"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that an index was made with, and that is asked for otherwise.

    Args:
        key: What it is: "dpi", "vectors.runs".
        made: As the index has it.
        asked: As it is wanted.
        cost: Of giving it to the index.
    """

    key: str
    made: str
    asked: str
    cost: Cost

    @property
    def parts_pages(self) -> bool:
        """Whether pages made as asked are no part of the index: also when it was asked for by another name."""
        return self.cost is not Cost.NOTHING or self.key == "pipeline"

    def error(self, index: str, hint: str) -> IndexMismatchError:
        """The sentence about it, the same everywhere.

        Args:
            index: What the index is called.
            hint: What can be done about it where it was found.
        """
        return IndexMismatchError(f"The index at {index} was made with {self.key} {self.made}, not {self.asked}.", hint)


def differences(made: Pipeline, asked: Pipeline, model: PageSpec | None) -> Iterator[Difference]:
    """See `Pipeline.differences`: the dearest come first."""
    yield from _unlike({"model": made.model}, {"model": asked.model}, Cost.EVERYTHING)
    yield from _unlike(_page(made, asked, model), _page(asked, made, model), Cost.EVERYTHING)
    yield from _unlike(_kept(made), _kept(asked), Cost.EVERYTHING if made.keeps_bits_alone else Cost.POOLED)
    yield from _unlike({"pipeline": made.name}, {"pipeline": asked.name}, Cost.NOTHING)
    yield from _unlike(_derived(made), _derived(asked), Cost.POOLED)
    yield from _unlike(_searched(made), _searched(asked), Cost.NOTHING)


def _page(one: Pipeline, other: Pipeline, model: PageSpec | None) -> dict[str, Any]:
    """Page settings that one of the two says; what is left to the model is its choice, where that is known."""
    default = "the model's own choice"
    left = {key: getattr(model, key) if model else default for key in other.page.keys() - one.page.keys()}
    return {**one.page, **left}


def _kept(pipeline: Pipeline) -> dict[str, Any]:
    """How many bits are all that is kept of a number of `full`: what was not kept cannot be had back."""
    return {BITS_ALONE: pipeline.bits.get("full", 1) if pipeline.keeps_bits_alone else None}


def _derived(pipeline: Pipeline) -> dict[str, Any]:
    """What is made of a page's `full` multivector and its words, and whether documents have a context."""
    vectors = {f"vectors.{spec.name}": spec for spec in pipeline.vectors}
    return {**vectors, "text": pipeline.text, "a context of documents": pipeline.has_context}


def _searched(pipeline: Pipeline) -> dict[str, Any]:
    return {key: getattr(pipeline, key) for key in _OF_SEARCH}


def _unlike(made: Mapping[str, Any], asked: Mapping[str, Any], cost: Cost) -> Iterator[Difference]:
    for key in (*made, *(key for key in asked if key not in made)):
        mine, theirs = made.get(key), asked.get(key)
        if mine != theirs:
            yield Difference(key, _shown(mine), _shown(theirs), cost)


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, str):
        return value
    return json.dumps(asdict(value) if is_dataclass(value) and not isinstance(value, type) else value, default=dict)
