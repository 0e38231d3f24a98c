"""What a plan has left behind: every operator with what it let through."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from vrag.cascade.cascade import Fusion, Reorder, Step
from vrag.search.operators import Keep, Operator, Survey
from vrag.store.interface import Scored


@dataclass(frozen=True, slots=True)
class Entry:
    """What an operator let through.

    Args:
        operator: Which one.
        points: Pages with its scores, best first.
        starts: First row of each page's best region, by point id, where it looked for regions.
        blended: Each page's score before and after every addition, by point id, where it blended.
        branches: What its branches left behind.
        logits: Of the pages that were read, by point id.
        joined: Ids of the pages that no step before let through.
    """

    operator: Operator
    points: list[Scored]
    starts: Mapping[str, int] = field(default_factory=dict)
    blended: Mapping[str, Sequence[float]] = field(default_factory=dict)
    branches: tuple[Trail, ...] = ()
    logits: Mapping[str, float] = field(default_factory=dict)
    joined: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Trail:
    """Entries in the order in which the operators ran."""

    entries: tuple[Entry, ...] = ()

    @property
    def points(self) -> list[Scored]:
        """What is left at the end, best first."""
        return self.entries[-1].points

    def passed(self, step: int) -> list[Scored]:
        """What a step of the cascade let through; nothing where the engine did it within a larger request."""
        of_step = self._of(step)
        return of_step[0].points if of_step else []

    def scored(self, step: int) -> list[Scored]:
        """Every candidate that a step scored, in a plan that is watched."""
        of_step = self._of(step)
        surveys = [entry for entry in of_step if isinstance(entry.operator, Survey)]
        return (surveys or [entry for entry in of_step if not isinstance(entry.operator, Keep)])[0].points

    def starts(self, step: int) -> Mapping[str, int]:
        """First row of each page's best region, by point id; empty where the step looked for none."""
        return next((entry.starts for entry in self._of(step) if entry.starts), {})

    def blended(self, step: int) -> Mapping[str, Sequence[float]]:
        """Each page's score before and after every addition, by point id; empty where the step blended none in."""
        return next((entry.blended for entry in self._of(step) if entry.blended), {})

    def branches(self, step: int) -> tuple[Trail, ...]:
        """What the branches of a fusion left behind; nothing where the engine ran them."""
        return next((entry.branches for entry in self._of(step) if entry.branches), ())

    @property
    def logits(self) -> Mapping[str, float]:
        """What the reader has found, by id of the pages that were read; empty where none was."""
        return next((entry.logits for entry in self.entries if entry.logits), {})

    @property
    def joined(self) -> frozenset[str]:
        """Ids of the pages that only a late step has found."""
        return frozenset().union(*(entry.joined for entry in self.entries))

    def by_scoring(self, steps: Sequence[Step]) -> Iterator[tuple[Step, dict[str, float]]]:
        """Every step but fusions, those of branches included, with the scores by point id of the pages it let through.

        Of a step that puts the first pages in a new order those that it looked at.

        Args:
            steps: Of the cascade that was run, or of the branch.
        """
        for i, step in enumerate(steps):
            if isinstance(step, Fusion):
                branches = self.branches(i) or (Trail(),) * len(step.branches)
                for trail, branch in zip(branches, step.branches, strict=True):
                    yield from trail.by_scoring(branch)
            elif isinstance(step, Reorder):
                yield step, {page: sums[-1] for page, sums in self.blended(i).items()}
            else:
                yield step, {point.id: point.score for point in self.passed(i)}

    def _of(self, step: int) -> list[Entry]:
        """Entries of a step, the last one first."""
        return [entry for entry in reversed(self.entries) if entry.operator.step == step]
