"""The samples that the demo shows: small, and every question about them is answered by the right page."""

import json
import runpy
from pathlib import Path

import pytest

from vrag import Index
from vrag.catalog.payload import page_words
from vrag.evaluation.numbers.short_answer import LITERAL, read_answer, stands_in

SAMPLES = Path(__file__).parent.parent / "eval" / "samples"
QUESTIONS = [json.loads(line) for line in (SAMPLES / "questions.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    with Index.create(tmp_path_factory.mktemp("samples") / "index") as index:
        report = index.ingest([SAMPLES / "pdfs"])
        assert not report.failed
        yield index


def test_the_samples_are_few_and_small(index):
    assert 15 <= index.page_count <= 40
    assert sum(file.stat().st_size for file in (SAMPLES / "pdfs").iterdir()) < 2_000_000


@pytest.mark.parametrize("cascade", ["exact", "two-stage", "three-stage"])
def test_questions_find_their_page(index, cascade):
    ranks = []
    for row in QUESTIONS:
        found = [(hit.doc, hit.page) for hit in index.search(row["query"], cascade=cascade)]
        ranks.append(found.index((row["doc"], row["page"])) + 1 if (row["doc"], row["page"]) in found else None)
    assert ranks.count(1) >= len(QUESTIONS) - 2
    assert all(rank and rank <= 3 for rank in ranks)


def test_a_scanned_page_is_read_by_ocr(index):
    hit = index.search("pressure relief valve")[0]
    assert (hit.doc, hit.page) == ("old-notices-scanned.pdf", 1)
    assert "6.5 bar" in index.snippet("opens at 6.5 bar", hit)
    assert {h.doc for h in index.search("valve", where="source=ocr")} == {"old-notices-scanned.pdf"}


def test_quotes_show_the_answers_and_cite_the_page(index):
    """As `vrag eval answers` measures it."""
    rows = map(json.loads, (SAMPLES / "answers.jsonl").read_text().splitlines())
    answers = {row["query-id"]: read_answer(row["answer"], row["format"]) for row in rows}
    shown, cited = [], 0
    for row in QUESTIONS:
        quotes, wanted = index.ask(row["query"]).quotes, answers[row["query-id"]]
        words = page_words(index.documents.page_record(row["doc"], row["page"]).payload)
        if wanted.form in LITERAL and stands_in([" ".join(words.texts)], wanted):
            shown.append(stands_in([quote.text for quote in quotes[:3]], wanted))
        cited += (quotes[0].doc, quotes[0].page) == (row["doc"], row["page"])
        assert all(quote.status == "supported" for quote in quotes)
    assert len(shown) >= 12
    assert sum(shown) >= len(shown) - 1
    assert cited >= len(QUESTIONS) - 1


def test_snippets_show_the_answers(index):
    """Five of them did when the words nearest to the question were shown."""
    rows = list(runpy.run_path(str(SAMPLES.parent / "snippets.py"))["ask"](index, SAMPLES))
    assert len(rows) == len(QUESTIONS)
    assert sum(row.is_shown for row in rows) >= 16


def test_the_demos_question_shows_its_answer_although_the_head_of_the_page_holds_it(index):
    query = "At what pressure does the relief valve of pump number 3 open?"
    (hit,) = index.search(query, 1)
    assert "opens at 6.5 bar and" in index.snippet(query, hit)
    found = index.explain(query, hit.doc, hit.page)
    assert (found.counted.rows, found.counted.region) == (hit.rows, hit.region)
    sources = {answer.text: answer.source for answer in found.counted.answers}
    assert sources["relief"] == sources["valve"] == "region"


def test_a_region_holds_its_snippet(index):
    for row in QUESTIONS:
        for hit in index.search(row["query"], 3):
            words = page_words(index.documents.page_record(hit.doc, hit.page).payload)
            start, end = hit.words
            shown = index.snippet(row["query"], hit).strip("… ")  # before a row of a table stand its heads
            assert shown.endswith(" ".join(words.texts[start:end]))
            x0, y0, x1, y1 = hit.region
            boxes = words.boxes[start:end]
            assert (boxes >= (x0 - 1e-4, y0 - 1e-4, 0, 0)).all()
            assert (boxes <= (1, 1, x1 + 1e-4, y1 + 1e-4)).all()


def test_without_regions_a_snippet_is_of_whole_sentences_too(index):
    query = "who keeps the key to the tar shed"
    (hit,) = index.search(query, 1, "exact")
    assert (hit.region, hit.words) == (None, None)
    assert "4. The key to the tar shed hangs at the widow Petersen's, Harbour Street 4." in index.snippet(query, hit)
