"""The commands that look after an index, through the installed command."""

import json
import os
import re
import subprocess

import pytest

from tests.conftest import ANIMALS, MACHINES, command
from tests.pdfs import write_pdf


@pytest.fixture
def library(cli, tmp_path):
    """A folder with two good files and a bad one, indexed in `i`, with metadata."""
    write_pdf(tmp_path / "d" / "animals.pdf", ANIMALS)
    write_pdf(tmp_path / "d" / "machines.pdf", MACHINES)
    (tmp_path / "d" / "bad.pdf").write_bytes(b"%PDF-1.4 nothing")
    (tmp_path / "d" / "animals.pdf.json").write_text('{"year": 2020, "tags": ["wild", "ice"]}')
    (tmp_path / "m.csv").write_text("file,year\nmachines.pdf,2024\n")
    done = cli(
        "ingest", "d", "--index", "i", "--metadata", "m.csv", "--meta", "project=alpha", "--workers", 1, "--json"
    )
    assert done.code == 1
    assert (done.json["added"], len(done.json["failed"])) == (5, 1)
    return tmp_path / "d"


def test_ls_tells_documents_states_metadata_and_facets(cli, library):
    rows = {row["doc"]: row for row in cli("ls", "--index", "i", "--json").json}
    assert set(rows["animals.pdf"]) == {"doc", "path", "copies", "copy_paths", "pages", "state", "meta"}
    assert rows["animals.pdf"]["meta"] == {"year": 2020, "tags": ["wild", "ice"], "project": "alpha"}
    assert {row["state"] for row in rows.values()} == {"complete"}
    assert [r["doc"] for r in cli("ls", "--index", "i", "--where", "year>2020", "--json").json] == ["machines.pdf"]
    assert cli("ls", "--index", "i", "--facet", "tags", "--json").json == [
        {"tags": "ice", "documents": 1, "pages": 3},
        {"tags": "wild", "documents": 1, "pages": 3},
        {"tags": None, "documents": 1, "pages": 2},
    ]
    table = cli("ls", "--index", "i").out
    assert "animals.pdf" in table
    assert "project: alpha" in table
    assert cli("ls", "--index", "i", "--facet", "nope").code == 2
    assert cli("ls", "nope.pdf", "--index", "i").code == 2


def test_search_takes_the_same_filters(cli, library):
    done = cli("search", "oil", "--index", "i", "--where", "year >= 2021 and project=alpha", "--json")
    assert {hit["doc"] for hit in done.json["hits"]} == {"machines.pdf"}
    done = cli("search", "oil", "--index", "i", "--where", "yeer=2021")
    assert done.code == 2
    assert "Keys: doc, page, source, renderer, project, tags, year." in done.err


def test_status_counts_and_lists_what_failed(cli, library):
    facts = cli("status", "--index", "i", "--json").json
    counts = {"documents": 2, "pages": 5, "partial": 0, "arriving": 0, "failed_files": 1, "failed_pages": 0}
    assert counts.items() <= facts.items()
    assert set(facts) - set(counts) == {"index", "bytes", "server"}
    (failure,) = cli("status", "--index", "i", "--failed", "--json").json
    assert set(failure) == {"path", "page", "reason", "hint", "times"}
    assert "vrag status --failed" in cli("status", "--index", "i").out
    assert "cut off" in " ".join(cli("status", "--index", "i", "--failed").out.split())
    again = cli("ingest", "--retry-failed", "--index", "i", "--json")
    assert again.code == 1
    assert again.json["failed"][0]["times"] == 2
    write_pdf(library / "bad.pdf", ["now it is good"])
    assert cli("ingest", "--retry-failed", "--index", "i", "--json").json["added"] == 1
    assert cli("status", "--index", "i", "--failed", "--json").json == []


def test_rm_asks_and_removes(cli, library):
    refused = cli("rm", "animals.pdf", "--index", "i")
    assert refused.code == 2
    assert "--yes" in refused.err
    assert cli("rm", "--index", "i").code == 2
    removed = cli("rm", "--where", "tags=ice", "--index", "i", "--yes", "--json").json
    assert removed == {"removed": ["animals.pdf"], "pages": 3}
    assert "0 documents" in cli("rm", "--where", "year<0", "--index", "i", "--yes").out
    assert (library / "animals.pdf").exists()


def test_prune_asks_and_removes(cli, library):
    (library / "animals.pdf").unlink()
    refused = cli("ingest", "d", "--index", "i", "--prune")
    assert refused.code == 2
    assert "animals.pdf" in refused.err
    assert cli("ingest", "d", "--index", "i", "--prune", "--yes", "--json").json["removed"] == 1
    for file in library.iterdir():
        file.unlink()
    assert cli("ingest", "d", "--index", "i").code == 2
    done = cli("ingest", "d", "--index", "i", "--prune", "--yes")
    assert done.code == 0
    assert "1 document removed" in done.out
    assert cli("status", "--index", "i", "--json").json["failed_files"] == 0


def test_verify_and_compact(cli, library):
    assert cli("verify", "--index", "i", "--json").json == {"pages": 5, "problems": [], "left": 0, "warnings": []}
    from vrag import Index
    from vrag.store.interface import Selection

    with Index.open(library.parent / "i") as index:
        record_id = index.documents.page_record("animals.pdf", 2).id
        index.stored.store.delete(Selection(ids=frozenset([record_id])))
    found = cli("verify", "--index", "i")
    assert found.code == 1
    assert "it is missing" in found.out
    assert cli("verify", "--index", "i", "--repair").code == 0
    done = cli("compact", "--index", "i", "--json")
    assert set(done.json) == {"bytes_before", "bytes_after"}
    sizes = [float(word) for word in cli("compact", "--index", "i").out.split() if word[0].isdigit()]
    assert sizes[0] == pytest.approx(max(sizes[1] - sizes[2], 0), abs=0.15)
    assert cli("verify", "--index", "i").code == 0


def test_who_has_the_index_is_said(process, indexed):
    from vrag import Index

    with Index.open(indexed):
        for name in ("ls", "status", "verify", "compact"):
            done = process(name, "--index", indexed, "--wait", 0)
            assert done.code == 1
            assert f"process {os.getpid()} on" in done.err


def test_names_that_are_no_utf8_are_printed_and_given_back(cli, tmp_path):
    name = os.fsdecode(b"caf\xe9.pdf")
    write_pdf(tmp_path / "d" / name, ANIMALS)
    (tmp_path / "d" / os.fsdecode(b"b\xe4d.pdf")).write_bytes(b"")
    assert cli("ingest", "d", "--index", "i").code == 1
    assert json.loads(cli("ls", "--index", "i", "--json").out)[0]["doc"] == name
    for arguments in (["ls"], ["status", "--failed"], ["search", "bees"], ["info"]):
        done = cli(*arguments, "--index", "i")
        assert done.code == 0
        assert "\ufffd" in done.out
    assert cli("rm", name, "--index", "i", "--yes").code == 0


def test_help_has_an_example_for_every_command(cli):
    for name in ("ls", "rm", "status", "verify", "compact"):
        done = cli(name, "--help")
        assert done.code == 0
        assert f"Example: vrag {name}" in " ".join(done.out.split())


def test_a_terminal_is_asked(tmp_path, library):
    pty = pytest.importorskip("pty")
    main, terminal = pty.openpty()
    os.write(main, b"n\n")
    arguments = command("rm", "animals.pdf", "--index", "i")
    done = subprocess.run(arguments, stdin=terminal, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 1
    assert re.search(r"Remove 1 document.*\[y/N\]", done.stderr)
    os.write(main, b"y\n")
    done = subprocess.run(arguments, stdin=terminal, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0
    assert "1 document with 3 pages removed." in done.stdout
