"""Search: a query becomes vectors, a cascade ranks pages, points become hits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vrag.cascade import Cascade
from vrag.documents import Documents
from vrag.errors import UsageError
from vrag.execution import Execution, QueryForm
from vrag.payload import PAGE
from vrag.store.base import Condition, Scored, Selection, Store

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


def search(
    store: Store, documents: Documents, cascade: Cascade, form: QueryForm, selection: Selection, k: int, corpus: int
) -> list[Hit]:
    """The `k` best pages of the selection, best first.

    Args:
        store: Where the pages are.
        documents: Names of documents.
        cascade: How they are ranked.
        form: The query as a stage scores with it.
        selection: Pages that take part.
        k: Hits wanted.
        corpus: Pages in the index.
    """
    ranking = Execution(store, form, selection, k, corpus, _TIE_MARGIN).run(cascade)
    doc_ids = {str(point.payload["doc_id"]) for point in ranking.points}
    names = {doc_id: documents.label(doc_id) for doc_id in doc_ids}
    best = sorted(ranking.points, key=lambda point: _order(point, names))[:k]
    hits = []
    for rank, point in enumerate(best, 1):
        name, path = names[str(point.payload["doc_id"])]
        scores = {label: scores[point.id] for label, scores in ranking.stages if point.id in scores}
        hits.append(Hit(rank, point.score, name, path, int(point.payload["page"]), scores, point.id))
    return hits


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


def _order(point: Scored, names: dict[str, tuple[str, str]]) -> tuple[float, str, int]:
    return -point.score, names[str(point.payload["doc_id"])][1], int(point.payload["page"])
