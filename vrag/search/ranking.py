"""A query's pages, best first, with the scores that every stage gives them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vrag.bits.stage import Scores
from vrag.cascade.cascade import Cascade, Fusion, Reorder, Stage, Step
from vrag.search.plan import Limits
from vrag.search.running import Runner
from vrag.search.trail import Trail
from vrag.store.interface import Scored


@dataclass(frozen=True, slots=True)
class Ranking:
    """Candidates of a cascade's last stage, best first, and the scores of every stage.

    Args:
        points: Pages that are left.
        stages: (label, scores by point id) of each stage, the last one included.
        trail: How it came to that.
    """

    points: list[Scored]
    stages: list[tuple[str, Scores]]
    trail: Trail


def rank_pages(runner: Runner, cascade: Cascade, k: int, spare: int = 0) -> Ranking:
    """The best pages of a cascade, at least `k` where there are as many.

    Args:
        runner: Of the query.
        cascade: How pages are ranked.
        k: Hits wanted.
        spare: Pages wanted beyond them.

    Raises:
        UsageError: A stage asks for packed bits of a vector that has none.
    """
    trail = runner.run(runner.plan(cascade, Limits(k, runner.count_pages, spare)))
    stages = list(_stage_scores(runner, cascade, trail, trail.points[: k + spare]))
    return Ranking(trail.points, stages, trail)


def _stage_scores(
    runner: Runner, cascade: Cascade, trail: Trail, points: Sequence[Scored]
) -> Iterator[tuple[str, Scores]]:
    """Every stage's scores; of the points also what it has not given, as another branch or the engine found them.

    Pages that a late step has found by their numbers had no part in the stages before.
    """
    points = [point for point in points if point.id not in trail.joined]
    scorings = list(trail.by_scoring(cascade.steps))
    for label, (step, known) in zip(step_labels([step for step, _ in scorings]), scorings, strict=True):
        if isinstance(step, Stage):
            known |= runner.scores(step, [point for point in points if point.id not in known])
        yield label, known
    last = cascade.steps[-1]
    if isinstance(last, Fusion):
        yield last.kind, {point.id: point.score for point in trail.points}


def step_labels(steps: Sequence[Step]) -> list[str]:
    """A name a step: its vector's, numbered when a vector is scored twice; with what is special about it."""
    labels: list[str] = []
    for step in steps:
        name = _name(step)
        again = sum(label.split("#")[0] == name for label in labels)
        labels.append(f"{name}#{again + 1}" if again else name)
    return labels


def _name(step: Step) -> str:
    if isinstance(step, Fusion):
        return step.kind
    if isinstance(step, Reorder):
        return step.name
    return step.vector if isinstance(step, Stage) and step.is_plain else step.scoring.replace("@hnsw", "")
