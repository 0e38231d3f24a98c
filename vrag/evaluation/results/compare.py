"""Two results files side by side, question by question; and the gate that fails when quality fell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vrag.errors import VragError
from vrag.evaluation.results.results import Results
from vrag.evaluation.results.scoring import Groups, Row, difference, groups_of, mean

Key = tuple[str, str, str]  # task, scope, cascade
MAX_DROP, ALPHA = 0.01, 0.05


@dataclass(frozen=True, slots=True)
class Comparison:
    """A task, scope and cascade in two results.

    Args:
        task: The task.
        scope: The scope.
        first_cascade: Of the first results.
        second_cascade: Of the second results.
        metric: What is compared.
        queries: Questions that both asked, and the metric says something of.
        first: Mean over them in the first results, as `vrag eval` has it: with several languages that of their means.
        second: The same in the second results.
        interval: 95 % of second - first.
        p_value: Of the paired randomisation test.
    """

    task: str
    scope: str
    first_cascade: str
    second_cascade: str
    metric: str
    queries: int
    first: float
    second: float
    interval: tuple[float, float]
    p_value: float

    @property
    def difference(self) -> float:
        """Second - first: below 0 when quality fell."""
        return self.second - self.first

    def fell(self, max_drop: float, alpha: float) -> bool:
        """Whether quality fell by more than `max_drop`, and hardly by chance."""
        return -self.difference > max_drop and self.p_value < alpha

    def as_json(self) -> dict[str, Any]:
        """The comparison as `docs/reference/json.md` describes it."""
        return {
            "task": self.task,
            "scope": self.scope,
            "cascade": self.second_cascade,
            "against": self.first_cascade,
            "metric": self.metric,
            "queries": self.queries,
            "first": self.first,
            "second": self.second,
            "difference": self.difference,
            "interval": list(self.interval),
            "p_value": self.p_value,
        }


def compare(first: Results, second: Results, metric: str | None = None) -> list[Comparison]:
    """Every task, scope and cascade that both results have, in the order of the first.

    Where a task and scope has one cascade left on either side, those two are compared whatever they are called.

    Args:
        first: The results compared with.
        second: The results to judge.
        metric: One of the metrics kept for each question, e.g. "ndcg_at_10"; None for each task's own.

    Raises:
        VragError: They have nothing in common, or not this metric.
    """
    pairs = list(_pairs(first["results"], second["results"]))
    if not pairs:
        raise _nothing_in_common(first["results"], second["results"])
    return [_compare(one, other, metric or one["metric"]) for one, other in pairs]


def unmatched(first: Results, second: Results) -> list[Key]:
    """Rows of the first results that the second ones have no counterpart of."""
    matched = {_key(one) for one, _ in _pairs(first["results"], second["results"])}
    return [_key(row) for row in first["results"] if _key(row) not in matched]


def _pairs(first: Sequence[Row], second: Sequence[Row]) -> Iterator[tuple[Row, Row]]:
    same = {_key(row): row for row in second}
    left = {_key(row) for row in first}
    for row in first:
        counterpart = same.get(_key(row)) or _only_one_left(row, first, second, left)
        if counterpart is not None:
            yield row, counterpart


def _only_one_left(row: Row, first: Sequence[Row], second: Sequence[Row], left: set[Key]) -> Row | None:
    """The second results' row of this task and scope, when both have but one that the other has not."""
    others = [other for other in second if _place(other) == _place(row) and _key(other) not in left]
    names = {_key(other) for other in second}
    mine = [other for other in first if _place(other) == _place(row) and _key(other) not in names]
    return others[0] if len(mine) == len(others) == 1 else None


def _compare(one: Row, other: Row, metric: str) -> Comparison:
    shared = [query for query in one["per_query"] if query in other["per_query"]]
    if not shared:
        raise VragError(f"{one['task']} ({one['scope']}): the two results asked no question in common.")
    values = [(query, _value(one, query, metric), _value(other, query, metric)) for query in shared]
    known = [(query, first, second) for query, first, second in values if first is not None and second is not None]
    if not known:
        raise VragError(f"{one['task']} ({one['scope']}): {metric!r} says nothing of the questions in common.")
    before, after = np.array([first for _, first, _ in known]), np.array([second for _, _, second in known])
    groups = _groups(one, other, [query for query, _, _ in known])
    change = difference(after, before, groups)
    return Comparison(
        *_key(one),
        second_cascade=other["cascade"],
        metric=metric,
        queries=len(known),
        first=mean(before, groups),
        second=mean(after, groups),
        interval=(change["interval"][0], change["interval"][1]),
        p_value=change["p_value"],
    )


def _groups(one: Row, other: Row, queries: Sequence[str]) -> Groups:
    """Positions of each language's questions.

    Raises:
        VragError: There are several languages, and neither of the results says which question has which.
    """
    known = {**one.get("query_languages", {}), **other.get("query_languages", {})}
    if not known and len(one.get("languages", ())) > 1:
        raise VragError(
            f"{one['task']} ({one['scope']}) has several languages, and neither of the results says which question "
            "has which.",
            "An earlier vrag wrote them: evaluate once more.",
        )
    return groups_of([known.get(query, "") for query in queries])


def _value(row: Row, query: str, metric: str) -> float | None:
    """A question's value; None where the metric says nothing of it."""
    kept: dict[str, float | None] = row["per_query"][query]
    if metric not in kept:
        raise VragError(f"Results keep no {metric!r} of each question.", f"They keep: {', '.join(kept)}.")
    return kept[metric]


def _key(row: Mapping[str, Any]) -> Key:
    return row["task"], row["scope"], row["cascade"]


def _place(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["task"], row["scope"]


def _nothing_in_common(first: Sequence[Row], second: Sequence[Row]) -> VragError:
    """Why nothing of two results can be compared."""
    for row in first:
        cascades = [[r["cascade"] for r in rows if _place(r) == _place(row)] for rows in (first, second)]
        if all(cascades):
            return VragError(
                f"The two results have {row['task']} ({row['scope']}) in common, and no cascade: "
                f"{', '.join(cascades[0])} / {', '.join(cascades[1])}.",
                "Evaluate both with the same --cascade; one cascade each is compared whatever its name.",
            )
    return VragError("The two results have no task and scope in common.", f"{_named(first)} / {_named(second)}")


def _named(rows: Sequence[Row]) -> str:
    return ", ".join(dict.fromkeys(f"{row['task']} ({row['scope']})" for row in rows))
