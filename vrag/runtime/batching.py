"""Runs of so many values, taken from any iterable as they come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def batched(values: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of `size` values in order, the last one shorter where they do not divide; `itertools.batched` of 3.12."""
    waiting = iter(values)
    while batch := list(islice(waiting, size)):
        yield batch
