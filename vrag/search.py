"""Search: a query becomes vectors, a cascade becomes one request, points become hits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vrag.cascade import Cascade
from vrag.documents import Documents
from vrag.embedders.base import QueryVectors
from vrag.grid import FloatArray
from vrag.pipeline import Pipeline
from vrag.store.base import Scored, Selection, StageRequest, Store

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


def search(
    store: Store,
    documents: Documents,
    stages: Sequence[StageRequest],
    selection: Selection,
    k: int,
) -> list[Hit]:
    """The `k` best pages of the selection, best first.

    Args:
        store: Where the pages are.
        documents: Names of documents.
        stages: From `stage_requests`; the last one's limit is raised to see ties.
        selection: From `vrag.where.parse_where`.
        k: Hits wanted.
    """
    last = stages[-1]
    wide = StageRequest(last.vector, last.query, max(last.limit, k) + _TIE_MARGIN, last.hnsw)
    found = store.query([*stages[:-1], wide], selection)
    found.sort(key=lambda point: result_order(point, documents))
    best = found[:k]
    earlier = [_scores_of(store, stage, best) for stage in stages[:-1]]
    labels = stage_labels(stages)
    hits = []
    for rank, point in enumerate(best, 1):
        name, path = documents.label(str(point.payload["doc_id"]))
        scores = [*(scores[point.id] for scores in earlier), point.score]
        by_stage = dict(zip(labels, scores, strict=True))
        hits.append(Hit(rank, point.score, name, path, int(point.payload["page"]), by_stage, point.id))
    return hits


def stage_requests(
    cascade: Cascade, pipeline: Pipeline, query: QueryVectors, model_mean: FloatArray | None, k: int, corpus: int
) -> list[StageRequest]:
    """The cascade for one query: each stage with its query form and its limit.

    Args:
        cascade: From `Pipeline.cascade`.
        pipeline: The index's recipe.
        query: The query's rows.
        model_mean: float32 [d] for centred vectors, None when the model has none.
        k: Hits wanted.
        corpus: Pages in the index.
    """
    limits = cascade.limits(k, corpus)
    requests = []
    for stage, limit in zip(cascade.stages, limits, strict=True):
        form = pipeline.spec(stage.vector).of_query(query.vectors, model_mean, stage.mean)
        requests.append(StageRequest(stage.vector, form, limit, stage.hnsw))
    return requests


def result_order(point: Scored, documents: Documents) -> tuple[float, str, int]:
    """Sorts points as hits are ranked: by score, equal scores by the document's path and the page."""
    return -point.score, documents.label(str(point.payload["doc_id"]))[1], int(point.payload["page"])


def stage_labels(stages: Sequence[StageRequest]) -> list[str]:
    """A name a stage: the vector's, numbered when a vector is scored twice."""
    labels: list[str] = []
    for stage in stages:
        again = sum(label.split("#")[0] == stage.vector for label in labels)
        labels.append(f"{stage.vector}#{again + 1}" if again else stage.vector)
    return labels


def _scores_of(store: Store, stage: StageRequest, points: Sequence[Scored]) -> dict[str, float]:
    exact = StageRequest(stage.vector, stage.query, max(len(points), 1))
    ids = frozenset(point.id for point in points)
    return {scored.id: scored.score for scored in store.query([exact], Selection(ids=ids))}
