"""Numbers as people read them: sizes in decimal units everywhere, and nouns that agree."""

from __future__ import annotations

_STEP = 1000


def size(count: float) -> str:
    """Bytes as text: 512 B, 1.5 kB, 40.0 MB."""
    if round(count) < _STEP:
        return f"{count:.0f} B"
    for unit in ("kB", "MB", "GB"):
        count /= _STEP
        if round(count, 1) < _STEP:  # as it is written
            return f"{count:.1f} {unit}"
    return f"{count / _STEP:,.1f} TB"


def counted(count: int, noun: str) -> str:
    """A number with its noun, which ends in s unless there is one: 1 page, 2 pages."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
