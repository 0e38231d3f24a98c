"""The step that weighs words, on an index of five pages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pdfs import write_pdf
from vrag import Index
from vrag.pipeline.pipeline import load_pipeline
from vrag.search.wording_shares import FADE, AskedWords, plain_text

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
        ("Fig. 2 and figs", ["figure", "2", "and", "figs"]),
        ("… \u2014 $ %", []),
        ("2024年乘船 ferry", ["2024", "年", "乘", "船", "ferry"]),
    ],
)
def test_words_are_compared_without_case_plural_and_signs(text, words):
    assert plain_text(text).split() == words


def test_each_of_four_shares_counts_by_itself():
    asked = AskedWords.of(HEADED)
    assert asked.years == {"2018"}
    assert asked.pairs == {("2018", "capital"), ("capital", "expenditure"), ("cash", "flow"), ("flow", "statement")}
    title = plain_text("Cash Flow Statements and 1 2 3 4 5 6 7")
    worth = [FADE**i for i in range(10)]
    assert asked.shares(title, "acme") == (pytest.approx(sum(worth[:3]) / sum(worth)), 2 / 4, 0, 0)
    behind = asked.shares(plain_text("beside " * 60 + "capital expenditure 2018"), "")
    assert behind == (0, 1 / 4, 1 / 2, 0)
    assert asked.shares("  ", "ACME_2018_10K") == asked.shares("  ", "acme20181231") == (0, 0, 1 / 2, 0)
    assert asked.shares(plain_text(HEADED), "2018", is_named=True) == (1, 1, 1, 1)


def test_the_first_words_of_a_title_count_most_and_short_ones_not_at_all():
    asked = AskedWords.of("cash flow of the year")
    first, later = (asked.shares(plain_text(text), "")[0] for text in ("Cash beside it", "Beside it cash"))
    assert first == pytest.approx(1 / (1 + FADE))
    assert later == pytest.approx(FADE / (1 + FADE))
    assert asked.shares(plain_text("of the cash"), "")[0] == 1


@pytest.mark.parametrize(
    ("question", "page", "share"),
    [
        ("What is in Figure 3?", "see fig. 3 below", 1),
        ("What is in Fig. 3?", "Figure 3: a boat", 1),
        ("What is in Figure 3?", "3 figures and figure 13", 0),
        ("Compare Unit 1 and UNIT 14", "unit 14 and unit 2", 1 / 2),
        ("How many of the top 10 in 2018?", "top 10 of 2018", 0),  # short words are none, nor are years
        ("at least 120 in table 120", "table 120", 0),  # nor numbers of three digits
        ("What is said?", "figure 3", 0),
    ],
)
def test_what_the_question_calls_by_a_number_is_found_by_it(question, page, share):
    assert AskedWords.of(question).shares(plain_text(page), "")[3] == share


def test_a_short_page_is_all_title_and_a_question_without_years_asks_for_none():
    asked = AskedWords.of("cash flow")
    assert asked.shares(" cash ", "1999") == (1, 0, 0, 0)
    assert asked.shares(" flow cash ", "") == (1, 0, 0, 0)  # in the other order they are no pair
    assert AskedWords.of("…").shares(" cash ", "1999") == (0, 0, 0, 0)


@given(st.text(), st.text(), st.text(), st.booleans())
def test_whatever_stands_there_a_share_is_0_to_1(question, page, name, is_named):
    assert all(0 <= share <= 1 for share in AskedWords.of(question).shares(plain_text(page), name, is_named))


def test_the_page_whose_title_is_asked_for_is_lifted(tmp_path):
    """A note that speaks of the statement resembles the question as much as the statement itself."""
    note = "Acme has notes on capital expenditure and on how the statement of cash flow is made in the year."
    pages = [note, "Statement of Cash Flow\nYear 2018\nCapital expenditure (1,577)", f"{note}\n{note}"]
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


@pytest.fixture(scope="module")
def two_books(tmp_path_factory):
    """An index of a book of boats, whose last pages speak of something else, and of one of three pages about ducks."""
    folder = tmp_path_factory.mktemp("books")
    boats = [f"The boat of number {i} lies in the harbour of the town." for i in range(1, 21)]
    write_pdf(folder / "pdfs" / "boats.pdf", [*boats, "Thanks to all.", "Names.", "Printed by us.", "Adverts."])
    write_pdf(folder / "pdfs" / "ducks.pdf", ["A duck swims.", "It has no teeth.", "It sleeps."])
    with Index.create(folder / "index") as index:
        index.ingest([folder / "pdfs"])
        yield index


NAMING = "full:2 > wording(2)"
ABOUT = "What colour has the boat in the harbour"
OF_BOTH = "Does a duck swim beside the boat in the harbour: page 3"


@pytest.mark.parametrize(
    ("question", "pages"),
    [(f"{ABOUT} on page 21?", {21}), (f"{ABOUT} on slides 22 and 23?", {22, 23}), (f"{ABOUT} on the last page?", {24})],
)
def test_pages_named_by_number_come_first_although_no_step_has_let_them_through(two_books, question, pages):
    before = two_books.search(question, k=1, cascade="full")[0]
    hits = two_books.search(question, k=2, cascade=NAMING)[: len(pages)]
    assert set(places(hits)) == {("boats.pdf", page) for page in pages}
    for hit in hits:
        assert hit.stages == {"wording": hit.score}  # it had no part in the step before
        assert hit.score >= 1.5 * before.score  # as if it was the best page of its document, and half of that more
        assert two_books.snippet(question, hit)


def test_of_each_document_of_the_first_pages_the_page_of_that_number_is_weighed(two_books, monkeypatch):
    def found():
        return {places([hit])[0]: hit.score for hit in two_books.search(OF_BOTH, k=27, cascade="full:27 > wording(27)")}

    of_all = found()
    assert {("boats.pdf", 3), ("ducks.pdf", 3)} <= set(list(of_all)[:3])
    monkeypatch.setattr("vrag.search.wording.MOST_LOOKED_UP", 1)
    of_best = found()
    assert {page for page, score in of_best.items() if score < of_all[page]} in ({("boats.pdf", 3)}, {("ducks.pdf", 3)})
    assert {page for page, score in of_best.items() if score > of_all[page]} == set()


def test_the_last_page_is_another_one_in_each_document(two_books):
    hits = two_books.search("duck and boat: the last page", k=27, cascade="full:27 > wording(27)")
    assert set(places(hits[:2])) == {("boats.pdf", 24), ("ducks.pdf", 3)}


@pytest.mark.parametrize("words", ["plain", "typed"])
def test_a_page_that_a_filter_or_a_phrase_leaves_out_does_not_come_by_its_number(two_books, words):
    question = f'{ABOUT} on page 7? "lies in"'
    assert two_books.search(question, k=1, cascade=NAMING, words=words)[0].page == 7
    others = two_books.search(question, k=27, cascade=NAMING, where="page!=7", words=words)
    assert 7 not in {hit.page for hit in others}
    lying = two_books.search(f'{ABOUT} on page 21? "lies in"', k=27, cascade=NAMING, words="typed")
    assert {hit.page for hit in lying} == set(range(1, 21))


def test_a_page_that_does_not_exist_is_not_found(two_books):
    question = f"{ABOUT} on page 99999?"
    hits = two_books.search(question, k=2, cascade=NAMING)
    assert all("full" in hit.stages for hit in hits)


def test_an_explanation_says_what_a_page_that_came_by_its_number_got(two_books):
    question = f"{ABOUT} on page 21?"
    weighed = two_books.explain(question, "boats.pdf", 21, cascade=NAMING).stages[-1]
    assert (weighed.stage, weighed.rank) == ("wording", 1)
    (hit,) = two_books.search(question, k=1, cascade=NAMING)
    assert sum(part.score for part in weighed.parts) == pytest.approx(hit.score)


def test_characters_of_a_script_without_spaces_count_in_a_title():
    asked = AskedWords.of("資本支出")
    assert asked.shares(plain_text("資本支出"), "")[0] == pytest.approx(1)
    assert asked.shares(plain_text("現金流量"), "")[0] == 0
