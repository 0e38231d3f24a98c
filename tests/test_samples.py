"""The samples that the demo shows: small, and every question about them is answered by the right page."""

import json
from pathlib import Path

import pytest

from vrag import Index

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
