"""What people type into a search."""

import pytest

from vrag.errors import UsageError
from vrag.query_text import exact_words, parse_typed


def conditions(query):
    return [(c.text, c.phrase, c.absent) for c in query.conditions]


@pytest.mark.parametrize(
    ("typed", "text", "expected"),
    [
        ("relief valve", "relief valve", []),
        ('valve "pump number 3"', "valve pump number 3", [("pump number 3", True, False)]),
        ("valve “pump 3”", "valve pump 3", [("pump 3", True, False)]),
        ("valve -heating", "valve", [("heating", False, True)]),
        ('"a b" -c "d"', "a b d", [("a b", True, False), ("d", True, False), ("c", False, True)]),
        ("10-K of -5 degrees", "10-K of -5 degrees", []),
        ('say "-no" now', "say -no now", [("-no", True, False)]),
        ('an "unfinished quote', 'an "unfinished quote', []),
        ('"" empty', '"" empty', []),
        ("well-known e-mail", "well-known e-mail", []),
    ],
)
def test_what_is_typed_is_split(typed, text, expected):
    query = parse_typed(typed)
    assert query.text == text
    assert conditions(query) == expected


def test_only_excluded_words_are_refused():
    with pytest.raises(UsageError, match="only what must not"):
        parse_typed("-heating")


def test_exact_words_must_all_be_there():
    query = exact_words(parse_typed('pump 3 pump "of iron" -old ?'))
    assert conditions(query)[:2] == [("of iron", True, False), ("old", False, True)]
    assert conditions(query)[2:] == [(word, False, False) for word in ("pump", "3", "of", "iron")]
