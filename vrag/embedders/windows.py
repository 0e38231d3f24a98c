"""Cutting a long sequence into overlapping windows so that every item has context on both sides."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Window:
    """Items start <= i < stop are read together; the vectors of own_start <= i < own_stop are kept."""

    start: int
    stop: int
    own_start: int
    own_stop: int

    @property
    def own(self) -> slice:
        """The owned items, counted from the window's start."""
        return slice(self.own_start - self.start, self.own_stop - self.start)


def split_windows(length: int, limit: int, overlap: int) -> list[Window]:
    """Cover `length` items with as few windows as possible, all of one size, neighbours sharing `overlap` items.

    Every item is owned by exactly one window: ownership changes in the middle of an overlap, so that an item has
    at least overlap // 2 neighbours on each side unless the sequence itself ends there. The windows are no larger
    than the sequence needs, because every shared item is read twice.

    Args:
        length: Number of items, at least 1.
        limit: Largest window, greater than `overlap`.
        overlap: Items that two neighbours have in common, at least.
    """
    count = max(1, -(-(length - overlap) // (limit - overlap)))
    size = -(-(length + (count - 1) * overlap) // count)
    starts = [(length - size) * i // max(1, count - 1) for i in range(count)]
    cuts = [0, *((a + size + b) // 2 for a, b in zip(starts, starts[1:], strict=False)), length]
    return [Window(s, s + size, a, b) for s, a, b in zip(starts, cuts, cuts[1:], strict=False)]
