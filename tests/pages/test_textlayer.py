"""Characters to words."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vrag.pages.page import Words
from vrag.pages.textlayer import group_words, readable


def in_a_row(count):
    """Boxes of characters that stand side by side."""
    x = np.linspace(0, 1, count + 1)
    return np.stack([x[:-1], np.full(count, 0.4), x[1:], np.full(count, 0.6)], axis=1).astype(np.float32)


def words_of(text):
    return group_words(list(text), in_a_row(len(text)))


plain = st.text(st.sampled_from("ab1.-, \r\n\té"), max_size=40)


@given(plain)
def test_words_are_what_white_space_separates(text):
    words = words_of(text)
    assert list(words.texts) == text.split()
    assert words.boxes.shape == (len(words), 4)
    assert words.lines.shape == (len(words),)


@given(plain)
def test_lines_are_consecutive_and_follow_line_breaks(text):
    lines = [line.split() for line in text.replace("\r", "\n").split("\n")]
    expected = [number for number, line in enumerate(filter(None, lines)) for _ in line]
    assert words_of(text).lines.tolist() == expected


@given(st.lists(st.tuples(*[st.floats(0, 1, width=32)] * 4), min_size=1, max_size=20), st.data())
def test_a_words_box_is_the_smallest_around_its_characters(boxes, data):
    chars = data.draw(st.lists(st.sampled_from("ab "), min_size=len(boxes), max_size=len(boxes)))
    boxes = np.array([[min(a, c), min(b, d), max(a, c) + 0.01, max(b, d) + 0.01] for a, b, c, d in boxes], np.float32)
    words = group_words(chars, boxes)
    runs, start = [], 0
    for run in "".join(chars).split(" "):
        if run:
            runs.append(boxes[start : start + len(run)])
        start += len(run) + 1
    runs = [run for run in runs if (run[:, :2].min(axis=0) < 1).all()]
    expected = [np.r_[run[:, :2].min(axis=0), run[:, 2:].max(axis=0)].clip(0, 1) for run in runs]
    assert np.array_equal(words.boxes, np.array(expected, np.float32).reshape(-1, 4))


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        ("soft\u00adware", "software"),  # a soft hyphen is not seen
        ("zero\u200bwidth", "zerowidth"),
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"),
        ("\ufb01ne", "fine"),  # a ligature
        ("\U0001d453(x)", "f(x)"),  # a letter of a formula
        ("\ud835\udc53(x)", "f(x)"),  # the same in two halves
        ("lone\ud835half", "lone\ufffdhalf"),
        ("x\x01y", "x\ufffdy"),  # no letter at all
        ("10\u00b2", "10\u00b2"),  # an exponent stays one
    ],
)
def test_spelling(stream, expected):
    if stream.startswith("\u0645"):  # written from right to left: the first letter is the rightmost
        assert group_words(list(stream), in_a_row(len(stream))[::-1]).texts == (expected,)
    else:
        assert words_of(stream).texts == (expected,)


def test_a_right_to_left_word_stored_as_painted_is_turned_round():
    assert words_of("\u05dd\u05d5\u05dc\u05e9").texts == ("\u05e9\u05dc\u05d5\u05dd",)


def test_a_hyphen_at_a_line_end_starts_a_new_line():
    words = words_of("inter\x02national law")
    assert words.texts == ("inter-", "national", "law")
    assert words.lines.tolist() == [0, 1, 1]


def test_words_off_the_page_are_dropped():
    boxes = in_a_row(5) + np.array([1.5, 0, 1.5, 0], np.float32) * np.array([[0], [0], [0], [0], [1]], np.float32)
    assert group_words(list("in ou"), boxes).texts == ("in", "ou")
    boxes[3:, [0, 2]] = [[1.2, 1.3], [1.3, 1.4]]
    assert group_words(list("in ou"), boxes).texts == ("in",)


def test_nothing_makes_no_words():
    assert len(group_words([], np.zeros((0, 4), np.float32))) == 0


def make_words(*texts):
    return Words(texts, np.zeros((len(texts), 4), np.float32), np.arange(len(texts), dtype=np.int32))


def test_bullets_of_symbol_fonts_are_left_out():
    words = readable(make_words("\uf0b7", "first", "point"))
    assert words.texts == ("first", "point")
    assert words.lines.tolist() == [1, 2]


def test_a_layer_whose_letters_are_lost_says_nothing():
    assert len(readable(make_words("\ufffd\ufffd\ufffd", "\ue001\ue002", "of"))) == 0


def test_readable_words_stay_as_they_are():
    words = make_words("na\u00efve", "\u65e5\u672c", "text")
    assert readable(words).texts == words.texts
