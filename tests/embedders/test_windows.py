from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vrag.embedders.windows import split_windows

cuttings = st.tuples(st.integers(1, 3000), st.integers(2, 300)).flatmap(
    lambda pair: st.tuples(st.just(pair[0]), st.just(pair[1]), st.integers(0, pair[1] - 1))
)


@given(cuttings)
def test_every_item_is_owned_exactly_once_and_in_order(cutting):
    windows = split_windows(*cutting)
    owned = [i for w in windows for i in range(w.own_start, w.own_stop)]
    assert owned == list(range(cutting[0]))


@given(cuttings)
def test_windows_are_of_equal_size_within_the_limit(cutting):
    length, limit, _ = cutting
    windows = split_windows(*cutting)
    assert len({window.stop - window.start for window in windows}) == 1
    for window in windows:
        assert 1 <= window.stop - window.start <= min(limit, length)
        assert 0 <= window.start <= window.own_start <= window.own_stop <= window.stop <= length


@given(cuttings)
def test_items_have_context_on_both_sides(cutting):
    length, _, overlap = cutting
    for window in split_windows(*cutting):
        assert window.start == 0 or window.own_start - window.start >= overlap // 2
        assert window.stop == length or window.stop - window.own_stop >= overlap // 2


def test_what_fits_is_one_window():
    assert len(split_windows(254, 254, 64)) == 1
    assert len(split_windows(255, 254, 64)) == 2


def test_the_own_slice_counts_from_the_start_of_the_window():
    first, second = split_windows(10, 6, 2)
    assert "abcdef"[first.own] + "efghij"[second.own] == "abcdefghij"


def test_windows_are_no_larger_than_they_need_to_be():
    assert [(w.start, w.stop) for w in split_windows(300, 254, 32)] == [(0, 166), (134, 300)]
