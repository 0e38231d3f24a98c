"""The text lane's encoder."""

import numpy as np
import pytest

from vrag.cascade.bm25 import CODES, LANGUAGES, UNSTEMMED, Bm25Lane, language_named
from vrag.errors import UsageError


def test_words_meet_whatever_their_form():
    lane = Bm25Lane("english")
    page = lane.document(["Hydraulic", "pumps,", "model", "WX-4471"])
    for query in ("pump", "PUMPS", "wx-4471", "4471"):
        assert set(lane.query(query).indices.tolist()) <= set(page.indices.tolist()), query


def test_terms_are_unique_and_weighted_by_frequency():
    page = Bm25Lane().document(["valve", "valve", "valve", "spring"])
    assert len(set(page.indices.tolist())) == len(page.indices) == 2
    assert page.values.max() > page.values.min() > 0
    assert (page.indices.dtype, page.values.dtype) == (np.uint32, np.float32)


def test_stop_words_leave_nothing():
    assert len(Bm25Lane().query("the of and").indices) == 0
    assert len(Bm25Lane().document([]).indices) == 0


@pytest.mark.parametrize(
    ("language", "query", "page"),
    [
        ("german", "Umsatz", "die Umsätze"),
        ("french", "navire", "les navires"),
        ("spanish", "travesía", "las travesías"),
        ("russian", "книга", "книги"),
    ],
)
def test_forms_of_a_word_meet_in_its_language_alone(language, query, page):
    met = [
        not set(lane.query(query).indices.tolist()).isdisjoint(lane.document(page.split()).indices.tolist())
        for lane in (Bm25Lane(language), Bm25Lane("none"))
    ]
    assert met == [True, False]


def test_words_are_taken_as_they_are():
    lane = Bm25Lane("none")
    assert len(lane.query("the pumps and the pump").indices) == 4


def test_words_of_several_languages_keep_their_endings_and_lose_their_stop_words():
    lane = Bm25Lane("multilingual")
    assert len(lane.query("die Häuser und the houses et les maisons и дома").indices) == 4
    assert len(lane.query("house houses").indices) == 2


@pytest.mark.parametrize("language", ["multilingual", "chinese", "japanese"])
def test_a_script_without_spaces_is_cut_into_words(language):
    lane = Bm25Lane(language)
    page = lane.document(["2024年船队运送了41.2万人，比上一年增长百分之六。"])
    assert set(lane.query("船队").indices.tolist()) <= set(page.indices.tolist())
    assert len(page.indices) > 5


def test_an_unknown_language_is_said():
    with pytest.raises(UsageError, match="klingon"):
        Bm25Lane("klingon").query("x")


@pytest.mark.parametrize("language", [*LANGUAGES, *UNSTEMMED])
def test_every_language_that_is_named_works(language):
    assert len(Bm25Lane(language_named(language)).query("WX-4471").indices) >= 1


def test_languages_are_named_by_code_too():
    assert set(CODES.values()) <= set(LANGUAGES)
    assert (language_named("de"), language_named("German")) == ("german", "german")
    with pytest.raises(UsageError, match="klingon"):
        language_named("klingon")
