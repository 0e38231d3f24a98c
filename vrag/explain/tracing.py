"""How one page fares in every stage and branch of a cascade: rank, score, and what a blended score is made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from vrag.cascade.cascade import Cascade, Fusion, Stage, Step
from vrag.catalog.documents import Documents
from vrag.errors import UsageError
from vrag.search.execution import Execution, step_labels
from vrag.search.search import result_order
from vrag.store.interface import Record, Scored

Found = Mapping[str, Scored]


@dataclass(frozen=True, slots=True)
class ScorePart:
    """A summand of a blended score: the stage's own scoring, or an addition such as `0.4*text`."""

    name: str
    score: float


@dataclass(frozen=True, slots=True)
class StageTrace:
    """How a page fared in one stage.

    Args:
        stage: The stage's name, as in `Hit.stages`.
        rank: From 1 among the stage's candidates; where the page would stand when it was no candidate.
        score: Score of this stage; 0 by words when it has none of the query's.
        candidates: Pages the stage scored.
        limit: Pages it lets through.
        passed: Whether the page is one of them; False too when an earlier stage dropped it.
        branch: Such as "union 2" for a stage of the second branch of a union; empty outside of fusions.
        parts: What the score is the sum of, where others are blended in.
    """

    stage: str
    rank: int
    score: float
    candidates: int
    limit: int
    passed: bool
    branch: str = ""
    parts: tuple[ScorePart, ...] = ()

    @property
    def standing(self) -> str:
        """The rank, in words."""
        if self.rank > self.candidates:  # it was none of them
            return f"behind all {self.candidates}" if self.candidates else "none found"
        return f"{self.rank} of {self.candidates}"

    @property
    def outcome(self) -> str:
        """What became of the page, in words."""
        if not self.candidates:
            return "out (no page was found)"
        return f"passed (best {self.limit})" if self.passed else f"out (best {self.limit} pass)"


def trace(execution: Execution, documents: Documents, cascade: Cascade, page: Record) -> tuple[StageTrace, ...]:
    """The page's rank and score in every stage of a cascade, those of branches included, in the order of the text.

    Args:
        execution: The query, ready to run.
        documents: Names of documents, which order equal scores.
        cascade: The cascade it runs through.
        page: The page's record.

    Raises:
        UsageError: The page is not in the selection.
    """
    if not execution.store.count(replace(execution.selection, ids=frozenset([page.id]))):
        raise UsageError("The filter leaves out the page to explain.", "Drop --where, or explain another page.")
    return tuple(_Tracer(execution, documents, page).steps(cascade))


@dataclass(frozen=True, slots=True)
class _Tracer:
    execution: Execution
    documents: Documents
    page: Record

    def steps(self, cascade: Cascade) -> Iterator[StageTrace]:
        labels = step_labels(cascade.steps)
        fields = [self._field(cascade, i) for i in range(len(cascade.steps))]
        for i, step in enumerate(cascade.steps):
            # What the next step scored is what this one let through, however it searched.
            passed = self.page.id in fields[i + 1] if i + 1 < len(fields) else None
            if isinstance(step, Fusion):
                yield from self._branches(step)
            if not (isinstance(step, Fusion) and step.kind == "union"):  # a union has no scores of its own
                yield self._stage(cascade, i, labels[i], fields[i], passed)

    def _branches(self, fusion: Fusion) -> Iterator[StageTrace]:
        for number, branch in enumerate(fusion.branches, 1):
            inner = Cascade("", branch)
            for stood in self.steps(inner):
                yield replace(stood, branch=f"{fusion.kind} {number}")

    def _stage(self, cascade: Cascade, i: int, label: str, found: Found, passed: bool | None) -> StageTrace:
        me = self._mine(cascade.steps[i], found)
        rank = 1 + sum(other.score > me.score for other in found.values()) + self._equals_before(me, found)
        limit = min(self.execution.limit(cascade, i), len(found))
        is_in = self.page.id in found and rank <= limit if passed is None else passed
        return StageTrace(label, rank, me.score, len(found), limit, is_in, parts=tuple(self._parts(cascade, i, me)))

    def _parts(self, cascade: Cascade, i: int, me: Scored) -> Iterator[ScorePart]:
        """The stage's own score, and by how much each addition lifts or lowers it."""
        step = cascade.steps[i]
        if not isinstance(step, Stage) or not step.additions:
            return
        before = 0.0
        for count in range(len(step.additions) + 1):
            partial = replace(step, additions=step.additions[:count])
            steps = (*cascade.steps[:i], partial, *cascade.steps[i + 1 :])
            found = self._field(replace(cascade, steps=steps), i)
            score = me.score if partial == step else self._mine(partial, found).score
            name = str(step.additions[count - 1]).removeprefix("+") if count else partial.scoring
            yield ScorePart(name, score - before)
            before = score

    def _field(self, cascade: Cascade, i: int) -> Found:
        return {point.id: point for point in self.execution.field(cascade, i)}

    def _mine(self, step: Step, found: Found) -> Scored:
        """The page's score; where it was no candidate, the one it has beside them. 0 without a word of the query."""
        if self.page.id in found:
            return found[self.page.id]
        beside = replace(self.execution.selection, ids=frozenset([*found, self.page.id]))
        alone = replace(self.execution, selection=beside).field(Cascade("", (step,)), 0)
        return next(
            (point for point in alone if point.id == self.page.id), Scored(self.page.id, 0.0, self.page.payload)
        )

    def _equals_before(self, me: Scored, found: Found) -> int:
        """How many of the pages with this very score are ranked before it."""
        equals = [other for other in found.values() if other.score == me.score]
        labels = self.documents.labels([str(point.payload["doc_id"]) for point in (me, *equals)])
        return sum(result_order(other, labels) < result_order(me, labels) for other in equals)
