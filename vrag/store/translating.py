"""The one walk over a cascade's requests and filters; how an engine spells their parts is the engine's own affair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from vrag.store.interface import (
    Condition,
    FusionRequest,
    Interval,
    Range,
    Request,
    Selection,
    StageRequest,
    TextCondition,
    same_type,
)


class Spelling(Protocol):
    """The parts of a request in the words of one engine; a prefetch is a stage that another one goes on from."""

    def prefetch(self, stage: StageRequest, prefetches: list[Any], chosen: Any | None) -> Any:
        """A stage on the candidates of `prefetches`; where there are none, on the points of the filter `chosen`."""
        ...

    def fused_prefetch(self, limit: int, prefetches: list[Any]) -> Any:
        """The best candidates of all prefetches by reciprocal rank fusion."""
        ...

    def request(self, stage: StageRequest, prefetches: list[Any], chosen: Any | None) -> dict[str, Any]:
        """As `prefetch`, for the last stage: arguments of a whole request."""
        ...

    def fused_request(self, limit: int, prefetches: list[Any]) -> dict[str, Any]:
        """As `fused_prefetch`, for the last stage: arguments of a whole request."""
        ...

    def has_value(self, key: str, values: list[str] | list[int]) -> Any:
        """`payload[key]` is, or contains, one of the values."""
        ...

    def lies_in(self, key: str, interval: Interval) -> Any:
        """`payload[key]` lies between two numbers."""
        ...

    def is_dated(self, key: str, interval: Interval) -> Any:
        """`payload[key]` lies between two dates."""
        ...

    def has_text(self, text: TextCondition) -> Any:
        """The text in `payload[key]` has these words; whether it must is not said here."""
        ...

    def has_id(self, ids: frozenset[str]) -> Any:
        """The point is one of these."""
        ...

    def filter(self, must: list[Any], should: list[Any], must_not: list[Any]) -> Any:
        """All of `must`, one of `should` where there are any, none of `must_not`."""
        ...


def query_of(stages: Sequence[Request], selection: Selection, words: Spelling) -> dict[str, Any]:
    """Arguments of one request for the whole cascade: stages nested, the filter on the innermost of every branch.

    Args:
        stages: At least one.
        selection: Holds from the first stage on.
        words: The engine's.
    """
    nest = _Nest(filter_of(selection, words), words)
    *earlier, last = stages
    if isinstance(last, FusionRequest):
        most = sum(branch[-1].limit for branch in last.branches)
        return words.fused_request(last.limit or most, nest.branches(last))
    prefetches = nest.stages(earlier)
    return words.request(last, prefetches, None if prefetches else nest.chosen)


@dataclass(frozen=True, slots=True)
class _Nest:
    """Stages nested into each other, the first one innermost and with the filter."""

    chosen: Any | None
    words: Spelling

    def stages(self, stages: Sequence[Request]) -> list[Any]:
        nested: list[Any] = []
        for stage in stages:
            if isinstance(stage, FusionRequest):
                nested = self._fused(stage)
            else:
                nested = [self.words.prefetch(stage, nested, None if nested else self.chosen)]
        return nested

    def branches(self, fusion: FusionRequest) -> list[Any]:
        return [prefetch for branch in fusion.branches for prefetch in self.stages(branch)]

    def _fused(self, fusion: FusionRequest) -> list[Any]:
        """Without a limit the branches themselves: engines score the union of their prefetches."""
        branches = self.branches(fusion)
        return branches if fusion.limit is None else [self.words.fused_prefetch(fusion.limit, branches)]


def filter_of(selection: Selection, words: Spelling) -> Any | None:
    """The selection as a filter; None when it holds for all points."""
    must = [_condition(condition, words) for condition in selection.conditions]
    must += [words.has_text(text) for text in selection.texts if not text.absent]
    must_not = [words.has_text(text) for text in selection.texts if text.absent]
    if selection.ids is not None:
        must.append(words.has_id(selection.ids))
    return words.filter(must, [], must_not) if must or must_not else None


def _condition(condition: Condition | Range, words: Spelling) -> Any:
    """One of its alternatives must hold, or none where it is negated."""
    if isinstance(condition, Condition):
        fields = [words.has_value(condition.key, same_type(condition.values))]
    else:
        fields = [_range(condition.key, interval, words) for interval in condition.intervals]
    if condition.negate:
        return words.filter([], [], fields)
    return fields[0] if len(fields) == 1 else words.filter([], fields, [])


def _range(key: str, interval: Interval, words: Spelling) -> Any:
    bounds = (interval.gte, interval.gt, interval.lte, interval.lt)
    is_dated = any(isinstance(bound, str) for bound in bounds)
    return words.is_dated(key, interval) if is_dated else words.lies_in(key, interval)
