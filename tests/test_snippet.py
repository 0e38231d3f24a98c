"""The snippet is the best window of words."""

import numpy as np

from vrag.pages.page import Words
from vrag.snippet import best_window, snippet


def words(n):
    return Words(tuple(f"w{i}" for i in range(n)), np.zeros((n, 4), np.float32), np.zeros(n, np.int32))


def test_the_window_holds_the_words_that_match():
    full = np.eye(50, dtype=np.float32)
    query = full[[30, 33]]
    text = snippet(query, full, words(50), width=8)
    assert "w30" in text
    assert "w33" in text
    assert text.startswith("… ")
    assert text.endswith(" …")


def test_a_short_page_is_shown_whole():
    assert snippet(np.eye(3, dtype=np.float32), np.eye(3, dtype=np.float32), words(3)) == "w0 w1 w2"


def test_no_words_no_snippet():
    assert snippet(np.ones((1, 3), np.float32), np.zeros((1, 3), np.float32), Words()) == ""


def test_the_best_window_equals_a_naive_loop():
    similarities = np.random.default_rng(0).normal(size=(4, 40)).astype(np.float32)
    naive = max(range(34), key=lambda s: similarities[:, s : s + 7].max(axis=1).sum())
    assert best_window(similarities, 7) == naive
