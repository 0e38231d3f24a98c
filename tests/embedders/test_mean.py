from __future__ import annotations

import numpy as np

from vrag.embedders.mean import load_mean, vocabulary_mean
from vrag.embedders.minilm import MiniLM
from vrag.embedders.weights import FLOAT32


def test_the_shipped_mean_is_the_vocabularys(builtin):
    np.testing.assert_allclose(load_mean(), vocabulary_mean(MiniLM(FLOAT32)), atol=1e-5)
    np.testing.assert_array_equal(builtin.mean, load_mean())


def test_it_is_a_mean_of_unit_vectors():
    mean = load_mean()
    assert (mean.shape, mean.dtype) == ((384,), np.float32)
    assert 0 < np.linalg.norm(mean) < 1
