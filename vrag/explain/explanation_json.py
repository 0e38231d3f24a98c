"""Explanations as JSON, the same for the command line and the service; docs/reference/json.md has the keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from vrag.explain.explanation import Explanation, Match

_KEYS = ("query", "doc", "path", "page", "cascade", "score")


def explanation_json(found: Explanation) -> dict[str, Any]:
    """An explanation of a page."""
    stages = [asdict(stage) for stage in found.stages]
    counted = asdict(found.counted) | {"score": found.counted.score} if found.counted else None
    facts = {key: getattr(found, key) for key in _KEYS}
    return {**facts, "stages": stages, "matches": matches_json(found.matches), "counted": counted}


def matches_json(matches: Sequence[Match]) -> list[dict[str, Any]]:
    """What answers each row of a query."""
    return [asdict(match) for match in matches]
