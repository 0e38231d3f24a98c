"""Candidates of several branches put together, where the engine has not run them itself."""

from __future__ import annotations

from collections.abc import Sequence

from vrag.store.interface import RRF_K, Scored


def fused(branches: Sequence[Sequence[Scored]]) -> list[Scored]:
    """Every branch's candidates, each once, best first by reciprocal rank fusion; equal scores by id.

        score(page) = sum over the branches that found it of 1 / (RRF_K + its rank there, from 0)

    Args:
        branches: Candidates of each, best first.
    """
    points: dict[str, Scored] = {}
    scores: dict[str, float] = {}
    for branch in branches:
        for rank, point in enumerate(branch):
            points.setdefault(point.id, point)
            scores[point.id] = scores.get(point.id, 0.0) + 1 / (RRF_K + rank)
    return sorted((points[i].at(score) for i, score in scores.items()), key=lambda p: (-p.score, p.id))
