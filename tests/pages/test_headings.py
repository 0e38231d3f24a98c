"""Which lines of a page are rows of a table, and which name what follows."""

import pytest

from tests.search.pages import lines
from vrag.pages.headings import is_heading, is_row
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
