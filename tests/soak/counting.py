"""What the programs that kill have in common: counts that are added up over rounds, and shown."""

from __future__ import annotations

from collections import Counter
from typing import TypeVar

Sum = TypeVar("Sum", bound="Summed")


class Summed:
    """A record whose fields are added up one by one: numbers, lists and counters."""

    def __iadd__(self: Sum, other: Sum) -> Sum:
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)
        return self


def counts(counter: Counter[str]) -> str:
    """Every name with how often, by name."""
    return ", ".join(f"{name} {count}" for name, count in sorted(counter.items()))
