"""Reading order of lines."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vrag.pages.order import reading_order

coordinate = st.floats(0, 1, width=32)


def column(x0, x1, count, top=0.2, height=0.02, gap=0.01):
    """Lines of a column of prose, top to bottom."""
    tops = top + np.arange(count) * (height + gap)
    return np.stack([np.full(count, x0), tops, np.full(count, x1), tops + height], axis=1).astype(np.float32)


def assert_order(*blocks):
    """Whatever order the lines come in, they are read block after block."""
    boxes = np.concatenate(blocks)
    shuffled = np.random.default_rng(0).permutation(len(boxes))
    assert shuffled[reading_order(boxes[shuffled])].tolist() == list(range(len(boxes)))


@given(st.lists(st.tuples(coordinate, coordinate, coordinate, coordinate), max_size=30))
def test_every_line_is_read_once(corners):
    boxes = np.array([[min(a, c), min(b, d), max(a, c), max(b, d)] for a, b, c, d in corners], np.float32).reshape(
        -1, 4
    )
    assert sorted(reading_order(boxes).tolist()) == list(range(len(boxes)))


def test_one_column_is_read_down():
    assert_order(column(0.1, 0.9, 20))


def test_two_columns_of_prose_are_read_one_after_the_other():
    assert_order(column(0.1, 0.45, 20), column(0.55, 0.9, 20))


def test_a_heading_over_two_columns_comes_first_and_a_footer_last():
    heading, footer = column(0.2, 0.8, 1, top=0.1), column(0.1, 0.9, 1, top=0.95)
    assert_order(heading, column(0.1, 0.45, 20), column(0.55, 0.9, 20), footer)


def test_three_columns():
    assert_order(column(0.05, 0.3, 9), column(0.35, 0.6, 9), column(0.65, 0.95, 9))


def test_a_table_is_read_row_by_row():
    labels = column(0.1, 0.3, 8)
    labels[1::2, 2] = 0.14  # labels of unequal length, as labels are
    labels[::3, 2] = 0.17
    numbers = column(0.8, 0.85, 8)
    boxes = np.stack([labels, numbers], axis=1).reshape(-1, 4)
    assert_order(boxes)


def test_words_of_a_row_need_not_be_level():
    assert_order(np.array([[0.1, 0.100, 0.2, 0.120], [0.3, 0.098, 0.4, 0.118], [0.5, 0.104, 0.6, 0.124]], np.float32))
