"""What a sentence does not say is in the log: traces, for their owner alone, without secrets, and bounded."""

import logging
import os
import stat

import pytest

from tests.conftest import ANIMALS
from tests.pdfs import write_pdf
from vrag import Index
from vrag.cli import logs
from vrag.cli.app import run


@pytest.fixture
def log(monkeypatch, tmp_path):
    """Where this test's log is."""
    path = tmp_path / "logs" / "vrag.log"
    monkeypatch.setenv("VRAG_LOG", str(path))
    yield path
    logs.stop()


def listen(*arguments, verbose=False):
    logs.start(arguments, verbose)
    return logging.getLogger("vrag.test")


def test_what_other_libraries_let_the_root_logger_print_is_not_ours(log, caplog):
    listen().debug("a trace")
    assert "a trace" not in caplog.text  # that listens at the root
    assert not log.exists()
    logs.stop()
    logging.getLogger("vrag.test").warning("of a program that uses the library")
    assert "of a program" in caplog.text


def test_a_failed_file_is_a_sentence_and_its_trace_is_in_the_log(cli, log, tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "bad.pdf").write_bytes(b"%PDF-1.4 and no more")
    done = cli("ingest", "d", "--index", "i", "--workers", 1, env={"VRAG_LOG": str(log)})
    assert done.code == 1
    assert f"Traces are in {log}" in done.err
    text = log.read_text()
    assert "bad.pdf" in text
    assert "PdfiumError" in text  # of the worker process
    assert stat.S_IMODE(os.stat(log).st_mode) == 0o600


def test_where_a_model_failed_is_in_the_log(log, tmp_path):
    write_pdf(tmp_path / "d" / "a.pdf", ANIMALS)

    def out_of_patience(pages):
        raise RuntimeError("no memory for this one")

    listen()
    with Index.create(tmp_path / "i", "plain") as index:
        index.embedder.embed_pages = out_of_patience
        report = index.ingest([tmp_path / "d"], workers=1)
    assert {failure.reason for failure in report.failed} == {"The model cannot embed it: no memory for this one"}
    text = log.read_text()
    assert "a.pdf, page 3" in text
    assert text.count("in out_of_patience") == len(ANIMALS)
    assert logs.written() == log


def test_what_ends_a_command_is_in_the_log_with_its_cause(log, tmp_path, capsys):
    (tmp_path / "index.json").write_text("{")
    arguments = ["info", "--index", str(tmp_path)]
    assert run(arguments) == 1
    assert "Traceback" not in capsys.readouterr().err
    assert "JSONDecodeError" in log.read_text()
    assert run([*arguments, "--verbose"]) == 1
    assert "JSONDecodeError" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["search", "--", "--verbose"], ["search", "x", "--index", "none"]])
def test_verbose_is_an_option_only_where_it_can_be_one(arguments, log, capsys):
    assert run(arguments) == 2
    assert "Traceback" not in capsys.readouterr().err
    assert not log.exists()  # a mistake of the user has no trace


def test_secrets_are_left_out(log, monkeypatch):
    monkeypatch.setenv("QDRANT_API_KEY", "key-1")
    monkeypatch.setenv("VRAG_PASSWORDS", "pass-2\npass-22")
    for arguments in (["--password", "word-3"], ["--token=word-3"]):
        listen("ingest", *arguments).info("%s", "key-1 pass-2 pass-22 word-3 \x1b[2J")
    text = log.read_text()
    assert text.count("*** *** *** *** ") == 2
    assert "\x1b" not in text


def test_the_log_is_bounded(log):
    out = listen()
    for _ in range(40):
        out.info("%s", "x" * 100_000)
    assert logs.written() == log
    assert sum(file.stat().st_size for file in log.parent.iterdir()) <= 2 * logs.LOG_BYTES


@pytest.mark.parametrize("place", ["off", "/dev/null/no/such.log", ""])
def test_a_log_that_cannot_or_shall_not_be_written_ends_nothing(place, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("VRAG_LOG", place)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    listen().info("said")
    assert logs.written() == (None if place else tmp_path / "vrag" / "log" / "vrag.log")
    logs.stop()
    assert capsys.readouterr() == ("", "")


def test_warnings_are_notes_and_the_rest_is_silent(log, capsys):
    out = listen()
    out.info("a trace")
    out.warning("Waiting for somebody.")
    assert capsys.readouterr().err == "Waiting for somebody.\n"
    logs.stop()
