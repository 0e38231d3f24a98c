"""Cited pages beside labelled ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vrag.evaluation.numbers.citations import citation

PAGES = st.lists(st.integers(0, 6), max_size=6)


@pytest.mark.parametrize(
    ("cited", "labelled", "expected"),
    [
        ([1, 2], {1}, (1.0, 1 / 2, 1.0, 2 / 3)),
        ([2, 1, 2], {1, 3, 4}, (0.0, 1 / 2, 1 / 3, 2 / 5)),
        ([1, 1], {1, 2}, (1.0, 1.0, 1 / 2, 2 / 3)),
        ([], {1}, (0.0, 0.0, 0.0, 0.0)),
        ([5], {1}, (0.0, 0.0, 0.0, 0.0)),
    ],
)
def test_by_hand(cited, labelled, expected):
    assert tuple(citation(cited, labelled)) == pytest.approx(expected)


@given(PAGES, st.sets(st.integers(0, 6), min_size=1))
def test_f1_is_the_harmonic_mean(cited, labelled):
    found = citation(cited, labelled)
    both = found.precision + found.recall
    assert found.f1 == pytest.approx(2 * found.precision * found.recall / both if both else 0.0)
    assert min(found.precision, found.recall) - 1e-9 <= found.f1 <= max(found.precision, found.recall) + 1e-9
