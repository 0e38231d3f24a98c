"""Whether a search has found anything, by the relevance of its hits (`vrag.search.relevance`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from vrag.errors import UsageError
from vrag.search.hit import Hit

NOT_RELEVANT = 0.15  # less stands for nothing found: docs/reference/relevance.md has how often that is wrong


def check_least(least: float) -> None:
    """Make sure that a least relevance is one.

    Raises:
        UsageError: It is not from 0 to 1.
    """
    if isinstance(least, bool) or not isinstance(least, (int, float)) or not 0 <= least <= 1:
        raise UsageError(f"A least relevance is a number from 0 to 1, not {least!r}.", "e.g. 0.3")


def relevant(hits: Sequence[Hit], least: float) -> list[Hit]:
    """The hits with this relevance at least, and those of which nothing is known, ranked anew."""
    kept = [hit for hit in hits if hit.relevance is None or hit.relevance >= least]
    return [replace(hit, rank=rank) for rank, hit in enumerate(kept, 1)]


def is_found(hits: Sequence[Hit]) -> bool:
    """Whether any of a search's hits may be what was looked for."""
    return bool(relevant(hits, NOT_RELEVANT))
