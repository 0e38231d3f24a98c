"""Cascades: stages that score the pages the stage before let through, written as one line of text.

    full                              exact MaxSim over every page
    runs:256 > full                   the 256 best by pooled vectors, ranked by exact MaxSim
    global@hnsw:1000 > runs:10% > full

A stage is `VECTOR`, or `mean(VECTOR)` to score with the mean of the query's vectors, then `@hnsw` or
`@exact` (the default), then `:LIMIT`, a count or a share of the corpus. The last stage takes the
number of hits asked for and needs no limit.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vrag.errors import UsageError

_STAGE = re.compile(
    r"(?:(?P<form>[a-z]+)\((?P<inner>[a-z][\w-]*)\)|(?P<vector>[a-z][\w-]*))"
    r"(?:@(?P<search>[a-z]+))?(?::(?P<limit>\d+(?:\.\d+)?%?))?"
)


@dataclass(frozen=True, slots=True)
class Limit:
    """How many pages a stage lets through: a count, or a share of the corpus in percent."""

    value: float
    is_share: bool = False

    def count(self, corpus: int) -> int:
        """Pages let through of a corpus of `corpus` pages, at least 1."""
        return max(1, math.ceil(corpus * self.value / 100) if self.is_share else int(self.value))

    def __str__(self) -> str:
        return f"{self.value:g}%" if self.is_share else f"{int(self.value)}"


@dataclass(frozen=True, slots=True)
class Stage:
    """One scoring of candidates.

    Args:
        vector: Named vector scored against.
        mean: Score with the mean of the query's vectors instead of each of them.
        hnsw: Search the HNSW graph instead of scoring every candidate; first stage only.
        limit: Candidates let through; None in the last stage: as many as hits are asked for.
    """

    vector: str
    mean: bool = False
    hnsw: bool = False
    limit: Limit | None = None

    def __str__(self) -> str:
        name = f"mean({self.vector})" if self.mean else self.vector
        return f"{name}{'@hnsw' if self.hnsw else ''}{f':{self.limit}' if self.limit else ''}"


@dataclass(frozen=True, slots=True)
class Cascade:
    """Stages in the order they run, and the name people call them by."""

    name: str
    stages: tuple[Stage, ...]

    def __str__(self) -> str:
        return " > ".join(map(str, self.stages))

    def limits(self, k: int, corpus: int) -> list[int]:
        """Pages each stage lets through for `k` hits: never fewer than `k`, never more than `corpus`."""
        wanted = [stage.limit.count(corpus) if stage.limit else k for stage in self.stages]
        return [min(max(limit, k), max(corpus, 1)) for limit in wanted]


def parse_cascade(text: str, aliases: Mapping[str, str], vectors: Sequence[str]) -> Cascade:
    """A cascade from its name or its line of text.

    Args:
        text: A key of `aliases`, or stages joined by `>`.
        aliases: Named cascades of the index's pipeline.
        vectors: Named vectors of the index's pipeline.

    Raises:
        UsageError: What is wrong and at which character.
    """
    line = aliases.get(text, text)
    stages, position = [], 0
    for part in line.split(">"):
        stages.append(_parse_stage(part, line, position + len(part) - len(part.lstrip()), vectors, aliases))
        position += len(part) + 1
    _check_order(stages, line)
    return Cascade(text, tuple(stages))


def _parse_stage(part: str, line: str, at: int, vectors: Sequence[str], aliases: Mapping[str, str]) -> Stage:
    match = _STAGE.fullmatch(part.strip())
    if match is None:
        raise _error(
            line, at, f"{part.strip()!r} is not a stage", f"Write a name ({', '.join(aliases)}) or VECTOR:LIMIT."
        )
    form, search, limit = match["form"], match["search"], match["limit"]
    vector = match["inner"] or match["vector"]
    if vector not in vectors:
        names = f"Cascades: {', '.join(aliases)}. Vectors: {', '.join(vectors)}."
        raise _error(line, at, f"unknown cascade or vector {vector!r}", names)
    if form not in (None, "mean"):
        raise _error(line, at, f"unknown query form {form!r}", "The only form is mean(VECTOR).")
    if search not in (None, "hnsw", "exact"):
        raise _error(line, at, f"unknown search {search!r}", "Use @hnsw or @exact.")
    return Stage(vector, form == "mean", search == "hnsw", _parse_limit(limit, line, at) if limit else None)


def _parse_limit(text: str, line: str, at: int) -> Limit:
    limit = Limit(float(text.rstrip("%")), text.endswith("%"))
    if limit.value <= 0 or (limit.is_share and limit.value > 100) or (not limit.is_share and "." in text):
        raise _error(line, at, f"limit {text!r} is out of range", "Use a whole number from 1, or a share like 10%.")
    return limit


def _check_order(stages: Sequence[Stage], line: str) -> None:
    for stage in stages[:-1]:
        if stage.limit is None:
            raise _error(line, line.index(stage.vector), f"stage {stage.vector!r} needs a limit", f"e.g. {stage}:256")
    for stage in stages[1:]:
        if stage.hnsw:
            at = line.index("@hnsw", len(stages[0].vector))
            raise _error(
                line,
                at,
                "only the first stage can search the HNSW graph",
                "Later stages score their candidates exactly.",
            )


def _error(line: str, at: int, problem: str, hint: str) -> UsageError:
    return UsageError(f"Cascade {line!r}, character {at + 1}: {problem}.", hint)
