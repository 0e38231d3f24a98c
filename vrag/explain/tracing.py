"""How one page fares in every stage and branch of a cascade: rank, score, and what a blended score is made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from vrag.cascade.cascade import Fusion, Reorder, Stage
from vrag.catalog.documents import Documents
from vrag.errors import UsageError
from vrag.explain.explanation import ScorePart, StageTrace
from vrag.search.ranking import step_labels
from vrag.search.search import result_order
from vrag.search.watching import PageScore, Watched
from vrag.store.interface import Record, Scored


def trace(watched: Watched, documents: Documents, page: Record) -> tuple[StageTrace, ...]:
    """The page's rank and score in every stage of a cascade, those of branches included, in the order of the text.

    Args:
        watched: The query, after it went through the cascade.
        documents: Names of documents, which order equal scores.
        page: The page's record.

    Raises:
        UsageError: The page is not in the selection.
    """
    runner = watched.runner
    if not runner.store.count(replace(runner.selection, ids=frozenset([page.id]))):
        if runner.selection.texts:
            problem = "The filter, or a word that must or must not be on a page, leaves out the page to explain."
            raise UsageError(problem, "Ask in plain words and drop --where, or explain another page.")
        raise UsageError("The filter leaves out the page to explain.", "Drop --where, or explain another page.")
    return tuple(_Tracer(documents, page).steps(watched))


@dataclass(frozen=True, slots=True)
class _Tracer:
    documents: Documents
    page: Record

    def steps(self, watched: Watched) -> Iterator[StageTrace]:
        labels = step_labels(watched.cascade.steps)
        for i, (step, label) in enumerate(zip(watched.cascade.steps, labels, strict=True)):
            if isinstance(step, Fusion):
                for number, branch in enumerate(watched.branches(i), 1):
                    yield from (replace(stood, branch=f"{step.kind} {number}") for stood in self.steps(branch))
            if not (isinstance(step, Fusion) and step.kind == "union"):  # a union has no scores of its own
                yield self._step(watched, i, label)

    def _step(self, watched: Watched, i: int, label: str) -> StageTrace:
        me, found, limit = watched.of_page(i, self.page.id), watched.scored(i), watched.limit(i)
        rank = 1 + sum(other.score > me.score for other in found) + self._equals_before(me.score, found)
        is_end = i + 1 == len(watched.cascade.steps)  # where equal scores are told apart
        is_in = me.is_candidate and rank <= limit if is_end else self.page.id in watched.passed(i)
        return StageTrace(label, rank, me.score, len(found), limit, is_in, parts=tuple(_parts(watched, i, me)))

    def _equals_before(self, score: float, found: Sequence[Scored]) -> int:
        """How many of the pages with this very score are ranked before the page."""
        me = Scored(self.page.id, score, self.page.payload)
        equals = [other for other in found if other.score == score]
        labels = self.documents.labels([str(point.payload["doc_id"]) for point in (me, *equals)])
        if me.payload["doc_id"] not in labels:  # it has just been removed
            return 0
        known = [other for other in equals if other.payload["doc_id"] in labels]
        return sum(result_order(other, labels) < result_order(me, labels) for other in known)


def _parts(watched: Watched, i: int, page: PageScore) -> Iterator[ScorePart]:
    """The stage's own score, and by how much each addition lifts or lowers it."""
    stage = watched.cascade.steps[i]
    if isinstance(stage, Stage) and page.blended:
        yield ScorePart(replace(stage, additions=()).scoring, page.blended[0])
        for addition, (before, after) in zip(stage.additions, pairwise(page.blended), strict=True):
            yield ScorePart(str(addition).removeprefix("+"), after - before)
    elif isinstance(stage, Reorder) and page.blended:
        before, after = page.blended
        yield ScorePart("before", before)
        yield ScorePart(stage.scoring, after - before)
