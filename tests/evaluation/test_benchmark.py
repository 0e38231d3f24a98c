"""Benchmark folders: read as written, and every mistake named by file and line."""

import json

import pytest

from vrag.errors import UsageError, VragError
from vrag.evaluation.benchmarks.benchmark import PageRef, Query
from vrag.evaluation.benchmarks.folder import load_benchmark

CORPUS = [
    {"corpus-id": 0, "doc": "a.pdf", "page": 1},
    {"corpus-id": 1, "doc": "a.pdf", "page": 2},
    {"corpus-id": "b-1", "doc": "b.pdf", "page": 1},
]
QUERIES = [
    {"query-id": 0, "query": "How many pumps?", "doc": "a.pdf", "type": "Table"},
    {"query-id": "q", "query": "Who signed?"},
]
QRELS = [
    {"query-id": 0, "corpus-id": 1, "score": 2},
    {"query-id": "q", "corpus-id": "b-1", "score": 1},
]


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "tiny"
    (folder / "pdfs").mkdir(parents=True)
    for doc in ("a.pdf", "b.pdf"):
        (folder / "pdfs" / doc).touch()
    for name, rows in (("corpus", CORPUS), ("queries", QUERIES), ("qrels", QRELS)):
        write(folder, name, rows)
    return folder


def write(folder, name, rows):
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_a_whole_benchmark(folder):
    benchmark = load_benchmark(folder)
    assert benchmark.name == "tiny"
    assert benchmark.corpus == {"0": ("a.pdf", 1), "1": ("a.pdf", 2), "b-1": ("b.pdf", 1)}
    assert benchmark.queries == [Query("0", "How many pumps?", "a.pdf", "Table"), Query("q", "Who signed?")]
    assert benchmark.qrels == {"0": {"1": 2}, "q": {"b-1": 1}}
    assert benchmark.docs == ["a.pdf", "b.pdf"]
    assert benchmark.ids[PageRef("a.pdf", 2)] == ("1",)
    assert benchmark.pdfs == folder / "pdfs"


def test_blank_lines_and_a_byte_order_mark_do_no_harm(folder):
    text = (folder / "queries.jsonl").read_text(encoding="utf-8")
    (folder / "queries.jsonl").write_text(f"\ufeff{text}\n\n", encoding="utf-8")
    assert len(load_benchmark(folder).queries) == 2


def test_a_line_separator_within_a_question_ends_no_line(folder):
    write(folder, "queries", [{"query-id": 0, "query": "one\u2028two\x85three"}, QUERIES[1]])
    assert load_benchmark(folder).queries[0].text == "one\u2028two\x85three"


def test_repeated_judgements_that_agree_do_no_harm(folder):
    write(folder, "qrels", [*QRELS, QRELS[0]])
    assert load_benchmark(folder).qrels == {"0": {"1": 2}, "q": {"b-1": 1}}


def test_documents_in_sub_folders(folder):
    (folder / "pdfs" / "sub").mkdir()
    (folder / "pdfs" / "sub" / "c.pdf").touch()
    write(folder, "corpus", [*CORPUS, {"corpus-id": 9, "doc": "sub/c.pdf", "page": 1}])
    assert load_benchmark(folder).corpus["9"].doc == "sub/c.pdf"


def test_no_such_folder(tmp_path):
    with pytest.raises(UsageError, match="nowhere"):
        load_benchmark(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["corpus", "queries", "qrels"])
def test_a_missing_file_is_named(folder, name):
    (folder / f"{name}.jsonl").unlink()
    with pytest.raises(UsageError, match=rf"{name}\.jsonl is missing"):
        load_benchmark(folder)


@pytest.mark.parametrize("name", ["corpus", "queries", "qrels"])
def test_an_empty_file_is_named(folder, name):
    write(folder, name, [""])
    with pytest.raises(VragError, match=rf"{name}\.jsonl is empty"):
        load_benchmark(folder)


def test_a_file_that_is_not_utf8(folder):
    (folder / "qrels.jsonl").write_bytes(b'{"query-id": "\xff"}')
    with pytest.raises(VragError, match=r"qrels\.jsonl is not UTF-8 \(byte 15\)"):
        load_benchmark(folder)


MISTAKES = [
    ("corpus", '{"corpus-id": 3,', "line 4: not JSON"),
    ("corpus", "[1, 2]", "line 4: not a JSON object, but list"),
    ("corpus", {"corpus-id": 3, "doc": "a.pdf"}, "line 4: 'page' is missing; the row has 'corpus-id', 'doc'"),
    ("corpus", {}, "the row has nothing"),
    ("corpus", {"corpus-id": 3, "doc": "a.pdf", "page": 0}, "'page' must be at least 1, not 0"),
    ("corpus", {"corpus-id": 3, "doc": "a.pdf", "page": "3a"}, "'page' must be a whole number, not '3a'"),
    ("corpus", {"corpus-id": 3, "doc": "a.pdf", "page": True}, "'page' must be a whole number, not True"),
    ("corpus", {"corpus-id": 3, "doc": "c.pdf", "page": 1}, "there is no 'c.pdf' in"),
    ("corpus", {"corpus-id": 3, "doc": 7, "page": 1}, "'doc' must be text, not 7"),
    ("corpus", {"corpus-id": 0, "doc": "a.pdf", "page": 3}, "corpus id 0 or page 3 of 'a.pdf' is there twice"),
    ("corpus", {"corpus-id": 3, "doc": "a.pdf", "page": 1}, "corpus id 3 or page 1 of 'a.pdf' is there twice"),
    ("corpus", {"corpus-id": 3.5, "doc": "a.pdf", "page": 3}, "'corpus-id' must be a string or a whole number"),
    ("corpus", {"corpus-id": "", "doc": "a.pdf", "page": 3}, "'corpus-id' must be a string or a whole number"),
    ("queries", {"query-id": "q", "query": "Again?"}, "line 3: query id q is there twice"),
    ("queries", {"query-id": 5, "query": "  "}, "'query' must be text"),
    ("queries", {"query-id": 5, "query": "Where?", "doc": "c.pdf"}, "no page of 'c.pdf' is in the corpus"),
    ("qrels", {"query-id": 7, "corpus-id": 0, "score": 1}, "line 3: unknown query id 7"),
    ("qrels", {"query-id": 0, "corpus-id": 77, "score": 1}, "line 3: unknown corpus id 77"),
    ("qrels", {"query-id": 0, "corpus-id": 1, "score": 1}, "query 0 with corpus id 1 has grade 2 before"),
    ("qrels", {"query-id": 0, "corpus-id": 0, "score": 0.5}, "'score' must be a whole number, not 0.5"),
]


@pytest.mark.parametrize(("name", "row", "message"), MISTAKES)
def test_a_mistake_is_named_by_file_and_line(folder, name, row, message):
    rows = {"corpus": CORPUS, "queries": QUERIES, "qrels": QRELS}[name]
    write(folder, name, [*rows, row])
    with pytest.raises(VragError) as caught:
        load_benchmark(folder)
    assert message in str(caught.value)
    assert f"{name}.jsonl, line {len(rows) + 1}: " in str(caught.value)
