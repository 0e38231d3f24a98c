"""Search: a query becomes vectors, a cascade ranks pages, points become hits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from vrag.cascade import Cascade
from vrag.documents import Documents
from vrag.errors import UsageError
from vrag.execution import Execution
from vrag.payload import PAGE
from vrag.store.base import Condition, Scored, Selection

# Equal scores are told apart by document and page; this many more points than hits are read so
# that a tie at the end of the list does not depend on the engine's order.
_TIE_MARGIN = 10
_WHERE_KEYS = ("doc", "page", "source", "renderer")


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


def parse_where(clauses: Sequence[str], documents: Documents) -> Selection:
    """Pages that meet every `KEY=VALUE`.

    Raises:
        UsageError: Not of that form, an unknown key, or no such document.
    """
    conditions = [Condition("kind", (PAGE,))]
    for clause in clauses:
        key, equals, value = clause.partition("=")
        if not equals or not value:
            raise UsageError(f"Filter {clause!r} is not KEY=VALUE.", "e.g. --where doc=report.pdf")
        conditions.append(_condition(key.strip(), value.strip(), documents))
    return Selection(tuple(conditions))


def _condition(key: str, value: str, documents: Documents) -> Condition:
    if key not in _WHERE_KEYS:
        raise UsageError(f"Unknown filter key {key!r}.", f"Keys: {', '.join(_WHERE_KEYS)}.")
    if key == "doc":
        return Condition("doc_id", tuple(document.doc_id for document in documents.find(value)))
    if key == "page":
        if not value.isdecimal() or int(value) < 1:
            raise UsageError(f"Filter page={value!r} needs a page number from 1.")
        return Condition("page", (int(value),))
    return Condition(key, (value,))
