"""What commands say to people where there is nothing to show, nothing to do, or something is missing."""

import io
import json
import sys
from pathlib import Path

import pytest

from tests.conftest import copy_index
from vrag import Index


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """An index without a page; tests must not change it."""
    path = tmp_path_factory.mktemp("empty") / "index"
    Index.create(path).close()
    return path


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["rm"], "Name documents, or choose them with --where."),
        (["ls", "--facet", "colour"], "No document has metadata 'colour'."),
        (["ls", "nope.pdf"], "nope.pdf"),
        (["ls", "--where", "doc"], "is not KEY=VALUE"),
        (["explain", "krill", "--per-token"], "--per-token needs --png."),
        (["explain", "krill", "--page", "2"], "Page 2 of which document?"),
        (["search", "krill", "--image-dir", "taken/inner"], "taken/inner cannot be made: Not a directory."),
        (["search", "krill", "--image-dir", "taken"], "taken is no folder."),
        (
            ["search", "--queries", "bad-id.jsonl"],
            "bad-id.jsonl, line 1: 'query-id' must be a string or a whole number",
        ),
        (["search", "--queries", "no-text.jsonl"], "no-text.jsonl, line 2: 'query' must be text, not 7."),
        (["search", "--queries", "list.jsonl"], "list.jsonl, line 1: not a JSON object, but list."),
        (["search", "--queries", "where.jsonl"], "where.jsonl, line 1: 'where' must be KEY=VALUE"),
        (["search", "--queries", "wheres.jsonl"], "wheres.jsonl, line 1: 'where' must be KEY=VALUE"),
        (["search", "--queries", "folder"], "folder is no benchmark: folder/corpus.jsonl is missing."),
        (["tune", "--queries", "blank.jsonl"], "blank.jsonl has no questions."),
    ],
)
def test_what_is_missing_or_wrong_is_named(cli, indexed, tmp_path, arguments, says):
    rows = {
        "bad-id": [{"query-id": [1], "query": "x"}],
        "no-text": [{"query-id": 1, "query": "krill"}, {"query-id": 2, "query": 7}],
        "list": [["x"]],
        "where": [{"query-id": 1, "query": "x", "where": {"doc": "a"}}],
        "wheres": [{"query-id": 1, "query": "x", "where": ["doc=animals.pdf", 3]}],
        "blank": [],
    }
    for name, lines in rows.items():
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")
    (tmp_path / "taken").write_text("mine")
    (tmp_path / "folder").mkdir()
    done = cli(*arguments, "--index", indexed)
    assert done.code == 2
    assert done.err.startswith("Error: ") or "\nError: " in done.err
    assert says in done.err
    assert (tmp_path / "taken").read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "code", "out", "err"),
    [
        (["ls"], 0, "", "Nothing to list."),
        (["ls", "--json"], 0, "[]", ""),
        (["search", "krill"], 0, "", "the index has no pages yet. Fill it with: vrag ingest FOLDER"),
        (["status"], 0, "documents  0", ""),
        (["status", "--failed"], 0, "", "Nothing to list."),
        (["verify"], 0, "0 pages, 0 problems", ""),
        (["rm", "--where", "page=1", "--yes"], 2, "", "page"),
        (["ls", "--facet", "year"], 2, "", "Keys: none yet."),
        (["info"], 0, "pages            0", "Nothing to list."),
        (["ingest", "--retry-failed"], 0, "0 pages", "Nothing is there to be tried again"),
    ],
)
def test_an_empty_index_is_told_so(cli, empty, tmp_path, arguments, code, out, err):
    place = copy_index(empty, tmp_path / "i") if arguments[0] in ("ingest", "rm") else empty
    done = cli(*arguments, "--index", place)
    assert done.code == code, done
    assert out in done.out
    assert err in done.err


@pytest.mark.parametrize(
    ("words", "without"),
    [
        (["krill", "--where", "page=99"], "Try without --where"),
        (["krill zebra", "--exact-words"], "Try without --exact-words"),
        (['"krill penguins"'], 'Try without "phrases" and -words'),
        (['"krill penguins"', "--where", "page=2"], 'Try without --where and "phrases" and -words'),
    ],
)
def test_a_search_without_hits_says_what_to_leave_out(cli, indexed, words, without):
    done = cli("search", *words, "--index", indexed)
    assert done.code == 0
    assert "Nothing found for" in done.err
    assert f"on 5 pages. {without}; vrag ls shows what is there." in done.err


def test_rows_of_queries_come_from_a_pipe(cli, indexed, monkeypatch):
    from vrag.cli.asked_rows import asked_rows

    rows = b'{"query-id": "a", "query": "krill"}\n{"query-id": "b", "query": "oil", "where": "doc=machines.pdf"}\n'
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(rows)))
    assert list(asked_rows(None, Path("-"), "")) == [
        {"query": "krill", "query-id": "a", "where": []},
        {"query": "oil", "query-id": "b", "where": ["doc=machines.pdf"]},
    ]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("models", "Vectors and TFLOP are of an A4 page"),
        ("doctor", "built-in weights"),
    ],
)
def test_tables_for_people_say_what_their_numbers_are(cli, name, says):
    done = cli(name)
    assert says in done.out + done.err


def test_doctor_ends_with_1_where_something_needed_is_missing(cli, monkeypatch):
    from vrag.planning import doctor

    monkeypatch.setattr(doctor, "_version", lambda name: None if name == "rapidocr" else "1")
    done = cli("doctor")
    assert done.code == 1
    assert "MISSING  rapidocr                 not installed\n         pip install rapidocr\n" in done.out
    checks = {check["name"]: check for check in cli("doctor", "--json").json["checks"]}
    assert (checks["rapidocr"]["ok"], checks["pypdfium2"]["ok"]) == (False, True)


def test_doctor_names_the_server_and_the_weights_that_are_not_there(cli, tmp_path):
    env = {"QDRANT_URL": "http://here:6333", "PATH": str(tmp_path), "VRAG_MINILM": str(tmp_path)}
    done = cli("doctor", env=env)
    assert done.code == 1
    assert "ok       Qdrant server            http://here:6333" in done.out
    assert "absent   poppler (pdftoppm)       not on PATH" in done.out
    assert (
        "MISSING  built-in weights         The built-in model's weights (all-MiniLM-L6-v2, int8) were not found."
        in done.out
    )


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--batch-size", "some", "--batch-size 'some' is not a whole number."),
        ("--batch-size", "-1", "--batch-size '-1' is not a whole number."),
        ("--batch-size", "0", "batch"),
        ("--device", "toaster", "toaster"),
        ("--dtype", "int8", "int8"),
        ("--query-tokens", "none", "none"),
        ("--workers", "0", "--workers"),
        ("--dpi", "0", "--dpi"),
        ("--meta", "year", "year"),
        ("--meta", "=3", "=3"),
        ("--metadata", "missing.csv", "missing.csv"),
        ("--ocr", "sometimes", "sometimes"),
        ("--pipeline", "missing.toml", "missing.toml"),
        ("--max-memory", "9999999999GB", "more than any machine has"),
        ("--wait", "nan", "--wait"),
        ("--wait", "-1", "--wait"),
    ],
)
def test_a_value_that_an_ingest_cannot_have_is_named_and_nothing_is_made(cli, folder, tmp_path, option, value, says):
    done = cli("ingest", folder, option, value, "--index", "i", "--json")
    assert done.code == 2
    assert says in done.json["error"] + done.json["hint"]
    assert not (tmp_path / "i").exists()
