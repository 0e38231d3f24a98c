"""What people type into a search."""

import pytest

from vrag.errors import UsageError
from vrag.search.query_text import exact_words, parse_typed, read_query


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
    with pytest.raises(UsageError, match="only what must not be there: -heating, -oil"):
        parse_typed("-heating -oil")


@pytest.mark.parametrize(
    ("query", "says"),
    [
        (["a"], "A query is text, not list"),
        (None, "A query is text, not NoneType"),
        (b"x", "A query is text, not bytes"),
        ("x" * 20_001, "longer than 20000 characters"),
        ("oil \udcff", "The query 'oil �' is not Unicode text"),
        ("\ud83d", "is not Unicode text"),
        ('x "y" ' * 101, "101 words and phrases"),
    ],
)
def test_what_is_no_query_is_one_sentence(query, says):
    with pytest.raises(UsageError, match=says):
        parse_typed(query)


def test_exact_words_are_bounded():
    with pytest.raises(UsageError, match="101 words and phrases"):
        exact_words(parse_typed(" ".join(f"w{n}" for n in range(101))))


def test_exact_words_must_all_be_there():
    query = exact_words(parse_typed('pump 3 pump "of iron" -old ?'))
    assert conditions(query)[:2] == [("of iron", True, False), ("old", False, True)]
    assert conditions(query)[2:] == [(word, False, False) for word in ("pump", "3", "of", "iron")]


def test_a_query_is_meant_in_one_of_these_ways():
    with pytest.raises(UsageError, match="words cannot be 'all'. They are one of: plain, typed, exact"):
        read_query("valve", "all")
