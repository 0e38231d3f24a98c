"""Answers of a search as JSON, the same for the command line and the service; docs/reference/json.md has the keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vrag.search.found import is_found
from vrag.search.hit import Hit

_KEYS = ("rank", "score", "doc", "path", "page", "stages", "region", "context_words")


def answer_json(query: str, cascade: str, took_ms: float, hits: Sequence[Hit]) -> dict[str, Any]:
    """A query with its hits.

    Args:
        query: As asked.
        cascade: Name or text of the one that ran.
        took_ms: Milliseconds that the search took.
        hits: Best first.
    """
    took = round(took_ms, 3)
    return {"query": query, "cascade": cascade, "took_ms": took, "found": is_found(hits), "hits": hits_json(hits)}


def hits_json(hits: Sequence[Hit]) -> list[dict[str, Any]]:
    """Hits alone."""
    return [{**{key: getattr(hit, key) for key in _KEYS}, "relevance": _rounded(hit.relevance)} for hit in hits]


def _rounded(relevance: float | None) -> float | None:
    return None if relevance is None else round(relevance, 4)
