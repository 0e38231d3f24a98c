"""The step that reads, on an index of five pages."""

import logging
from types import SimpleNamespace

import numpy as np
import pytest

from tests.pdfs import write_pdf
from tests.search.pages import FIELDS, QUERY, RULE, lines, point_id, runner
from tests.store.toy import ToyStore
from vrag import Index
from vrag.catalog.payload import page_payload
from vrag.grid import Grid, Tile
from vrag.pages.page import Page
from vrag.pipeline.pipeline import load_pipeline
from vrag.reader.cross_encoder import CROSS_ENCODER, CrossEncoder
from vrag.search import reading
from vrag.search.rescoring import Rescorer
from vrag.store.interface import Record, Scored

QUESTION = "Which animal lives on the ice in winter?"
UNREAD = "full:9"
WORDS = {("animals.pdf", 1): "leopard", ("animals.pdf", 2): "krill", ("animals.pdf", 3): "nectar",
         ("machines.pdf", 1): "diesel", ("machines.pdf", 2): "Rotterdam"}  # fmt: skip


class Told:
    """A reader that finds in passages what it is told, by a word of theirs; nothing in the others."""

    def __init__(self, logits):
        self.known = logits
        self.passages = []

    def logits(self, question, passages, until):
        self.passages += passages
        found = [next((logit for word, logit in self.known.items() if word in p), -12.0) for p in passages]
        return np.array(found, np.float32)


@pytest.fixture
def told(monkeypatch):
    def tell(logits=()):
        told = Told(dict(logits))
        monkeypatch.setattr("vrag.search.searcher.cross_encoder", lambda: told)
        return told

    return tell


def places(hits):
    return [(hit.doc, hit.page) for hit in hits]


def scores(hits):
    return {place: hit.score for place, hit in zip(places(hits), hits, strict=True)}


def test_the_first_pages_are_lifted_by_what_is_found_on_them(index, told):
    before = index.search(QUESTION, cascade=UNREAD)
    third = places(before)[2]
    told({WORDS[third]: 6.0})
    hits = index.search(QUESTION, cascade=f"{UNREAD} > read(3, weight=2)")
    assert places(hits) == [third, *(place for place in places(before) if place != third)]
    assert hits[0].score == pytest.approx(before[2].score + 2 * before[0].score * 18 / 24)
    assert {place: score for place, score in scores(hits).items() if place != third}.items() <= scores(before).items()


def test_pages_behind_those_stay_behind_and_are_not_read(index, told):
    before = places(index.search(QUESTION, cascade=UNREAD))
    reader = told({WORDS[before[3]]: 12.0})
    hits = index.search(QUESTION, cascade=f"{UNREAD} > read(3)")
    assert places(hits) == before
    assert len(reader.passages) == 3
    assert ["read" in hit.stages for hit in hits] == [True] * 3 + [False] * 2
    assert len(index.search(QUESTION, k=2, cascade=f"{UNREAD} > read(3)")) == 2


def test_the_document_is_named_before_a_passage(index, told):
    reader = told()
    index.search(QUESTION, cascade=f"{UNREAD} > read(5)")
    assert sorted(passage.partition(". ")[0] for passage in reader.passages) == ["animals"] * 3 + ["machines"] * 2
    assert any(passage.startswith("animals. Emperor penguins breed") for passage in reader.passages)


def test_the_passage_is_the_one_that_answers(tmp_path, told):
    """A long page is not read from its top: the words that resemble the question are."""
    filler = "\n".join(f"The committee met on day {i} and took notes of it." for i in range(40))
    write_pdf(tmp_path / "pdfs" / "long.pdf", [f"{filler}\nThe snow leopard hunts blue sheep.\n{filler}"])
    reader = told()
    with Index.create(tmp_path / "index") as index:
        index.ingest([tmp_path / "pdfs"])
        index.search("Which sheep does the leopard hunt?", cascade=f"{UNREAD} > read(5)")
    [passage] = reader.passages
    assert "snow leopard hunts" in passage
    assert len(passage.split()) <= reading.MOST_WORDS + 1


def test_what_time_is_left_for_is_read_and_the_rest_keeps_its_place(index, monkeypatch, caplog):
    model = CrossEncoder(CROSS_ENCODER.find(), threads=1)
    clock = iter([0.0, 1.0, 2.0, 9.0, 9.0, 9.0])  # when reading begins, and before each passage
    for room in ("vrag.search.reading", "vrag.reader.cross_encoder"):
        monkeypatch.setattr(f"{room}.time", SimpleNamespace(monotonic=lambda: next(clock)))
    monkeypatch.setattr("vrag.search.searcher.cross_encoder", lambda: model)
    before = places(index.search(QUESTION, cascade=UNREAD))
    with caplog.at_level(logging.WARNING, "vrag"):
        hits = index.search(QUESTION, cascade=f"{UNREAD} > read(5)")
    assert caplog.messages == ["Time was short: 3 of the first 5 pages were not read."]
    assert {place for place, hit in zip(places(hits), hits, strict=True) if "read" in hit.stages} == set(before[:2])
    assert places(hits)[2:] == before[2:]


def test_without_the_model_pages_keep_their_scores_and_places(index, monkeypatch):
    monkeypatch.setattr("vrag.search.searcher.cross_encoder", lambda: None)
    hits, before = (index.search(QUESTION, cascade=text) for text in (f"{UNREAD} > read(5)", UNREAD))
    assert [(hit.doc, hit.page, hit.score) for hit in hits] == [(hit.doc, hit.page, hit.score) for hit in before]


def test_pages_without_words_are_read_as_pages_that_say_nothing(tmp_path, told):
    write_pdf(tmp_path / "pdfs" / "some.pdf", ["", "Penguins breed on the ice."])
    pipeline = load_pipeline("plain").with_page(ocr="never")
    told({"Penguins": 12.0})
    with Index.create(tmp_path / "index", pipeline) as index:
        index.ingest([tmp_path / "pdfs"])
        hits = index.search(QUESTION, cascade=f"{UNREAD} > read(5)")
        assert [hit.page for hit in hits] == [2, 1]
        assert hits[1].score == index.search(QUESTION, cascade=UNREAD)[1].score
        assert "read" in hits[1].stages


def test_the_real_model_finds_the_page_that_answers(index):
    hits = index.search(QUESTION, cascade="full:9 > read(5)")
    assert places(hits)[0] == ("animals.pdf", 2)


def test_an_explanation_says_what_reading_added(index, told):
    before = index.search(QUESTION, cascade=UNREAD)
    told({WORDS[places(before)[1]]: 0.0})
    page = index.explain(QUESTION, *places(before)[1], cascade=f"{UNREAD} > read(3)")
    stood = page.stages[-1]
    assert (stood.stage, stood.rank, stood.candidates) == ("read", 1, 5)
    assert [(part.name, part.score) for part in stood.parts] == [
        ("before", pytest.approx(before[1].score)),
        ("read(3)", pytest.approx(before[0].score / 2)),
    ]
    behind = index.explain(QUESTION, *places(before)[4], cascade=f"{UNREAD} > read(3)").stages[-1]
    assert (behind.rank, behind.passed, behind.parts) == (5, True, ())


def test_a_page_that_was_no_candidate_is_explained_too(index, told):
    told()
    last = places(index.search(QUESTION, cascade=UNREAD))[4]
    stood = index.explain(QUESTION, *last, cascade="full:2 > read(2)", k=2).stages[-1]
    assert (stood.stage, stood.passed) == ("read", False)


def test_of_a_page_of_patches_the_words_on_the_patch_that_answers_are_read(monkeypatch):
    """Models that see have rows of patches, not of words; their pages may have words all the same."""
    words = lines("alpha beta", *[""] * 30, "gamma delta")
    grid = Grid.patches([Tile(2, 1)])  # the upper and the lower half of the page
    rows = np.stack([-QUERY[0], QUERY[0]])
    payload = {**page_payload(Page(1, 600.0, 800.0, words, "layer"), grid, "some"), "page": 1}
    store = ToyStore(FIELDS)
    store.upsert([Record(point_id(1), payload, {"full": rows})])
    monkeypatch.setattr(reading, "MOST_WORDS", 2)
    asked = runner(store, rescorer=Rescorer(store, None, RULE))
    chosen = reading._choose(asked, [Scored(point_id(1), 1.0, payload)])
    assert {page: passage.text for page, passage in chosen.items()} == {point_id(1): "gamma delta"}
