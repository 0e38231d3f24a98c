"""The snippet is the run of whole sentences that says most of what was asked."""

from itertools import pairwise

import numpy as np
import pytest

from tests.search.pages import lines
from vrag.grid import WHOLE_PAGE, Grid, Tile
from vrag.pages.page import Words
from vrag.search.best_passages import HEAD_SHARE, HEAD_WORDS, MOST, Cuts, best_passages
from vrag.search.snippet import (
    cut,
    nearest_rows,
    passage_text,
    passages_of_words,
    pieces,
    row_texts,
    words_within,
)

rng = np.random.default_rng(0)


def numbered(count, a_line=5):
    """Sentences of a word a number: "W0 w1 w2 w3 w4." and so on."""
    texts = [f"{'W' if n % a_line == 0 else 'w'}{n}{'.' if n % a_line == a_line - 1 else ''}" for n in range(count)]
    return lines(*(" ".join(texts[n : n + a_line]) for n in range(0, count, a_line)))


def shown(words, full, query, grid=None, context=None):
    return passage_text(words, *passages_of_words(query, full, grid or words.grid(), words, context, cut(words)))


def cuts(spans, most=MOST, headings=(), head=0):
    return Cuts(spans, np.isin(np.arange(len(spans)), headings), most, head)


def test_the_passage_holds_the_words_that_match_and_whole_sentences():
    full = np.eye(100, dtype=np.float32)
    text = shown(numbered(100), full, full[[50, 53]])
    said = text.strip("… ").split()
    assert {"W50", "w53"} <= set(said)
    assert said[0].startswith("W")
    assert said[-1].endswith(".")
    assert MOST - 5 < len(said) <= MOST
    assert text.startswith("… ")
    assert text.endswith(" …")


def test_room_is_filled_with_what_follows_and_then_with_what_is_before():
    full = np.eye(100, dtype=np.float32)
    said = shown(numbered(100), full, full[[50]]).strip("… ").split()
    assert (said[0], said[-1]) == ("W50", "w89.")
    said = shown(numbered(100), full, full[[70]]).strip("… ").split()
    assert (said[0], said[-1]) == ("W60", "w99.")


def test_a_word_that_the_context_answers_does_not_count():
    full = np.eye(100, dtype=np.float32)
    query = full[[32, 34, 90]] * 0.9
    assert "W30" in shown(numbered(100), full, query)
    assert "W90" in shown(numbered(100), full, query, context=np.array([0.9, 0.9, 0], np.float32))


def test_one_word_that_stands_there_outweighs_many_that_resemble_it():
    maxima = np.array([[0.9, 0.4], [0.1, 0.4], [0.1, 0.4]], np.float32)
    assert best_passages(maxima, np.ones(3, np.float32), None, cuts([(0, 40), (40, 80)])) == [(0, 40)]


def test_what_the_head_of_the_page_says_counts_for_a_passage_below_it():
    spans, weights = [(0, 15), (15, 50), (50, 60)], np.ones(3, np.float32)
    maxima = np.array([[1, 0, 0], [0.5, 0, 0], [0, 0, 0.8]], np.float32)  # a title, other rows, the row asked for
    assert best_passages(maxima, weights, None, cuts(spans, 40)) == [(0, 15)]
    assert best_passages(maxima, weights, None, cuts(spans, 40, head=HEAD_WORDS)) == [(50, 60)]
    assert best_passages(maxima[:, ::-1], weights, None, cuts([(0, 10), (10, 45), (45, 60)], 40, head=5)) == [(45, 60)]


def test_a_passage_does_not_break_off_behind_a_heading():
    spans, weights = [(0, 18), (18, 20), (20, 40)], np.ones(2, np.float32)
    maxima = np.array([[1, 0, 0.9], [0, 1, 0]], np.float32)
    assert best_passages(maxima, weights, None, cuts(spans, 22)) == [(0, 20)]
    assert best_passages(maxima, weights, None, cuts(spans, 22, headings=[1])) == [(18, 40)]
    assert best_passages(maxima[:, :2], weights, None, cuts(spans[:2], 22, headings=[1])) == [(0, 20)]


def gain(gains, headings, run):
    first, last = run
    of_head = max([0, *(gains[i] for i in range(first) if i < 2)])  # a query of one row, a head of two spans
    score = max(gains[first : last + 1].max(), HEAD_SHARE * of_head)
    return score * 0.8 if last in headings and last < len(gains) - 1 else score


def test_the_best_passage_of_a_page_with_head_and_headings_equals_a_naive_loop():
    spans = [(number * 10, number * 10 + 10) for number in range(10)]
    for _ in range(50):
        gains, headings = rng.random(10, np.float32), rng.choice(10, 4, replace=False).tolist()
        asked = cuts(spans, 30, headings, head=15)
        [(start, end)] = best_passages(np.sqrt(gains)[None], np.ones(1, np.float32), None, asked)
        runs = [(a, z) for a in range(10) for z in range(a, min(a + 3, 10))]
        best = max(runs, key=lambda run: (gain(gains, headings, run), run[0] - run[1], -run[0]))
        assert start <= spans[best[0]][0] < spans[best[1]][1] <= end <= start + 30


def plain_gain(maxima, weights, context):
    excess = np.maximum(maxima.max(axis=1) - np.maximum(context, 0), 0)
    return float((excess**2 / weights).sum())


def test_the_best_passage_equals_a_naive_loop():
    for _ in range(50):
        lengths = rng.integers(1, MOST, 12)
        ends = np.cumsum(lengths)
        spans = list(zip((ends - lengths).tolist(), ends.tolist(), strict=True))
        maxima = rng.normal(size=(4, 12)).astype(np.float32)
        weights, context = rng.uniform(0.5, 2, 4).astype(np.float32), rng.normal(size=4).astype(np.float32)

        runs = [(a, z) for a in range(12) for z in range(a, 12) if spans[z][1] - spans[a][0] <= MOST or a == z]
        best = max(plain_gain(maxima[:, a : z + 1], weights, context) for a, z in runs)
        [(start, end)] = best_passages(maxima, weights, context, cuts(spans))
        first, last = [a for a, _ in spans].index(start), [b for _, b in spans].index(end)
        assert plain_gain(maxima[:, first : last + 1], weights, context) == pytest.approx(best, rel=1e-5)
        assert end - start <= MOST


def test_words_without_a_row_stand_for_their_neighbours():
    source, kept = numbered(100), np.arange(0, 100, 2)
    full = np.eye(50, dtype=np.float32)
    assert "w31" in shown(source, full, full[[15]], Grid.free(source.boxes[kept]))


def test_pieces_know_the_rows_of_their_words():
    source = numbered(100)
    kept = np.flatnonzero(np.arange(100) % 5 != 1)
    parts = pieces(source, Grid.free(source.boxes[kept]))
    assert len(parts.cuts.spans) == 20
    for (start, end), (first, stop) in zip(parts.cuts.spans, parts.rows.tolist(), strict=True):
        assert kept[first:stop].tolist() == [i for i in range(start, end) if i % 5 != 1]


def test_pieces_of_words_in_one_place_are_in_order():
    words = numbered(20)
    words.boxes[3] = words.boxes[2]
    rows = pieces(words, Grid.free(words.boxes[[0, 2, 5, 19]])).rows
    assert rows[0][0] == 0
    assert rows[-1][1] == 4
    assert all(one[1] == two[0] for one, two in pairwise(rows.tolist()))


def test_a_long_sentence_is_cut():
    words = lines(*[" ".join(f"w{n}" for n in range(k, k + 10)) for k in range(0, 200, 10)])
    assert max(end - start for start, end in pieces(words, words.grid()).cuts.spans) <= MOST


def test_a_word_stands_for_the_patch_it_lies_in():
    grid = Grid.patches([Tile(4, 4)])
    boxes = np.array([[0.55, 0.3, 0.6, 0.45], [0.0, 0.9, 0.1, 1.0]], np.float32)
    assert nearest_rows(boxes, grid.boxes).tolist() == [6, 12]
    words = Words(("a", "b"), boxes, np.zeros(2, np.int32))
    assert row_texts(np.array([6, 12, 0]), grid, words) == ["a", "b", ""]


def test_words_within_a_box_are_those_whose_middle_it_holds():
    words = numbered(50)
    some = words_within(words, (0, 0, 1, float(words.boxes[7, 3])))
    assert some.texts == words.texts[:10]
    assert len(words_within(words, WHOLE_PAGE)) == 50


def test_a_short_page_is_shown_whole():
    assert shown(lines("one two three"), np.eye(3, dtype=np.float32), np.eye(3, dtype=np.float32)) == "one two three"


def test_further_passages_are_the_next_best_and_share_no_word():
    full = np.eye(400, dtype=np.float32)
    words, weights = numbered(400), np.ones(3, np.float32)
    first, second = passages_of_words(full[[50, 53]] * 2, full, words.grid(), words, None, cut(words, 20), 2)
    assert first[1] - first[0] == second[1] - second[0] == 20
    assert first[0] <= 50 <= 53 < first[1]
    assert second[1] <= first[0] or second[0] >= first[1]
    spans = [(number, number + 10) for number in range(0, 100, 10)]
    maxima = rng.random((3, 10), np.float32)
    found = best_passages(maxima, weights, None, cuts(spans, 20), 10)
    assert found[0] == best_passages(maxima, weights, None, cuts(spans, 20))[0]
    held = [word for start, end in found for word in range(start, end)]
    assert sorted(held) == list(range(100))
    assert all(end - start <= 20 for start, end in found)


def test_a_short_page_has_as_many_passages_as_it_has_words_for():
    words, full = lines("Two words", "and four more here"), np.eye(6, dtype=np.float32)
    assert passages_of_words(full[[1]], full, words.grid(), words, None, cut(words, 4), 5) == [(0, 2), (2, 6)]


def test_room_is_filled_with_what_says_most_be_it_before_or_behind():
    spans = [(0, 5), (5, 12), (12, 20), (20, 25), (25, 45)]
    maxima = np.array([[0, 0.9, 0, 1, 0]], np.float32)  # the second span has the word, too
    assert best_passages(maxima, np.ones(1, np.float32), None, cuts(spans, 30)) == [(0, 25)]
