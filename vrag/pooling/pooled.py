"""What every pooling is made of: groups of rows, their means, and the map back to the rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vrag.grid import FloatArray, Grid

IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Pooled:
    """Pooled vectors and where they come from.

    Args:
        vectors: float32 [k, d], unit rows.
        sources: k index arrays into the n rows pooled: the map back to patches and boxes.
    """

    vectors: FloatArray
    sources: tuple[IntArray, ...]


Pooling = Callable[[FloatArray, Grid], Pooled]


class UnsuitableGridError(ValueError):
    """A pooling that needs patches was given words, or tiles of a shape it cannot use."""


def normalise(rows: npt.NDArray[np.floating]) -> FloatArray:
    """Rows [..., d] scaled to unit length, float32; zero rows stay zero."""
    norms = np.linalg.norm(rows, axis=-1, keepdims=True)
    unit: FloatArray = (rows / np.maximum(norms, 1e-12)).astype(np.float32)
    return unit


def means(full: FloatArray, groups: Sequence[IntArray]) -> FloatArray:
    """Mean [k, d] of each of k non-empty groups of rows of `full` [n, d], float32, not normalised."""
    lengths = np.array([len(group) for group in groups])
    rows, starts = np.concatenate(groups), np.cumsum(lengths) - lengths
    in_order = np.array_equal(rows, np.arange(len(full)))
    sums: FloatArray = np.add.reduceat(full if in_order else full[rows], starts, axis=0)
    sums /= lengths[:, None].astype(np.float32)
    return sums


def group_means(full: FloatArray, groups: Sequence[IntArray]) -> Pooled:
    """Unit mean of each group; a group of one row is that row."""
    return Pooled(normalise(means(full, groups)), tuple(groups))


def weighted_means(full: FloatArray, groups: Sequence[IntArray], weights: FloatArray) -> Pooled:
    """Unit weighted means of group means.

    Args:
        full: float32 [n, d].
        groups: g groups of rows.
        weights: float32 [k, g], not negative; each row has a positive sum.
    """
    shares = weights / weights.sum(axis=1, keepdims=True)
    sources = tuple(np.concatenate([groups[int(i)] for i in np.flatnonzero(row)]) for row in weights)
    return Pooled(normalise(shares @ means(full, groups)), sources)


def members(keys: IntArray) -> list[IntArray]:
    """Rows with equal keys, by ascending key: int [n] -> groups."""
    order = np.argsort(keys, kind="stable")
    edges = [0, *(np.flatnonzero(np.diff(keys[order])) + 1).tolist(), len(keys)]
    return [order[a:b] for a, b in zip(edges[:-1], edges[1:], strict=True)]  # np.split takes ten times as long


def merged(groups: Sequence[IntArray], cap: int) -> list[IntArray]:
    """Neighbouring groups joined evenly until at most `cap` are left."""
    edges = np.linspace(0, len(groups), min(cap, len(groups)) + 1).astype(np.intp)
    return [np.concatenate(groups[a:b]) for a, b in zip(edges[:-1], edges[1:], strict=True)]
