"""Queries that are drawn from a page's words: a piece of the page, with something in it to look for."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vrag.embedders.function_words import FUNCTION_WORDS
from vrag.tuning.queries import _EDGES, LONGEST, SHORTEST, _draw, _has_content, _plain, _rarity, _trimmed

FUNCTION = sorted(FUNCTION_WORDS)[:6]
PLAIN = st.sampled_from(
    ["pump", "valve", "Northern", "QX-4471", "steel,", "(flow)", "pressure.", "2025", "a", "–", "…"]
)
WORDS = st.lists(PLAIN | st.sampled_from(FUNCTION), min_size=SHORTEST, max_size=60).filter(
    lambda words: any(_has_content(_plain(word)) for word in words)
)
SEEDS = st.integers(0, 2**32)


def draw(words, seed):
    return _draw(words, Counter({_plain(word) for word in words}), np.random.default_rng(seed))


@given(WORDS, SEEDS)
def test_a_drawn_query_stands_on_its_page(words, seed):
    drawn = draw(words, seed).split()
    page = [word.strip(_EDGES) for word in words]
    without = [word for word in page if _plain(word)]
    runs = {tuple(without[i : i + len(drawn)]) for i in range(len(without))}
    assert tuple(drawn) in runs or drawn == [max(words, key=lambda word: (_has_content(_plain(word)), len(word)))]
    assert 1 <= len(drawn) <= LONGEST


@given(WORDS, SEEDS)
def test_it_begins_and_ends_with_a_word_to_look_for(words, seed):
    drawn = draw(words, seed).split()
    assert _has_content(_plain(drawn[0]))
    assert _has_content(_plain(drawn[-1]))


@given(WORDS, SEEDS)
def test_the_seed_decides_it(words, seed):
    assert draw(words, seed) == draw(words, seed)


@given(st.lists(PLAIN | st.sampled_from(FUNCTION), max_size=12))
def test_function_words_go_from_the_ends_alone(run):
    kept = _trimmed(list(run))
    words = [word for word in run if _plain(word)]
    inside = [number for number, word in enumerate(words) if _has_content(_plain(word))]
    assert kept == (words[inside[0] : inside[-1] + 1] if inside else [])


def test_a_rare_word_counts_more_and_one_of_a_single_page_no_more_than_one_of_two():
    pages = Counter({"pump": 90, "valve": 9, "krill": 2, "misread": 1, FUNCTION[0]: 95})
    pump, valve, krill, misread, function = _rarity(["pump", "valve", "krill", "misread", FUNCTION[0]], pages)
    assert function < pump < valve < krill == misread


def test_what_is_no_word_to_look_for():
    assert all(map(_has_content, ("pump", "qx4471", "northern")))
    assert not any(map(_has_content, ("", "a", "2025", "x" * 25, *FUNCTION)))
