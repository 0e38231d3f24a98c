"""Clusters of similar rows: Ward's tree, whichever way it is made."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vrag.grid import Grid
from vrag.pooling.hierarchical import hierarchical, ward_labels
from vrag.pooling.poolings import normalise

sizes = st.integers(1, 40)
seeds = st.integers(0, 2**32 - 1)


def rows(n, seed, d=5):
    return normalise(np.random.default_rng(seed).normal(size=(n, d)))


def partition(labels):
    return {frozenset(np.flatnonzero(labels == label).tolist()) for label in set(labels.tolist())}


def naive(full, count):
    """The cheapest pair of all joined, one after the other, until `count` clusters are left."""
    clusters = [[i] for i in range(len(full))]

    def cost(a, b):
        gap = full[a].mean(axis=0) - full[b].mean(axis=0)
        return len(a) * len(b) / (len(a) + len(b)) * float(gap @ gap)

    while len(clusters) > count:
        pairs = [(i, j) for i in range(len(clusters)) for j in range(i)]
        i, j = min(pairs, key=lambda pair: cost(clusters[pair[0]], clusters[pair[1]]))
        clusters[j] += clusters.pop(i)
    return {frozenset(cluster) for cluster in clusters}


@given(st.integers(1, 16), seeds, st.integers(1, 16))
def test_joining_all_mutual_pairs_is_joining_one_pair_at_a_time(n, seed, count):
    full = rows(n, seed).astype(np.float64)
    count = min(count, n)
    assert partition(ward_labels(full.astype(np.float32), count)) == naive(full, count)


@pytest.mark.parametrize("factor", [2, 3, 5])
def test_a_page_is_cut_as_scipy_cuts_it(factor):
    hierarchy = pytest.importorskip("scipy.cluster.hierarchy")
    full = rows(300, factor, d=16)
    count = len(full) // factor
    tree = hierarchy.linkage(full.astype(np.float64), "ward")
    assert partition(ward_labels(full, count)) == partition(hierarchy.fcluster(tree, count, "maxclust"))


@given(sizes, seeds, st.integers(1, 50))
def test_there_are_as_many_vectors_as_the_factor_says(n, seed, factor):
    pooled = hierarchical(rows(n, seed), Grid.free(np.zeros((n, 4))), factor=factor)
    assert len(pooled.vectors) == len(pooled.sources) == max(n // factor, 1)


@given(sizes, seeds)
def test_factor_one_is_the_identity(n, seed):
    full = rows(n, seed)
    pooled = hierarchical(full, Grid.free(np.zeros((n, 4))), factor=1)
    np.testing.assert_allclose(pooled.vectors, full, atol=1e-6)
    assert [group.tolist() for group in pooled.sources] == [[i] for i in range(n)]


@given(sizes, seeds, st.integers(1, 5))
def test_clusters_come_in_the_order_of_their_first_rows(n, seed, factor):
    first = [group[0] for group in hierarchical(rows(n, seed), Grid.free(np.zeros((n, 4))), factor=factor).sources]
    assert first == sorted(first)


@given(sizes, st.integers(1, 4))
def test_equal_rows_and_empty_pages_are_no_trouble(n, factor):
    for full in (np.zeros((n, 3), np.float32), normalise(np.ones((n, 3)))):
        pooled = hierarchical(full, Grid.free(np.zeros((n, 4))), factor=factor)
        assert len(pooled.vectors) == max(n // factor, 1)
        assert np.isfinite(pooled.vectors).all()
