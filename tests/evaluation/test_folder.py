"""Benchmarks in the classic BEIR layout, and the several names of the same columns."""

import json

import pytest
from PIL import Image

from tests.evaluation.tiny import PAGES, QUESTIONS, write_documents, write_rows
from vrag.errors import UsageError, VragError
from vrag.evaluation.benchmarks.benchmark import PageRef, Query
from vrag.evaluation.benchmarks.folder import load_benchmark


@pytest.fixture
def beir(tmp_path):
    """BEIR's names and a qrels folder, pages of PDFs."""
    folder = tmp_path / "beir"
    write_documents(folder / "pdfs")
    write_rows(folder / "corpus.jsonl", [{"_id": f"p{n}", "title": "", "text": "", "doc": d, "page": p}
                                         for n, (d, p) in enumerate(PAGES)])  # fmt: skip
    write_rows(folder / "queries.jsonl", [{"_id": f"q{n}", "text": text} for n, (_, _, text) in enumerate(QUESTIONS)])
    (folder / "qrels").mkdir()
    lines = ["query-id\tcorpus-id\tscore", *(f"q{n}\tp{PAGES.index(q[:2])}\t{n + 1}" for n, q in enumerate(QUESTIONS))]
    (folder / "qrels" / "test.tsv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.mark.parametrize("row", [{"_id": "q0", "text": "half \ud800"}, {"_id": "\udcff", "text": "whole"}])
def test_halves_of_characters_are_refused_before_anything_is_measured(beir, row):
    (beir / "queries.jsonl").write_text(json.dumps(row))
    with pytest.raises(VragError, match=r"queries\.jsonl, line 1: '(text|_id)' is not Unicode text"):
        load_benchmark(beir)


def test_classic_beir(beir):
    benchmark = load_benchmark(beir)
    assert benchmark.corpus["p4"] == PageRef("machines.pdf", 2)
    assert benchmark.queries[0] == Query("q0", "snow leopard in the mountains")
    assert benchmark.qrels == {"q0": {"p0": 1}, "q1": {"p4": 2}, "q2": {"p3": 3}}
    assert benchmark.files == [beir / "pdfs" / "animals.pdf", beir / "pdfs" / "machines.pdf"]


def test_the_test_split_is_used(beir):
    (beir / "qrels" / "train.tsv").write_text("query-id\tcorpus-id\tscore\nq0\tp1\t1\n")
    assert load_benchmark(beir).qrels["q0"] == {"p0": 1}
    (beir / "qrels" / "test.tsv").rename(beir / "qrels" / "dev.tsv")
    with pytest.raises(UsageError, match=r"dev\.tsv, train\.tsv"):
        load_benchmark(beir)
    (beir / "qrels" / "train.tsv").unlink()
    assert load_benchmark(beir).qrels["q0"] == {"p0": 1}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("q0\tp0\t0.5", "line 5: 'score' must be a whole number, not '0.5'"),
        ("q9\tp0\t1", "line 5: unknown query id q9"),
        ("q0\tp9\t1", "line 5: unknown corpus id p9"),
        ("q0\tp0\t1\t7", "line 5: more cells than the head has (query-id, corpus-id, score)"),
        ("q0\tp0", "line 5: 'score' must be a whole number, not None"),
    ],
)
def test_a_mistake_in_a_table_is_named(beir, line, message):
    with (beir / "qrels" / "test.tsv").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(VragError) as caught:
        load_benchmark(beir)
    assert message in str(caught.value)


def test_pictures_named_or_by_their_id(beir):
    (beir / "pdfs" / "animals.pdf").unlink()
    (beir / "pdfs" / "machines.pdf").unlink()
    (beir / "pdfs").rmdir()
    (beir / "images").mkdir()
    rows = [{"_id": f"p{n}"} for n in range(4)] + [{"_id": "p4", "image": "images/other.jpg"}]
    write_rows(beir / "corpus.jsonl", rows)
    for name in ("p0.png", "p1.webp", "p2.jpeg", "p3.tiff", "other.jpg"):
        Image.new("RGB", (20, 30), "white").save(beir / "images" / name)
    benchmark = load_benchmark(beir)
    assert benchmark.corpus["p1"] == PageRef("images/p1.webp", 1)
    assert benchmark.corpus["p4"] == PageRef("images/other.jpg", 1)
    assert all(file.is_file() for file in benchmark.files)
    (beir / "images" / "other.jpg").unlink()
    with pytest.raises(VragError, match=r"line 5: there is no 'images/other\.jpg'"):
        load_benchmark(beir)


def test_a_page_without_document_or_picture(beir):
    write_rows(beir / "corpus.jsonl", [{"_id": "p0", "text": "words"}])
    with pytest.raises(VragError, match=r"line 1: 'doc' is missing"):
        load_benchmark(beir)


def test_documents_beside_the_rows(beir):
    for name in ("animals.pdf", "machines.pdf"):
        (beir / "pdfs" / name).rename(beir / name)
    (beir / "pdfs").rmdir()
    assert load_benchmark(beir).files[0] == beir / "animals.pdf"


def test_underscores_mean_the_same(beir):
    write_rows(beir / "corpus.jsonl", [{"corpus_id": 0, "doc_id": "animals.pdf", "page_number_in_doc": 2}])
    write_rows(beir / "queries.jsonl", [{"query_id": 7, "query": "bees?", "language": "english"}])
    write_rows(beir / "qrels.jsonl", [{"query_id": 7, "corpus_id": 0, "score": 1.0}])
    benchmark = load_benchmark(beir)
    assert benchmark.corpus == {"0": PageRef("animals.pdf", 2)}
    assert benchmark.queries == [Query("7", "bees?", language="english")]
    assert benchmark.qrels == {"7": {"0": 1}}


def test_fewer_questions_of_some_languages(beir):
    queries = [{"_id": f"{lang}{n}", "text": "?", "language": lang} for n in range(3) for lang in ("en", "fr", "de")]
    write_rows(beir / "queries.jsonl", queries)
    write_rows(beir / "qrels.jsonl", [{"query-id": q["_id"], "corpus-id": "p0", "score": 1} for q in queries[3:]])
    benchmark = load_benchmark(beir)
    assert benchmark.languages == ["de", "en", "fr"]
    narrow = benchmark.narrowed(["en", "fr"], 1)
    assert [query.id for query in narrow.judged] == ["en1", "fr1"]
    assert set(narrow.qrels) == {"en1", "fr1"}
    assert narrow.corpus == benchmark.corpus
    assert benchmark.narrowed() == benchmark
