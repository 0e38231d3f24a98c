"""Scores over packed bits equal the formulas, whatever the shapes."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.bits import naive
from vrag.bits.kernels import threads
from vrag.bits.kernels.quantise import PLANES, Signs
from vrag.bits.packed import PackedPages

SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)


def packed(pages, signs):
    bits = [signs.block(page).ravel() for page in pages]
    return PackedPages(signs, np.concatenate(bits), np.cumsum([0, *map(len, pages)]))


def corpus(seed, dim, lengths, levels=1):
    rng = np.random.default_rng(seed)
    pages = [naive.unit(rng.normal(0.1, 1, (n, dim))) for n in lengths]
    return pages, Signs.of(np.concatenate(pages).mean(axis=0), levels), rng


@st.composite
def cases(draw):
    few, tiles = st.integers(0, 9), st.sampled_from([15, 16, 17, 31, 32, 33, 64, 70])  # what the kernels take at a time
    lengths = draw(st.lists(few | tiles, min_size=1, max_size=5).filter(lambda lengths: max(lengths) > 0))
    dim = draw(st.sampled_from([1, 8, 31, 32, 33, 128, 130, 384]))
    levels = draw(st.sampled_from([1, 2]))
    return (
        corpus(draw(st.integers(0, 999)), dim, lengths, levels),
        draw(st.integers(1, 4)),
        draw(st.sampled_from([1, 2, 4])),
    )


@SHARED
@given(cases())
def test_maxsim_is_the_sum_of_the_best_similarities(instructions, case):
    (pages, signs, rng), m, planes = case
    query = rng.normal(size=(m, signs.dim)).astype(np.float32)
    found = packed(pages, signs).maxsim(query, planes=planes)
    expected = [naive.maxsim(signs, query, page, planes) for page in pages]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3)


@SHARED
@given(cases(), st.integers(1, 5), st.integers(1, 5), st.booleans())
def test_the_best_region_is_the_best_of_all_windows(instructions, case, window, stride, with_context):
    (pages, signs, rng), m, planes = case
    stride = min(stride, window)
    query = rng.normal(size=(m, signs.dim)).astype(np.float32)
    context = rng.normal(size=(m, len(pages))).astype(np.float32) if with_context else None
    scores, starts = packed(pages, signs).regions(query, window, stride, context=context, planes=planes)
    for k, page in enumerate(pages):
        floor = context[:, k] if with_context else np.full(m, -np.inf)
        best, _ = naive.best_region(signs, query, page, planes, window, stride, floor)
        assert scores[k] == pytest.approx(best, rel=1e-4, abs=1e-3)
        if len(page):  # the window named has that score; another may have the same
            at = int(starts[k])
            assert at % stride == 0
            there, _ = naive.best_region(signs, query, page[at : at + window], planes, window, window, floor)
            assert scores[k] == pytest.approx(there, rel=1e-4, abs=1e-3)


def test_one_window_over_the_whole_page_is_maxsim(instructions):
    pages, signs, rng = corpus(1, 128, [3, 40, 1])
    query = rng.normal(size=(5, 128)).astype(np.float32)
    some = packed(pages, signs)
    scores, starts = some.regions(query, 40, 40)
    np.testing.assert_allclose(scores, some.maxsim(query), rtol=1e-5)
    assert starts.tolist() == [0, 0, 0]


def test_pages_may_be_named_in_any_order(instructions):
    pages, signs, rng = corpus(2, 64, [5, 6, 7, 8])
    query = rng.normal(size=(3, 64)).astype(np.float32)
    some = packed(pages, signs)
    every, chosen = some.maxsim(query), np.array([3, 0, 3])
    np.testing.assert_array_equal(some.maxsim(query, chosen), every[chosen])
    context = rng.normal(size=(3, 4)).astype(np.float32)
    scores, starts = some.regions(query, 4, 2, context=context)
    some_scores, some_starts = some.regions(query, 4, 2, chosen, np.ascontiguousarray(context[:, chosen]))
    np.testing.assert_array_equal(some_scores, scores[chosen])
    np.testing.assert_array_equal(some_starts, starts[chosen])
    assert len(some.maxsim(query, np.array([], np.int64))) == 0


def test_threads_give_what_one_gives(instructions, monkeypatch):
    pages, signs, rng = corpus(3, 64, rng_lengths := list(range(1, 60)))
    query = rng.normal(size=(6, 64)).astype(np.float32)
    context = rng.normal(size=(6, len(rng_lengths))).astype(np.float32)
    some = packed(pages, signs)
    alone = some.maxsim(query), *some.regions(query, 8, 4, context=context)
    monkeypatch.setattr(threads, "_WORTH_A_THREAD", 1)
    monkeypatch.setattr(threads, "usable_cpus", lambda: 3)
    together = some.maxsim(query), *some.regions(query, 8, 4, context=context)
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_cannot_be_scored_is_refused():
    pages, signs, _ = corpus(4, 64, [5, 6])
    some, query = packed(pages, signs), np.ones((2, 64), np.float32)
    for pages_named in ([2], [-1]):
        with pytest.raises(IndexError, match=r"0\.\.1"):
            some.maxsim(query, np.array(pages_named))
    for window, stride in ((0, 0), (4, 5), (4, 0)):
        with pytest.raises(ValueError, match="stride"):
            some.regions(query, window, stride)
    with pytest.raises(ValueError, match="context"):
        some.regions(query, 4, 2, context=np.zeros((2, 3), np.float32))


@SHARED
@given(cases(), st.integers(0, 8), st.integers(1, 5), st.integers(0, 4))
def test_maxima_are_those_of_the_window_and_the_head(instructions, case, start, window, head):
    (pages, signs, rng), m, planes = case
    query = rng.normal(size=(m, signs.dim)).astype(np.float32)
    starts = np.full(len(pages), start)
    found = packed(pages, signs).maxima(query, np.arange(len(pages)), starts, starts + window, head)
    for k, page in enumerate(pages):
        rows = np.concatenate([page[start : start + window], page[:head]])
        expected = naive.similarities(signs, query, rows, PLANES).max(axis=1, initial=-np.inf)
        np.testing.assert_allclose(found[:, k], expected, rtol=1e-4, atol=1e-3)
