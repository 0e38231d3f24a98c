"""Search: a query becomes vectors, a cascade ranks pages, points become hits."""

from __future__ import annotations

from dataclasses import dataclass, replace

from vrag.cascade import Cascade
from vrag.documents import Documents
from vrag.execution import Execution
from vrag.store.base import Scored

# Equal scores are told apart by document and page; this many more points than hits are read so
# that a tie at the end of the list does not depend on the engine's order.
_TIE_MARGIN = 10


@dataclass(frozen=True, slots=True)
class Hit:
    """A page found.

    Args:
        rank: From 1.
        score: Score of the last stage; MaxSim when that stage is `full`.
        doc: Name of the document, as `--where doc=` takes it.
        path: Absolute path of its file.
        page: Page number from 1.
        stages: Score of this page in every stage it passed, by vector name.
        id: Id of the page's record.
    """

    rank: int
    score: float
    doc: str
    path: str
    page: int
    stages: dict[str, float]
    id: str


def search(execution: Execution, documents: Documents, cascade: Cascade, k: int) -> list[Hit]:
    """The `k` best pages, best first.

    Args:
        execution: The query, ready to run.
        documents: Names of documents.
        cascade: How pages are ranked.
        k: Hits wanted.
    """
    ranking = replace(execution, spare=_TIE_MARGIN).run(cascade)
    best = sorted(ranking.points, key=lambda point: result_order(point, documents))[:k]
    hits = []
    for rank, point in enumerate(best, 1):
        name, path = documents.label(str(point.payload["doc_id"]))
        scores = {label: scores[point.id] for label, scores in ranking.stages if point.id in scores}
        hits.append(Hit(rank, point.score, name, path, int(point.payload["page"]), scores, point.id))
    return hits


def result_order(point: Scored, documents: Documents) -> tuple[float, str, int]:
    """Sorts points as hits are ranked: by score, equal scores by the document's path and the page."""
    return -point.score, documents.label(str(point.payload["doc_id"]))[1], int(point.payload["page"])
