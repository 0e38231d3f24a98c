"""A query watched: every candidate of every step with its score, and what each step let through."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from vrag.cascade.cascade import Cascade, Fusion
from vrag.search.plan import Detail, Limits
from vrag.search.running import Runner
from vrag.search.trail import Trail
from vrag.store.interface import Scored


@dataclass(frozen=True, slots=True)
class PageScore:
    """What a step makes of one page.

    Args:
        score: 0 by words when it has none of the query's.
        start: First row of its best region; 0 where the step looks for none.
        blended: Its score before and after each addition; empty where there are none.
        is_candidate: Whether it was among those that the step scored.
    """

    score: float
    start: int = 0
    blended: Sequence[float] = ()
    is_candidate: bool = True


@dataclass(frozen=True)
class Watched:
    """A cascade, or a branch of one, after a query went through it.

    Args:
        cascade: What ran.
        trail: Of its watched plan.
        runner: That ran it.
        limits: How many pages went on.
    """

    cascade: Cascade
    trail: Trail
    runner: Runner
    limits: Limits
    _beside: dict[tuple[int, str], Trail] = field(default_factory=dict)

    def passed(self, step: int) -> set[str]:
        """Ids of the pages that a step let through."""
        return {point.id for point in self.trail.passed(step)}

    def scored(self, step: int) -> list[Scored]:
        """Every candidate of a step, best first; where only steps are told, those that it had to score."""
        return self.trail.scored(step)

    def let_through(self, step: int) -> list[Scored]:
        """Every page that a step lets through, best first; after a union, which has no scores, by those of the next."""
        fusion, has_next = self.cascade.steps[step], step + 1 < len(self.cascade.steps)
        is_union = isinstance(fusion, Fusion) and fusion.kind == "union"
        return self.scored(step + 1) if is_union and has_next else self.trail.passed(step)

    def limit(self, step: int) -> int:
        """Candidates that a step lets through; what it scored, where it lets all of them."""
        chosen, most = self.cascade.steps[step], len(self.scored(step))
        lets_all = isinstance(chosen, Fusion) and chosen.limit is None and step + 1 < len(self.cascade.steps)
        return most if lets_all else min(self.limits.of(chosen.limit), most)

    def branches(self, step: int) -> list[Watched]:
        """The branches of a fusion."""
        fusion = self.cascade.steps[step]
        branches = fusion.branches if isinstance(fusion, Fusion) else ()
        ran = zip(branches, self.trail.branches(step), strict=True)
        return [Watched(Cascade("", branch), trail, self.runner, self.limits) for branch, trail in ran]

    def of_page(self, step: int, page: str) -> PageScore:
        """What a step makes of a page; where it was no candidate, what it would have made of it beside those."""
        trail, found = self.trail, {point.id: point.score for point in self.scored(step)}
        if not (is_candidate := page in found):
            trail, step = self._with(step, page, found), 0
            found = {point.id: point.score for point in trail.scored(step)}
        start, blended = trail.starts(step).get(page, 0), trail.blended(step).get(page, ())
        return PageScore(found.get(page, 0.0), start, blended, is_candidate)

    def _with(self, step: int, page: str, others: Iterable[str]) -> Trail:
        """The step alone, over its candidates and one page more."""
        if (step, page) not in self._beside:
            alone = Cascade("", (self.cascade.steps[step],))
            self._beside[step, page] = watch(self.runner.among([*others, page]), alone, self.limits).trail
        return self._beside[step, page]


def watch(runner: Runner, cascade: Cascade, limits: Limits, detail: Detail = "candidates") -> Watched:
    """Run a cascade step by step.

    Args:
        runner: Of the query.
        cascade: How pages are ranked.
        limits: How many pages go on.
        detail: "steps" where it is enough to know what passed, which costs little more than a search.

    Raises:
        UsageError: A stage asks for packed bits of a vector that has none.
    """
    return Watched(cascade, runner.run(runner.plan(cascade, limits, detail)), runner, limits)
