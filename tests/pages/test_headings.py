"""Which lines of a page are rows of a table, and which name what follows."""

import numpy as np
import pytest

from tests.search.pages import lines
from vrag.pages.headings import heads_above, is_heading, is_row
from vrag.pages.page import Words
from vrag.pages.sentences import sentences


def kind(text):
    words = lines(text)
    return "row" if is_row(words, (0, len(words))) else "heading" if is_heading(words, (0, len(words))) else "text"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Capital expenditures (312,126) (172,187)", "row"),
        ("Net income $ 1,242,408 $ 985,837", "row"),
        ("Growth in Europe 3.4% —", "row"),
        ("REMICADE", "heading"),
        ("Years ended December 31, 2022 2021", "heading"),
        ("Total", "heading"),
        ("2021", "heading"),
        ("It rose by 5.", "text"),
        ("A sentence that goes on over many words and has no end on this line of it", "text"),
    ],
)
def test_a_line_is_a_row_a_heading_or_text(text, expected):
    assert kind(text) == expected


def test_a_sentence_over_two_lines_is_no_row():
    words = lines("The valve opens at a pressure of", "6")
    assert not is_row(words, (0, len(words)))
    assert sentences(words)


def account(*rows):
    """Words of a table that is read row by row, and a span for each row."""
    texts, boxes, spans = [], [], []
    for number, row in enumerate(rows):
        start = len(texts)
        for column, cell in enumerate(row):
            left = (0.05, 0.5, 0.6)[column]
            for word in cell.split():
                texts.append(word)
                boxes.append((left, 0.1 + 0.03 * number, left + 0.008 * len(word), 0.115 + 0.03 * number))
                left += 0.008 * len(word) + 0.005
        spans.append((start, len(texts)))
    counts = [end - start for start, end in spans]
    return Words(
        tuple(texts), np.array(boxes, np.float32), np.repeat(np.arange(len(rows)), counts).astype(np.int32)
    ), spans


ACCOUNT, SPANS = account(
    ("Cash flows",),
    ("A sentence about it that is much too long to be the heading of anything here.",),
    ("In kroner", "2023", "2022"),
    ("Operating",),
    ("Net income", "11", "12"),
    ("Depreciation", "13", "14"),
    ("Investing",),
    ("Sales of ferries", "15", "16"),
    ("Purchase of rope", "17", "18"),
)


@pytest.mark.parametrize(
    ("line", "heads"),
    [
        (4, ["In kroner 2023 2022 Operating"]),  # one below the other, as one
        (5, ["In kroner 2023 2022"]),
        (7, ["In kroner 2023 2022", "Investing"]),
        (8, ["In kroner 2023 2022"]),
        (2, []),
        (1, []),
    ],
)
def test_heads_of_a_row_are_its_group_and_the_line_over_its_values(line, heads):
    found = heads_above(ACCOUNT, SPANS, SPANS[line])
    assert [" ".join(ACCOUNT.texts[slice(*span)]) for span in found] == heads


def test_a_passage_that_begins_with_its_heads_has_no_others():
    assert heads_above(ACCOUNT, SPANS, (SPANS[2][0], SPANS[5][1])) == []


def test_heads_of_many_words_are_left_out():
    words, spans = account(*[("Many kinds of numbers by year", "2020", "2021")] * 4, ("Passengers", "1", "2"))
    assert heads_above(words, spans, spans[-1]) == [(spans[2][0], spans[3][1])]
