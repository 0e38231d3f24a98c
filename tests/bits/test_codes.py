"""Rows of which nothing but bits is kept: what was lost once is lost once only, and the bits are those of the rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bits import naive
from vrag.bits.codes import Codes
from vrag.bits.kernels.quantise import Signs
from vrag.embedders.mean import load_mean
from vrag.pipeline.pipeline import load_pipeline

MEAN = load_mean()


def rows(seed, n=40, dim=384, around=None):
    found = np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32)
    return naive.unit(found + (0 if around is None else 8 * around)).astype(np.float32)


@given(st.integers(0, 9999), st.sampled_from([1, 2]), st.sampled_from([None, MEAN]), st.sampled_from([384, 100]))
def test_what_was_rounded_once_is_packed_without_loss(seed, levels, mean, dim):
    codes = Codes.around(mean, dim, levels)
    kept = codes.pack(rows(seed, dim=dim, around=mean if dim == 384 else None))
    assert kept.shape == (40, codes.size)
    assert set(np.unique(kept)) <= set(range(256))
    read = codes.unpack(kept)
    np.testing.assert_array_equal(codes.pack(read), kept)
    np.testing.assert_array_equal(codes.pack(read.astype(np.float16).astype(np.float32)), kept)  # as sums are taken
    np.testing.assert_array_equal(codes.rounded(read), read)


@pytest.mark.parametrize("mean", [None, MEAN], ids=["no mean", "built-in"])
@pytest.mark.parametrize("levels", [1, 2])
def test_the_bits_beside_an_index_are_the_same_as_those_of_the_rows(mean, levels):
    signs = Signs.around(mean, 384, levels)
    found = rows(1, around=mean)
    np.testing.assert_array_equal(signs.block(Codes.around(mean, 384, levels).rounded(found)), signs.block(found))


def test_rounded_rows_score_as_the_bits_estimate():
    codes, query = Codes.around(MEAN, 384, 2), rows(2, 12)
    found = rows(3, around=MEAN)
    expected = query @ MEAN + np.float32(codes.signs.scale) * (codes.signs.codes(found) @ query.T)
    np.testing.assert_allclose(codes.rounded(found) @ query.T, expected, rtol=0, atol=1e-5)


def test_the_row_of_an_empty_page_stays_zeros():
    codes = Codes.around(MEAN, 384, 2)
    assert not codes.rounded(np.zeros((1, 384), np.float32)).any()
    assert codes.rounded(rows(4)).any(axis=1).all()


def test_a_row_takes_a_quarter_of_a_byte_a_number():
    assert Codes.around(None, 384, 2).size == 96
    assert Codes.around(None, 128, 2).size == 32
    assert Codes.around(None, 128, 1).size == 16


def test_the_recipe_keeps_them_and_the_default_does_not():
    full = rows(5, around=MEAN)
    assert load_pipeline("builtin").as_kept(full) is full
    np.testing.assert_array_equal(load_pipeline("compact").as_kept(full), Codes.around(MEAN, 384, 2).rounded(full))
    fields = {field.name: field.kept_dim for field in load_pipeline("compact").schema(384)}
    assert fields == {"full": 96, "runs": 384, "global": 384, "text": 0, "context": 384}
