"""The snippet is the best window of words."""

import numpy as np

from vrag.grid import WHOLE_PAGE, Grid, Tile
from vrag.pages.page import Words
from vrag.snippet import best_window, nearest_rows, snippet


def words(n):
    lefts = np.linspace(0, 0.9, n)
    boxes = np.stack([lefts, np.zeros(n), lefts + 0.01, np.full(n, 0.1)], axis=1).astype(np.float32)
    return Words(tuple(f"w{i}" for i in range(n)), boxes, np.zeros(n, np.int32))


def test_the_window_holds_the_words_that_match():
    full = np.eye(50, dtype=np.float32)
    query = full[[30, 33]]
    text = snippet(query, full, words(50).grid(), words(50), width=8)
    assert "w30" in text
    assert "w33" in text
    assert text.startswith("… ")
    assert text.endswith(" …")


def test_words_without_a_row_stand_for_their_neighbours():
    source, kept = words(40), np.arange(0, 40, 2)
    text = snippet(
        np.eye(20, dtype=np.float32)[[15]], np.eye(20, dtype=np.float32), Grid.free(source.boxes[kept]), source, 4
    )
    assert "w30" in text


def test_a_word_stands_for_the_patch_it_lies_in():
    grid = Grid.patches([Tile(4, 4)])
    boxes = np.array([[0.55, 0.3, 0.6, 0.45], [0.0, 0.9, 0.1, 1.0]], np.float32)
    assert nearest_rows(boxes, grid.boxes).tolist() == [6, 12]


def test_a_short_page_is_shown_whole():
    assert snippet(np.eye(3, dtype=np.float32), np.eye(3, dtype=np.float32), words(3).grid(), words(3)) == "w0 w1 w2"


def test_no_words_no_snippet():
    assert snippet(np.ones((1, 3), np.float32), np.zeros((1, 3), np.float32), Grid.free([WHOLE_PAGE]), Words()) == ""


def test_the_best_window_equals_a_naive_loop():
    similarities = np.random.default_rng(0).normal(size=(4, 40)).astype(np.float32)
    naive = max(range(34), key=lambda s: similarities[:, s : s + 7].max(axis=1).sum())
    assert best_window(similarities, 7) == naive
