"""The step that weighs words, on an index of five pages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pdfs import write_pdf
from vrag import Index
from vrag.pipeline.pipeline import load_pipeline
from vrag.search.wording import AskedWords, plain_text

QUESTION = "Which animal lives on the ice in winter?"
BEFORE = "full:9"
HEADED = "What is the FY2018 capital expenditure on the cash flow statement of Acme?"


def places(hits):
    return [(hit.doc, hit.page) for hit in hits]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Statements of Cash-Flows", ["statement", "of", "cash", "flow"]),
        ("FY2018, FY19 and fy", ["2018", "2019", "and", "fy"]),
        ("less gas is 3M's loss", ["less", "gas", "is", "3m", "s", "loss"]),
        ("Straße ŒUVRES naïve", ["strasse", "œuvre", "naïve"]),
        ("… \u2014 $ %", []),
    ],
)
def test_words_are_compared_without_case_plural_and_signs(text, words):
    assert plain_text(text).split() == words


def test_each_of_three_shares_counts_by_itself():
    asked = AskedWords.of(HEADED)
    assert asked.years == {"2018"}
    assert asked.pairs == {("2018", "capital"), ("capital", "expenditure"), ("cash", "flow"), ("flow", "statement")}
    title = plain_text("Cash Flow Statements and 1 2 3 4 5 6 7 8")
    assert asked.shares(title, "acme") == (3 / 10, 2 / 4, 0)
    assert asked.shares(plain_text("x " * 10 + "capital expenditure 2018"), "") == (0, 1 / 4, 1 / 2)
    assert asked.shares("  ", "ACME_2018_10K") == asked.shares("  ", "acme20181231") == (0, 0, 1 / 2)
    assert asked.shares(plain_text(HEADED), "2018") == (1, 1, 1)


def test_a_short_page_is_all_title_and_a_question_without_years_asks_for_none():
    asked = AskedWords.of("cash flow")
    assert asked.shares(" cash ", "1999") == (1, 0, 0)
    assert asked.shares(" flow cash ", "") == (1, 0, 0)  # in the other order they are no pair
    assert AskedWords.of("…").shares(" cash ", "1999") == (0, 0, 0)


@given(st.text(), st.text(), st.text())
def test_whatever_stands_there_a_share_is_0_to_3(question, page, name):
    assert all(0 <= share <= 1 for share in AskedWords.of(question).shares(plain_text(page), name))


def test_the_page_whose_title_is_asked_for_is_lifted(tmp_path):
    """A note that speaks of the statement resembles the question as much as the statement itself."""
    note = "Acme has notes on capital expenditure and on how the statement of cash flow is made in the year."
    pages = [note, "Statement of Cash Flow\nYear 2018\nCapital expenditure (1,577)", f"{note} {note}"]
    write_pdf(tmp_path / "pdfs" / "acme.pdf", pages)
    with Index.create(tmp_path / "index") as index:
        index.ingest([tmp_path / "pdfs"])
        before = index.search(HEADED, cascade=BEFORE)
        hits = index.search(HEADED, cascade=f"{BEFORE} > wording(9, weight=2)")
    assert hits[0].page == 2
    was = {hit.page: hit.score for hit in before}
    told = {hit.page: (hit.score - was[hit.page]) / before[0].score / 2 for hit in hits}
    wanted = {i: sum(AskedWords.of(HEADED).shares(plain_text(text), "acme")) for i, text in enumerate(pages, 1)}
    assert told == pytest.approx(wanted, abs=1e-5)


def test_pages_behind_the_first_stay_behind_with_their_scores(index):
    before = index.search(QUESTION, cascade=BEFORE)
    hits = index.search(QUESTION, cascade=f"{BEFORE} > wording(2, weight=9)")
    assert places(hits)[2:] == places(before)[2:]
    assert [hit.score for hit in hits[2:]] == [hit.score for hit in before[2:]]
    assert ["wording" in hit.stages for hit in hits] == [True] * 2 + [False] * 3
    assert all(hit.score == hit.stages["wording"] for hit in hits[:2])


def test_pages_without_words_and_names_keep_their_scores(tmp_path):
    write_pdf(tmp_path / "pdfs" / "some.pdf", ["", "Nothing of that."])
    with Index.create(tmp_path / "index", load_pipeline("plain").with_page(ocr="never")) as index:
        index.ingest([tmp_path / "pdfs"])
        hits = index.search(QUESTION, cascade=f"{BEFORE} > wording(5)")
        assert places(hits) == places(index.search(QUESTION, cascade=BEFORE))
        assert {hit.page: hit.score for hit in hits}[1] == {
            hit.page: hit.score for hit in index.search(QUESTION, cascade=BEFORE)
        }[1]


def test_reading_comes_after_it_and_an_explanation_tells_what_each_added(index, monkeypatch):
    monkeypatch.setattr("vrag.search.searcher.cross_encoder", lambda: None)
    cascade = f"{BEFORE} > wording(3) > read(2)"
    hits = index.search(QUESTION, cascade=cascade)
    before = {(hit.doc, hit.page): hit.score for hit in index.search(QUESTION, cascade=BEFORE)}
    *_, weighed, read = index.explain(QUESTION, *places(hits)[0], cascade=cascade).stages
    assert (weighed.stage, weighed.rank, weighed.candidates, read.stage) == ("wording", 1, 5, "read")
    assert [(part.name, part.score) for part in weighed.parts] == [
        ("before", pytest.approx(before[places(hits)[0]])),
        ("wording(3)", pytest.approx(hits[0].score - before[places(hits)[0]])),
    ]
    assert hits[0].score > before[places(hits)[0]]
