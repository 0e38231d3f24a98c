"""What OCR adds to a text layer."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vrag.pages.merge import merge
from vrag.pages.page import Words


def page(*lines):
    """Words of lines of text; every word has a box of its own."""
    texts = [text for line in lines for text in line.split()]
    numbers = [number for number, line in enumerate(lines) for _ in line.split()]
    boxes = np.random.default_rng(len(texts)).random((len(texts), 4), np.float32)
    return Words(tuple(texts), boxes, np.array(numbers, np.int32))


some_lines = st.lists(
    st.lists(st.sampled_from(["a", "b,", "C", "dd", "-"]), min_size=1, max_size=4).map(" ".join), max_size=5
)


def test_a_line_the_layer_lacks_is_kept_whole_and_comes_last():
    both = merge(page("Annual report", "of 2021"), page("annual REPORT", "Sales of shoes in Q1"))
    assert both.texts == ("Annual", "report", "of", "2021", "Sales", "of", "shoes", "in", "Q1")
    assert both.lines.tolist() == [0, 0, 1, 1, 3, 3, 3, 3, 3]
    assert both.boxes.shape == (9, 4)


def test_case_and_punctuation_make_no_difference():
    layer = page("Notes (see below): done.")
    assert merge(layer, page("notes see BELOW", "done!")) is layer


def test_marks_alone_are_no_words():
    layer = page("text")
    assert merge(layer, page("-", "| \u2022")) is layer


@given(some_lines)
def test_without_a_layer_everything_but_marks_is_kept(lines):
    seen = page(*lines)
    kept = [line for line in lines if sum(word == "-" for word in line.split()) * 2 < len(line.split())]
    assert merge(Words(), seen).texts == page(*kept).texts


@given(some_lines, some_lines)
def test_the_layer_stays_and_lines_never_decrease(first, second):
    layer, seen = page(*first), page(*second)
    both = merge(layer, seen)
    assert both.texts[: len(layer)] == layer.texts
    assert np.array_equal(both.boxes[: len(layer)], layer.boxes)
    assert (np.diff(both.lines) >= 0).all()
    assert len(both.texts) == len(both.boxes) == len(both.lines)


@given(some_lines, some_lines)
def test_merging_again_adds_nothing(first, second):
    layer, seen = page(*first), page(*second)
    once = merge(layer, seen)
    assert merge(once, seen) is once
