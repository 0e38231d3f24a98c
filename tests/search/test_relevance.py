"""How relevant hits are: what speaks for them, and what a search does with it."""

import math

import numpy as np
import pytest

from tests.pdfs import write_pdf
from vrag import Index
from vrag.cascade.bm25 import Bm25Lane
from vrag.errors import UsageError
from vrag.pipeline.pipeline import load_pipeline
from vrag.search.found import NOT_RELEVANT, is_found
from vrag.search.relevance import MOST_TERMS, OF_READ, OF_WORDS, Evidence, JudgedPage, evidence, query_terms
from vrag.search.term_worth import TermWorth

LANE = Bm25Lane()
QUESTION = "Which animal lives on the ice during the winter?"
ABSENT = "How many subscribers did Netflix lose in Canada during the spring?"
UNREAD = "full:9"


def names(text):
    asked = query_terms(LANE, text)
    every = {LANE.query(word).indices.tolist()[0]: word for word in text.split() if len(LANE.query(word).indices)}
    return {every[term] for term in asked.terms.indices[asked.are_names].tolist()}


def of(words, weights, worth=None, query=None, path="/a.pdf"):
    """Evidence of one page that has some of the words."""
    asked = query or query_terms(LANE, " ".join(words))
    by_term = {LANE.query(word).indices.tolist()[0]: weight for word, weight in zip(words, weights, strict=True)}
    columns = np.array([by_term[term] for term in asked.terms.indices.tolist()], np.float32)
    known = TermWorth(np.ones(len(columns)) if worth is None else worth, {"p": columns})
    return evidence(asked, known, [JudgedPage("p", "d", path)])["p"]


def test_names_are_words_with_a_capital_letter_that_begin_no_sentence():
    assert names("Which report did Pfizer file in FY2021? Costs matter in Europe’s north.") == {"Pfizer", "Europe’s"}
    assert names("what did pfizer file in FY2021 with the SEC") == set()
    assert names("Revenue By Region In Europe") == set()  # a title


@pytest.mark.parametrize(
    ("language", "query"),
    [
        ("multilingual", "Wann geht die letzte Fähre und wer fährt sie?"),
        ("none", QUESTION),
        ("english", "Wann geht die letzte Fähre und wer fährt sie?"),
        ("german", QUESTION),
        ("english", "最后一班渡轮几点开？"),
    ],
)
def test_words_tell_nothing_of_relevance_in_another_language_than_the_index(language, query):
    assert query_terms(Bm25Lane(language), query) is None


def test_a_noun_of_german_is_no_name():
    asked = query_terms(Bm25Lane("german"), "Wann geht die letzte Fähre zur Insel und wer fährt sie?")
    assert len(asked.terms.indices) > 2
    assert not asked.are_names.any()


def test_what_a_page_says_of_the_query_counts_by_its_worth():
    assert of(["boiler", "valve"], [1.5, 0]).cover == pytest.approx(0.75)
    query = query_terms(LANE, "boiler valve")
    worth = np.where(query.terms.indices == LANE.query("boiler").indices[0], 3.0, 1.0)
    assert of(["boiler", "valve"], [1.5, 0], worth).cover == pytest.approx(3 * 1.5 / 4)
    assert of(["boiler", "valve"], [1, 1]).length == pytest.approx(math.log(2))


def test_a_name_that_is_missing_speaks_against_a_page_unless_its_document_says_it():
    words = ["the", "boiler", "valves", "of", "Viessmann"]
    query = query_terms(LANE, " ".join(words))
    has = [word for word in words if len(LANE.query(word).indices)]
    given = {"boiler": 1, "valves": 1, "Viessmann": 0}
    assert of(has, [given[word] for word in has], query=query).lacks == pytest.approx(1 / 3)
    assert of(has, [given[word] for word in has], query=query, path="/x/viessmann_2021.pdf").lacks == 0
    weights = np.array([given[next(w for w in has if LANE.query(w).indices[0] == t)] for t in query.terms.indices])
    known = TermWorth(np.ones(3), {"one": weights.astype(np.float32), "two": np.ones(3, np.float32)})
    pages = [JudgedPage("one", "d", "/a.pdf"), JudgedPage("two", "d", "/a.pdf")]
    assert evidence(query, known, pages)["one"].lacks == 0  # another hit of the same document has it
    pages[1] = JudgedPage("two", "e", "/b.pdf")
    assert evidence(query, known, pages)["one"].lacks == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("question", "path", "speaks_against"),
    [
        ("capital expenditure in FY2018", "/x/3M_2018_10K.pdf", 0),
        ("capital expenditure in FY2018", "/x/3M_2022_10K.pdf", 1),
        ("from FY16 to 2018", "/x/3M_2018_10K.pdf", 0),  # one in common is enough
        ("capital expenditure", "/x/3M_2022_10K.pdf", 0),  # no year is asked for
        ("capital expenditure in 2018", "/2022/3M.pdf", 0),  # the file's own name has none
    ],
)
def test_a_file_that_is_named_by_other_years_speaks_against_its_pages(question, path, speaks_against):
    asked = query_terms(LANE, question)
    known = TermWorth(np.ones(len(asked.terms.indices)), {"p": np.ones(len(asked.terms.indices), np.float32)})
    assert evidence(asked, known, [JudgedPage("p", "d", path)])["p"].years == speaks_against


def test_the_report_of_another_year_is_less_relevant(tmp_path):
    for year in (2018, 2022):
        text = f"Acme report of {year}.\nCapital expenditure of Acme in 2018 was {year + 17}."
        write_pdf(tmp_path / "pdfs" / f"acme_{year}.pdf", [text])
    with Index.create(tmp_path / "index") as index:
        index.ingest([tmp_path / "pdfs"])
        told = {hit.doc: hit.relevance for hit in index.search("What was the capital expenditure of Acme in FY2018?")}
        assert told["acme_2018.pdf"] > 4 * told["acme_2022.pdf"]


def test_relevance_is_the_logistic_function_of_the_evidence():
    values = 0.8, 0.1, 2.0, 1.0, 3.0
    by_words, read = Evidence(*values[:-1]), Evidence(*values)
    for seen, coefficients in ((by_words, OF_WORDS), (read, OF_READ)):
        told = coefficients[0] + sum(b * value for b, value in zip(coefficients[1:], values, strict=False))
        assert seen.relevance == pytest.approx(1 / (1 + math.exp(-told)))
        assert coefficients[1] > 0 > coefficients[2]
        assert coefficients[4] < 0
    assert (len(OF_WORDS), len(OF_READ)) == (5, 6)
    assert Evidence(0.0, 1.0, 0.0, 1.0, -12.0).relevance >= 0.0  # nothing overflows


def test_what_the_pages_answer_is_relevant_and_what_they_do_not_is_not(index):
    right, absent, unknown = (index.search(query) for query in (QUESTION, ABSENT, "xylophone"))
    assert (right[0].doc, right[0].page) == ("animals.pdf", 2)
    assert right[0].relevance == max(hit.relevance for hit in right) > 0.5
    assert is_found(right)
    for hits in (absent, unknown):
        assert hits
        assert max(hit.relevance for hit in hits) < NOT_RELEVANT
        assert not is_found(hits)


@pytest.mark.parametrize("cascade", ["exact", "two-stage", "best"])
def test_every_cascade_judges_a_page_alike(index, cascade):
    of_best = {hit.id: hit.relevance for hit in index.search(QUESTION)}
    assert {hit.id: hit.relevance for hit in index.search(QUESTION, cascade=cascade)} == pytest.approx(of_best)


def test_hits_with_less_are_left_out_and_the_others_ranked_anew(index):
    hits = index.search(QUESTION)
    least = sorted(hit.relevance for hit in hits)[-2]
    kept = index.search(QUESTION, min_relevance=least)
    assert [hit.id for hit in kept] == [hit.id for hit in hits if hit.relevance >= least]
    assert [hit.rank for hit in kept] == [1, 2]
    assert index.search(ABSENT, min_relevance=NOT_RELEVANT) == []


@pytest.mark.parametrize("least", [-0.1, 1.5, float("nan"), "0.3", True, None])
def test_a_least_relevance_that_is_none_is_refused(index, least):
    with pytest.raises(UsageError, match="from 0 to 1"):
        index.search(QUESTION, min_relevance=least)


def test_what_is_read_counts(index, monkeypatch):
    class Reader:
        def logits(self, question, passages, until):
            return np.array([[12.0, -12.0, np.nan][i % 3] for i in range(len(passages))], np.float32)

    monkeypatch.setattr("vrag.search.searcher.cross_encoder", Reader)
    before = index.search(QUESTION, cascade=UNREAD)
    after = {hit.id: hit for hit in index.search(QUESTION, cascade=f"{UNREAD} > read(3)")}
    first, second, third = (after[hit.id].relevance for hit in before[:3])
    assert first > 0.9 > 0.2 > second
    assert third == before[2].relevance  # no time was left for it: its words tell alone
    assert [after[hit.id].relevance for hit in before[3:]] == [hit.relevance for hit in before[3:]]


def test_a_query_of_too_many_words_is_not_judged(index):
    many = [f"word{number}" for number in range(MOST_TERMS)]
    assert None not in {hit.relevance for hit in index.search(" ".join(many), cascade="exact")}
    assert {hit.relevance for hit in index.search(" ".join([*many, "zeppelin"]), cascade="exact")} == {None}


def test_of_pages_and_queries_without_words_nothing_is_known(tmp_path):
    write_pdf(tmp_path / "pdfs" / "some.pdf", ["", "Penguins breed on the ice."])
    with Index.create(tmp_path / "index", load_pipeline("builtin").with_page(ocr="never")) as index:
        index.ingest([tmp_path / "pdfs"])
        known = {hit.page: hit.relevance for hit in index.search("Do zeppelins breed in Norway?", cascade="exact")}
        assert known[1] is None
        assert known[2] < NOT_RELEVANT
        kept = index.search("Do zeppelins breed in Norway?", cascade="exact", min_relevance=0.9)
        assert [(hit.page, hit.rank) for hit in kept] == [(1, 1)]  # it may be a picture of it
        assert {hit.relevance for hit in index.search("who is it?", cascade="exact")} == {None}
