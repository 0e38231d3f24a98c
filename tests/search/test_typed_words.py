"""Pieces of words are shown as the words that were typed."""

import pytest

from vrag.search.typed_words import ADDED, typed_words

END = "<end_of_utterance>"


@pytest.mark.parametrize(
    ("query", "tokens", "expected"),
    [
        (
            "How much in 2025?",
            ["how", "much", "in", "202", "##5", "?", "(whole query)"],
            [("How", (0,)), ("much", (1,)), ("in", (2,)), ("2025?", (3, 4, 5)), ("(whole query)", (6,))],
        ),
        ("Gråmåke's", ["gram", "##ake", "'", "s"], [("Gråmåke's", (0, 1, 2, 3))]),
        ("un unbelievable", ["un", "un", "##bel", "##ievable"], [("un", (0,)), ("unbelievable", (1, 2, 3))]),
        (
            "net sales",
            ["<bos>", "Query", ":", "\N{LOWER ONE EIGHTH BLOCK}net", "\N{LOWER ONE EIGHTH BLOCK}sales", *[END] * 10],
            [(ADDED, (0, 1, 2, *range(5, 15))), ("net", (3,)), ("sales", (4,))],
        ),
        ("Net sales", ["Net", "Ġsales", END], [("Net", (0,)), ("sales", (1,)), (ADDED, (2,))]),
        ("a \N{HONEYBEE} b", ["a", "[UNK]", "b"], [("a", (0,)), (ADDED, (1,)), ("b", (2,))]),
        ("", ["x"], [(ADDED, (0,))]),
    ],
)
def test_rows_are_grouped_by_the_words_that_were_typed(query, tokens, expected):
    assert [(word.text, word.rows) for word in typed_words(query, tokens)] == expected
