"""Search: a query becomes vectors, a cascade ranks pages, points become hits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from vrag.cascade.cascade import Cascade, Stage
from vrag.catalog.documents import Documents, Label
from vrag.errors import StoreError
from vrag.search.hit import Hit as Hit
from vrag.search.passages import Passage, find_passages
from vrag.search.ranking import Ranking, rank_pages
from vrag.search.relevance import JudgedPage, QueryTerms, relevances
from vrag.search.running import Runner
from vrag.search.typed_words import TypedWord
from vrag.store.interface import Scored

# Equal scores are told apart by document and page; this many more points than hits are read so
# that a tie at the end of the list does not depend on the engine's order.
_TIE_MARGIN = 10


def search(
    runner: Runner,
    documents: Documents,
    cascade: Cascade,
    k: int,
    words: Sequence[TypedWord] = (),
    query: QueryTerms | None = None,
) -> list[Hit]:
    """The `k` best pages, best first.

    Args:
        runner: Of the query.
        documents: Names of documents.
        cascade: How pages are ranked.
        k: Hits wanted.
        words: What the query's rows stand for, to say which of them the context answered.
        query: The query's words, to say how relevant a page is; None where pages have none.
    """
    ranking = rank_pages(runner, cascade, k, _TIE_MARGIN)
    if any("doc_id" not in point.payload for point in ranking.points):
        raise StoreError("Pages of the index have lost what is known of them.", "vrag verify --repair brings it back.")
    labels = documents.labels([str(point.payload["doc_id"]) for point in ranking.points])
    known = [point for point in ranking.points if point.payload["doc_id"] in labels]
    if len(known) < len(ranking.points) and not documents.shared:  # else another process has just removed it
        raise StoreError("The index has pages of a document it does not know.", "Ingest the folder again.")
    best = sorted(known, key=lambda point: result_order(point, labels))[:k]
    passages = _passages(runner, cascade, ranking, best)
    answered = _context_words(runner, cascade, ranking, best, words)
    relevance = _relevances(runner, ranking, best, labels, query) if query else {}
    hits = []
    for rank, point in enumerate(best, 1):
        doc_id = str(point.payload["doc_id"])
        name, path = labels[doc_id]
        scores = {label: scores[point.id] for label, scores in ranking.stages if point.id in scores}
        hit = Hit(rank, point.score, name, path, int(point.payload["page"]), scores, point.id, doc_id=doc_id)
        hit = replace(hit, context_words=answered.get(point.id, ()), relevance=relevance.get(point.id))
        passage = passages.get(point.id)
        hits.append(replace(hit, rows=passage.rows, region=passage.box, words=passage.words) if passage else hit)
    return hits


def _context_words(
    runner: Runner, cascade: Cascade, ranking: Ranking, points: Sequence[Scored], words: Sequence[TypedWord]
) -> dict[str, tuple[str, ...]]:
    """Words any piece of which the context answered, for each page, when the last step with a context counted it."""
    with_context = [i for i, step in enumerate(cascade.steps) if isinstance(step, Stage) and step.context]
    if not (words and with_context and points) or runner.is_one_document:
        return {}
    stage = _estimating(cascade, with_context[-1])
    starts = ranking.trail.starts(with_context[-1])
    answered = runner.rescoring.by_context(stage, np.asarray(runner.form(stage)), points, starts)
    typed = [word for word in words if word.is_typed]
    return {
        point: tuple(word.text for word in typed if rows[list(word.rows)].any()) for point, rows in answered.items()
    }


def _relevances(
    runner: Runner, ranking: Ranking, points: Sequence[Scored], labels: Mapping[str, Label], query: QueryTerms
) -> dict[str, float]:
    """How relevant each page is, where its words tell."""
    docs = {point.id: str(point.payload["doc_id"]) for point in points}
    logits = ranking.trail.logits
    pages = [JudgedPage(page, doc, labels[doc][1], logits.get(page)) for page, doc in docs.items()]
    return relevances(runner, query, pages)


def _passages(runner: Runner, cascade: Cascade, ranking: Ranking, points: Sequence[Scored]) -> dict[str, Passage]:
    """The best passage of each page, where a step looked for regions."""
    looked = [i for i in range(len(cascade.steps)) if ranking.trail.starts(i)]
    if not looked:
        return {}
    stage = _estimating(cascade, looked[-1])
    query = np.atleast_2d(np.asarray(runner.form(stage)))
    return find_passages(runner, stage, query, points, ranking.trail.starts(looked[-1]))


def _estimating(cascade: Cascade, step: int) -> Stage:
    """A stage of the cascade over bits, where the index has them: estimates will do."""
    stage = cascade.steps[step]
    assert isinstance(stage, Stage)
    return replace(stage, bits=True)


def result_order(point: Scored, labels: Mapping[str, Label]) -> tuple[float, str, int]:
    """Sorts points as hits are ranked: by score, equal scores by the document's path and the page."""
    return -point.score, labels[str(point.payload["doc_id"])][1], int(point.payload["page"])
