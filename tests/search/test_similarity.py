"""A query's similarities are those of one product, made of products that BLAS does not divide among processors."""

import numpy as np
import pytest

from vrag.search import similarity
from vrag.search.similarity import similarities

UNDIVIDED = 1 << 18


@pytest.mark.parametrize("m", [1, 15, 60, 300])
@pytest.mark.parametrize("n", [0, 1, 2, 45, 46, 700])
def test_they_are_those_of_one_product(m, n, monkeypatch):
    random = np.random.default_rng(m + n)
    query, rows = (random.normal(size=(count, 384)).astype(np.float32) for count in (m, n))
    sizes = []
    product = np.matmul

    def recorded(left, right, out):
        sizes.append(left.size * right.shape[1])
        return product(left, right, out=out)

    monkeypatch.setattr(similarity.np, "matmul", recorded)
    found = similarities(query, rows)
    np.testing.assert_allclose(found, query @ rows.T, rtol=1e-4, atol=1e-4)
    assert found.shape == (m, n)
    assert found.dtype == np.float32
    assert bool(sizes) == (m * n * 384 > UNDIVIDED)
    assert max(sizes, default=0) <= UNDIVIDED


def test_a_query_of_a_whole_page_of_rows_is_multiplied_as_it_is(monkeypatch):
    monkeypatch.setattr(similarity.np, "matmul", None)
    ones = np.ones((1000, 384), np.float32)
    assert (similarities(ones, ones[:5]) == 384).all()


def test_no_rows_are_similar_to_nothing():
    assert similarities(np.zeros((0, 384), np.float32), np.zeros((3, 384), np.float32)).shape == (0, 3)
