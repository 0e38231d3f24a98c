"""Hierarchical token pooling: rows that say nearly the same become one, wherever on the page they stand.

Ward's linkage over the rows, cut where n // factor clusters are left, as in token pooling of ColBERT vectors
(arXiv 2409.14683) and `HierarchicalTokenPooler` of colpali-engine. That pooler gives its clustering the rows of the
distance matrix as points; here the points are the vectors themselves, which is what Ward's criterion is about.

All pairs of clusters that are each other's nearest are joined at once, round by round. Ward's linkage is
reducible: joining two clusters never brings a third one nearer. So this makes the same tree as joining one pair at a
time (F. Murtagh, A survey of recent advances in hierarchical clustering algorithms, 1983), in a few matrix
operations; and a cluster whose nearest is still apart need not look for it again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vrag.grid import FloatArray, Grid
from vrag.pooling.pooled import IntArray, Pooled, group_means, members

_BLOCK = 128  # rows looked at together: what they cost fits the processor's cache


@dataclass(slots=True)
class _Clusters:
    """k clusters still apart.

    Args:
        ids: int [k]; rows are 0 .. n - 1, the i-th join makes n + i.
        sizes: float32 [k], number of rows.
        means: float32 [k, d].
        heights: float32 [k], cost of the join that made each.
        nearest: int [k], the place in this list of the cluster that is cheapest to join with.
        costs: float32 [k], what that would cost.
    """

    ids: IntArray
    sizes: FloatArray
    means: FloatArray
    heights: FloatArray
    nearest: IntArray
    costs: FloatArray


def hierarchical(full: FloatArray, grid: Grid, *, factor: int = 3) -> Pooled:
    """Means of max(n // factor, 1) clusters of similar rows, in the order of their first rows.

    Factor 1 changes nothing. Works on words and patches alike: places play no part.
    """
    labels = ward_labels(full, max(len(full) // factor, 1))
    first_seen = np.unique(labels, return_index=True)[1]
    rank = np.empty(labels.max() + 1, np.intp)
    rank[labels[np.sort(first_seen)]] = np.arange(len(first_seen))
    return group_means(full, members(rank[labels]))


def ward_labels(full: FloatArray, count: int) -> IntArray:
    """Cluster of each row of `full` [n, d] when Ward's tree is cut into `count` clusters: int [n]."""
    n = len(full)
    pairs, heights = np.zeros((0, 2), np.intp), np.zeros(0, np.float32)
    zeros = np.zeros(n, np.float32)
    left = _Clusters(np.arange(n), zeros + 1, full.astype(np.float32), zeros, np.zeros(n, np.intp), zeros.copy())
    stale = np.arange(n)
    while len(left.ids) > 1:
        _look(left, stale)
        if np.count_nonzero(heights <= left.costs.min()) >= n - count:
            break  # whatever is joined from here on lies above the cut
        a, b = _mutual(left)
        pairs = np.concatenate([pairs, np.stack([left.ids[a], left.ids[b]], axis=1)])
        left, stale = _join(left, a, b, n + len(heights))
        heights = np.concatenate([heights, left.heights[-len(a) :]])
    return _cut(pairs, heights, n, count)


def _look(clusters: _Clusters, rows: IntArray) -> None:
    """Find the nearest of the clusters at the places `rows` [r], and what joining them costs.

    Ward's cost is |A| |B| / (|A| + |B|) times the squared distance of the means.
    """
    norms = np.einsum("kd,kd->k", clusters.means, clusters.means)
    shares = (1 / clusters.sizes).astype(np.float32)
    columns = clusters.means.T
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        costs: FloatArray = (-2 * clusters.means[block]) @ columns
        costs += norms[block, None]
        costs += norms
        costs /= shares[block, None] + shares
        place = np.arange(len(block))
        costs[place, block] = np.inf
        clusters.nearest[block] = costs.argmin(axis=1)
        clusters.costs[block] = costs[place, clusters.nearest[block]]


def _mutual(clusters: _Clusters) -> tuple[IntArray, IntArray]:
    """Pairs a < b of clusters that are each other's nearest; the cheapest pair when rounding leaves none."""
    nearest, place = clusters.nearest, np.arange(len(clusters.ids))
    a = np.flatnonzero((nearest[nearest] == place) & (place < nearest))
    if not len(a):
        a = np.array([clusters.costs.argmin()])
    return np.minimum(a, nearest[a]), np.maximum(a, nearest[a])


def _join(old: _Clusters, a: IntArray, b: IntArray, first_id: int) -> tuple[_Clusters, IntArray]:
    """Each pair at the places `a[i]`, `b[i]` made one, at the end of the list; and who has to look again."""
    apart = np.ones(len(old.ids), bool)
    apart[a] = apart[b] = False
    sizes = old.sizes[a] + old.sizes[b]
    sums = old.means[a] * old.sizes[a, None] + old.means[b] * old.sizes[b, None]
    heights = np.maximum(old.costs[a], np.maximum(old.heights[a], old.heights[b]))
    nearest, new = (np.cumsum(apart) - 1)[old.nearest], np.zeros(len(a), np.intp)
    joined = _Clusters(
        np.concatenate([old.ids[apart], first_id + np.arange(len(a))]),
        np.concatenate([old.sizes[apart], sizes]),
        np.concatenate([old.means[apart], (sums / sizes[:, None]).astype(np.float32)]),
        np.concatenate([old.heights[apart], heights]),
        np.concatenate([nearest[apart], new]),
        np.concatenate([old.costs[apart], heights]),
    )
    bereft = np.flatnonzero(~apart[old.nearest[apart]])
    return joined, np.concatenate([bereft, np.arange(len(joined.ids) - len(a), len(joined.ids))])


def _cut(pairs: IntArray, heights: npt.NDArray[np.float32], n: int, count: int) -> IntArray:
    """Labels int [n] after the n - count lowest joins; join i of `pairs` [m, 2] makes cluster n + i."""
    lowest = np.argsort(heights, kind="stable")[: n - count]  # a cluster is never higher than the one it is part of
    parent = np.arange(n + len(pairs))
    parent[pairs[lowest]] = n + lowest[:, None]
    while not np.array_equal(higher := parent[parent], parent):
        parent = higher
    labels: IntArray = np.unique(parent[:n], return_inverse=True)[1].reshape(-1)
    return labels
