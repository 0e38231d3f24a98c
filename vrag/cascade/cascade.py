"""Cascades: stages that score the pages the stage before let through.

`vrag.cascade.text` writes and reads them as one line of text.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Limit:
    """How many pages a stage lets through: a count, or a share of the corpus in percent."""

    value: float
    is_share: bool = False

    def count(self, corpus: int) -> int:
        """Pages let through of a corpus of `corpus` pages, at least 1."""
        return max(1, math.ceil(corpus * self.value / 100) if self.is_share else int(self.value))

    def within(self, k: int, corpus: int) -> int:
        """The count, but never fewer than `k`, and never more than there are pages."""
        return min(max(self.count(corpus), k), max(corpus, 1))

    def __str__(self) -> str:
        return f"{_plain(self.value)}%" if self.is_share else f"{int(self.value)}"


@dataclass(frozen=True, slots=True)
class Addition:
    """A second opinion on a stage's candidates: `weight` x the score by `vector`.

    The added score is standardised over the pages that lead by the stage's own score and scaled by the spread of
    theirs, so that a weight means the same for every query and every model, however many candidates there are.
    """

    weight: float
    vector: str

    def __str__(self) -> str:
        return f"+{_plain(self.weight)}*{self.vector}"


@dataclass(frozen=True, slots=True)
class Stage:
    """One scoring of candidates.

    Args:
        vector: Named vector scored against.
        mean: Score with the mean of the query's vectors instead of each of them.
        hnsw: Search the HNSW graph instead of scoring every candidate; first stage only.
        bits: Score packed sign bits instead of the stored vectors, where the index has them.
        regions: Score the best region of a page instead of the whole page.
        context: Let the document's name, title and the page's head answer query words too.
        additions: Other scores blended in.
        limit: Candidates let through; None in the last stage: as many as hits are asked for.
    """

    vector: str
    mean: bool = False
    hnsw: bool = False
    bits: bool = False
    regions: bool = False
    context: bool = False
    additions: tuple[Addition, ...] = ()
    limit: Limit | None = None

    @property
    def is_rescored(self) -> bool:
        """Whether candidates are scored again, by region or with context, which no engine can express."""
        return self.regions or self.context

    @property
    def is_plain(self) -> bool:
        """Whether the engine can run this stage by itself."""
        return not (self.bits or self.is_rescored or self.additions)

    def estimates(self, step: Stage) -> bool:
        """Whether this stage over bits estimates what another one scores exactly."""
        is_estimate = self.bits and not (self.is_rescored or self.additions)
        return is_estimate and step.is_plain and (step.vector, step.mean) == (self.vector, self.mean)

    @property
    def scoring(self) -> str:
        """The stage as text, without its limit."""
        name = f"mean({self.vector})" if self.mean else self.vector
        modes = "".join(f"@{mode}" for mode in ("hnsw", "bits", "regions") if getattr(self, mode))
        return f"{name}{modes}{'+context' if self.context else ''}{''.join(map(str, self.additions))}"

    def __str__(self) -> str:
        return f"{self.scoring}{f':{self.limit}' if self.limit else ''}"


@dataclass(frozen=True, slots=True)
class Fusion:
    """Branches that run side by side; the first stage of a cascade.

    Args:
        kind: "union": every branch's candidates go on; "rrf": the best of all by reciprocal rank fusion.
        branches: Stages of each branch.
        limit: Candidates let through; a union takes none.
    """

    kind: str
    branches: tuple[tuple[Stage, ...], ...]
    limit: Limit | None = None

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Every scoring of every branch."""
        return tuple(stage for branch in self.branches for stage in branch)

    @property
    def scoring(self) -> str:
        """The fusion as text, without its limit."""
        return f"{self.kind}({', '.join(' > '.join(map(str, branch)) for branch in self.branches)})"

    def __str__(self) -> str:
        return f"{self.scoring}{f':{self.limit}' if self.limit else ''}"


@dataclass(frozen=True, slots=True)
class Reorder:
    """The first pages looked at once more and put in a new order; the end of a cascade.

    Args:
        pages: How many are looked at; those behind them stay there.
        weight: Of what is found on them, against the best score before.
        limit: None: all go on, those that were not looked at after those that were.
    """

    name: ClassVar[str]
    usual: ClassVar[float]  # weight
    pages: int
    weight: float
    limit: Limit | None = None

    @property
    def scoring(self) -> str:
        """The step as text; what is as usual is left out."""
        weight = "" if self.weight == self.usual else f", weight={_plain(self.weight)}"
        return f"{self.name}({self.pages}{weight})"

    def __str__(self) -> str:
        return self.scoring


@dataclass(frozen=True, slots=True)
class Wording(Reorder):
    """By the words that stand on a page and in the question: see `vrag.search.wording`."""

    name: ClassVar[str] = "wording"
    usual: ClassVar[float] = 0.5


@dataclass(frozen=True, slots=True)
class Read(Reorder):
    """By the cross-encoder, which reads the best passage of each page: see `vrag.search.reading`."""

    name: ClassVar[str] = "read"
    usual: ClassVar[float] = 1


Step = Stage | Fusion | Reorder  # whatever else there may be has a `limit`, a `scoring`, and itself as text


@dataclass(frozen=True, slots=True)
class Cascade:
    """Steps in the order they run, and the name people call them by."""

    name: str
    steps: tuple[Step, ...]

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Every scoring of a vector, those of branches included, in the order of the text."""
        found: list[Stage] = []
        for step in self.steps:
            found += step.stages if isinstance(step, Fusion) else [step] if isinstance(step, Stage) else []
        return tuple(found)

    def with_stages(self, change: Callable[[Stage], Stage]) -> Cascade:
        """The same with every scoring changed, those of branches included."""

        def changed(step: Step) -> Step:
            if isinstance(step, Fusion):
                return replace(step, branches=tuple(tuple(map(change, branch)) for branch in step.branches))
            return change(step) if isinstance(step, Stage) else step

        return Cascade(self.name, tuple(map(changed, self.steps)))

    @property
    def reordering(self) -> tuple[Reorder, ...]:
        """The steps that put the first pages in a new order, which come last."""
        return tuple(step for step in self.steps if isinstance(step, Reorder))

    @property
    def plain(self) -> Cascade:
        """The same without those; its last stage lets through as many as hits are asked for."""
        if not self.reordering:
            return self
        *before, last = self.steps[: -len(self.reordering)]
        return Cascade(self.name, (*before, replace(last, limit=None) if isinstance(last, Stage) else last))

    @property
    def confirmed(self) -> str | None:
        """The vector whose estimates from bits the last stage replaces by exact scores; None where it does not."""
        *_, before, last = (None, *self.plain.steps)
        if isinstance(before, Stage) and isinstance(last, Stage) and before.estimates(last):
            return last.vector
        return None

    def __str__(self) -> str:
        return " > ".join(map(str, self.steps))


def _plain(number: float) -> str:
    """A number in decimal digits, all of those that tell it apart, without an exponent."""
    text = format(Decimal(repr(number)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
