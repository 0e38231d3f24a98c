"""One definition of documents and pages, whoever counts them; summaries that people can read."""

import io

import pytest

from tests.conftest import ANIMALS, MACHINES
from tests.pdfs import write_pdf
from vrag.cli import output
from vrag.runtime.units import counted, size


def test_every_command_counts_alike_where_there_are_copies(cli, tmp_path):
    write_pdf(tmp_path / "d" / "a.pdf", ANIMALS)
    write_pdf(tmp_path / "d" / "copy.pdf", ANIMALS)
    write_pdf(tmp_path / "d" / "one.pdf", MACHINES[:1])
    (tmp_path / "d" / "bad.pdf").write_bytes(b"no PDF")
    for _ in range(2):
        made = cli("ingest", "d", "--index", "i", "--workers", 1, "--json").json
        assert (made["documents"], made["copies"], made["pages"], len(made["failed"])) == (2, 1, 4, 1)
    assert made["added"] + made["unchanged"] == made["pages"]
    status, listed = cli("status", "--index", "i", "--json").json, cli("ls", "--index", "i", "--json").json
    assert (status["documents"], status["pages"]) == (made["documents"], made["pages"])
    assert (len(listed), sum(row["pages"] for row in listed)) == (made["documents"], made["pages"])
    info = cli("info", "--index", "i", "--json").json
    assert (len(info["documents"]), info["pages"]) == (made["documents"], made["pages"])
    named = cli("ls", "copy.pdf", "--index", "i")
    assert "copy.pdf" in named.out  # under the name that was asked for, beside the document's own
    assert "a.pdf" in named.out


def test_the_summary_is_the_last_word_and_the_model_is_introduced_once(cli, tmp_path):
    write_pdf(tmp_path / "d" / "one.pdf", MACHINES[:1])
    (tmp_path / "d" / "bad.pdf").write_bytes(b"no PDF")
    first = cli("ingest", "d", "--index", "i", "--workers", 1)
    assert "1 document, 1 page in" in first.out.splitlines()[-1]
    assert "does not see pictures" in first.err
    assert "does not see pictures" not in cli("ingest", "d", "--index", "i", "--workers", 1).err
    assert "complete" in cli("info", "--index", "i").out
    assert "True" not in cli("info", "--index", "i").out


@pytest.mark.parametrize(("count", "text"), [(0, "0 pages"), (1, "1 page"), (2, "2 pages"), (1234, "1,234 pages")])
def test_nouns_agree(count, text):
    assert counted(count, "page") == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (40e6, "40.0 MB"), (2e9, "2.0 GB"), (3e15, "3,000.0 TB")],
)
def test_sizes_are_decimal(count, text):
    assert size(count) == text


def test_notes_fold_between_words_on_a_terminal_and_paths_stay_whole(monkeypatch):
    file = io.StringIO()
    monkeypatch.setattr(
        output, "stderr", output.SafeConsole(file=file, width=30, force_terminal=True, color_system=None)
    )
    path = "/a/very/long/path/that/does/not/fit/into/thirty/columns.pdf"
    output.note(f"The built-in model reads the words of {path} and nothing else")
    lines = file.getvalue().splitlines()
    assert path in [line.strip() for line in lines]
    assert all(word in file.getvalue().split() for word in ("built-in", "reads", "nothing", "else"))
