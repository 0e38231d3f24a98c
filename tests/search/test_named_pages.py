"""Pages that a question names by where they stand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vrag.search.named_pages import LAST, MOST_NAMED, named_pages


@pytest.mark.parametrize(
    ("question", "pages"),
    [
        ("What is drawn on page 12?", {12}),
        ("How many cars appear on page three?", {3}),
        ("Which models are introduced on pages 10 and 11?", {10, 11}),
        ("the sum on the page 15 and page 16", {15, 16}),
        ("How many figures are there from Page 3 to Page 6?", {3, 4, 5, 6}),
        ("How many figures are in Pages 51-53?", {51, 52, 53}),
        ("see pp. 7\u20139, 12, and 14", {7, 8, 9, 12, 14}),
        ("slides 2 or 5", {2, 5}),
        ("What date is on the second page?", {2}),
        ("the 3rd slide and the 21st page", {3, 21}),
        ("Who wrote the last slide?", {LAST}),
        ("What color is the car on the cover?", {1}),
        ("the logo of the title page", {1}),
        ("pages 5 to 3", {3, 5}),
        ("pages 1 to 9000", {1, 9000}),
        ("What does the survey cover?", set()),
        ("the letter on the cover letter", set()),
        ("How many pages are there? Give two numbers.", set()),
        ("the homepage 3 and stop 3 and step 3", set()),
        ("page 0 and page 123456", set()),
        ("", set()),
    ],
)
def test_pages_are_named_by_numbers_words_and_places(question, pages):
    assert named_pages(question) == pages


@given(st.lists(st.integers(1, 99_999), min_size=1, max_size=80))
def test_no_more_are_named_than_the_bound(numbers):
    found = named_pages(f"pages {', '.join(map(str, numbers))}")
    assert found == frozenset(numbers[:MOST_NAMED])


@given(st.text(alphabet="pages 123-,andtofirst\u0663\u00b2", max_size=60))
def test_whatever_is_asked_numbers_are_those_of_pages(question):
    assert all(page == LAST or 0 < page <= 99_999 for page in named_pages(question))
