"""Words of a snippet that are marked, and how titles are shown."""

import pytest

from vrag.catalog.documents import Document
from vrag.catalog.documents_json import title_of
from vrag.search import matched_words
from vrag.search.matched_words import asked_words, matched


@pytest.mark.parametrize(
    ("query", "text", "found"),
    [
        ("hunting lions", "The Lion hunts lions", ["Lion", "lions"]),
        ("revenue by region", "Revenues of regions, regional", ["Revenues", "regions", "regional"]),
        ("cat", "cats", []),
        ("2024", "20245 2024", ["2024"]),
        ("café", "Cafe CAFÉS", ["Cafe", "CAFÉS"]),
        ("the of", "the of", []),
        ("Wann geht die Fähre und wer ist an Bord?", "Die Fähren sind an Bord", ["Fähren", "Bord"]),
        ("die casting of metal", "die casting", ["die", "casting"]),
    ],
)
def test_words_are_marked_whatever_their_endings(query, text, found):
    assert matched(asked_words(query), text) == found


def test_every_word_is_looked_at_once(monkeypatch):
    """However long the query, and however many words there are to be compared."""
    plain, looked = matched_words._plain, []
    monkeypatch.setattr(matched_words, "_plain", lambda word: looked.append(word) or plain(word))
    asked = asked_words(" ".join(f"word{number}" for number in range(2_000)))
    for _ in range(3):
        matched(asked, " ".join(f"text{number}" for number in range(100)))
    assert len(looked) == 2_000 + 3 * 100


@pytest.mark.parametrize(
    ("title", "is_shown"),
    [
        ("A\u202etxt.exe", "A\ufffdtxt.exe"),
        ("a\u2066b\x1b[1m", "a\ufffdb\ufffd[1m"),
        ("two\n lines", "two lines"),
        ("\n", "n"),
    ],
)
def test_a_title_shows_in_the_order_that_it_has(title, is_shown):
    assert title_of(Document("0" * 64, ("/n",), 1, meta={"title": title}), "n") == is_shown
