"""What people type at `vrag search` and what it answers, in this process: the command line without its start."""

import io
import json
import sys

import pytest

from tests.pdfs import write_pdf
from vrag.cli.app import run


@pytest.fixture
def vrag(capsys, tmp_path, monkeypatch):
    """Run a command line in an empty folder: its exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def said(*arguments, stdin=b""):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = run([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return said


def test_words_without_quotes_are_one_query(vrag, indexed):
    code, out, _ = vrag("search", "nectar", "and", "pollen", "--index", indexed, "--json", "-k", 1)
    assert code == 0
    assert json.loads(out)["query"] == "nectar and pollen"
    assert json.loads(out)["hits"][0]["page"] == 3


def test_only_excluded_words_are_said(vrag, indexed):
    code, _, err = vrag("search", "--index", indexed, "--", "-heating")
    assert code == 2
    assert "only what must not be there: -heating." in err
    assert "boiler manual -heating" in err


def test_a_query_and_a_file_are_too_much(vrag, indexed):
    code, _, err = vrag("search", "krill", "--queries", "q.jsonl", "--index", indexed)
    assert code == 2
    assert "not both: there are the query 'krill' and the file q.jsonl" in err


ROWS = '{"query-id": 1, "query": "krill \u2028 \x85 ice"}\n\n{"query-id": 2, "query": "oil filter"}\r\n'


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("source", ["-", "q.jsonl"])
def test_queries_come_from_a_file_or_from_standard_input(vrag, indexed, tmp_path, source, mark):
    rows = (mark + ROWS).encode()
    (tmp_path / "q.jsonl").write_bytes(rows)
    code, out, _ = vrag("search", "--queries", source, "--index", indexed, "--json", "-k", 1, stdin=rows)
    assert code == 0
    assert [json.loads(line)["hits"][0]["doc"] for line in out.splitlines()] == ["animals.pdf", "machines.pdf"]


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (b"\xff", "standard input is not UTF-8 (byte 1)."),
        (b"\n[" + b"[" * 100_000, "standard input, line 2: nested more than 64 deep."),
        (b'{"query-id": ' + b"9" * 5000, "standard input, line 1: out of range."),
        (b'{"query-id": 1, "query": "\\ud800"}', "standard input, line 1: 'query' is not Unicode text"),
        (b'{"query-id": 1, "query": "x", "where": "page=\\u00001\\u0000"}', "needs a page number"),
    ],
)
def test_bad_rows_are_one_sentence(vrag, indexed, rows, says):
    code, _, err = vrag("search", "--queries", "-", "--index", indexed, stdin=rows)
    assert code == 2
    assert says in err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["krill", "--where", "page=99"], "Nothing found for 'krill' on 5 pages. Try without --where; vrag ls"),
        (['"oil penguin"'], 'Try without "phrases" and -words; vrag ls'),
        (["krill nectar", "--exact-words"], "Try without --exact-words; vrag ls"),
        (["xyzzy", "--cascade", "text"], "Nothing found for 'xyzzy' on 5 pages. Try other words; vrag ls"),
    ],
)
def test_nothing_found_is_a_sentence(vrag, indexed, arguments, says):
    code, out, err = vrag("search", *arguments, "--index", indexed)
    assert code == 0
    assert out == ""
    assert says in err
    assert json.loads(vrag("search", *arguments, "--index", indexed, "--json")[1])["hits"] == []


@pytest.mark.parametrize("arguments", [[], ["snapshot"]])
def test_no_command_is_help_and_no_error(vrag, arguments):
    code, out, err = vrag(*arguments)
    assert code == 2
    assert "Usage: vrag" in out
    assert err == ""


def test_a_missing_folder_is_no_matter_of_the_hub(vrag, folder):
    for name in ("./nofolder", "../no/folder", "/nofolder", "~/nofolder"):
        code, _, err = vrag("ingest", folder, "--index", "i", "--model", name)
        assert code == 2
        assert f"There is no folder '{name}'." in err
        assert "hub" not in err


def test_a_report_of_a_name_that_is_no_utf8(vrag, tmp_path):
    write_pdf(tmp_path / "d" / "an\udcff:bomb:[b]\nx.pdf", ["Honey bees dance."])
    assert vrag("ingest", "d", "--index", "i", "--workers", 1)[0] == 0
    for arguments in (["explain", "bees", "--html", "w.html"], ["search", "bees", "--image-dir", "hits"], ["ls"]):
        code, out, err = vrag(*arguments, "--index", "i")
        assert code == 0
        assert "\nx.pdf" not in out + err
    assert ":bomb:[b]" in out
    assert ":bomb:[b]" in (tmp_path / "w.html").read_text(encoding="utf-8")


def test_too_little_memory_is_a_sentence(vrag, monkeypatch):
    def greedy(**_):
        raise MemoryError

    monkeypatch.setattr("vrag.cli.app._built", lambda: greedy)
    code, _, err = vrag("models")
    assert (code, err.splitlines()[0]) == (1, "Error: There is not enough memory for this.")


def test_an_unknown_document_brings_no_strangers(vrag, indexed):
    _, _, err = vrag("search", "x", "--where", "doc=wrong", "--index", indexed)
    assert "vrag ls lists the documents." in err
    _, _, err = vrag("search", "x", "--where", "doc=Animal.pdf", "--index", indexed)
    assert "Did you mean: animals.pdf?" in err
    _, _, err = vrag("search", "x", "--where", "doc=machin", "--index", indexed)
    assert "Did you mean: machines.pdf?" in err


@pytest.mark.parametrize(
    ("name", "value"), [("k", 0), ("k", 2.5), ("k", "3"), ("k", 10**20), ("query", ["a"]), ("query", None)]
)
def test_a_search_takes_text_and_a_whole_number(indexed, name, value):
    from vrag import Index
    from vrag.errors import UsageError

    with Index.open(indexed) as index, pytest.raises(UsageError):
        index.search(**{"query": "x", name: value})
