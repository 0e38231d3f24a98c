"""What a document says is shown and never obeyed: by terminals, by rich, by browsers."""

import errno
import io
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ANIMALS, command
from tests.pdfs import write_pdf
from vrag.cli import output, tables

HOSTILE = "\x1b]0;owned\x07\x1b[31mred\x9b2J\u202efdp.exe [bold]x[/bold] [link=http://x]y[/link] array[/]index :bomb:"
FORGED = "a.pdf\n 9   9.999   forged.pdf \u2028 forged \x85 forged"


@pytest.fixture
def shown(monkeypatch):
    file = io.StringIO()
    console = output.SafeConsole(file=file, force_terminal=True, width=200, highlight=False)
    monkeypatch.setattr(output, "stderr", console)
    monkeypatch.setattr(output, "stdout", console)
    return file


@pytest.mark.parametrize("say", [output.note, lambda text: output.error(text, text, as_json=False)])
def test_terminals_are_not_told_what_to_do(shown, say):
    say(HOSTILE)
    text = shown.getvalue()
    assert not set("\x07\x9b\u202e") & set(text)
    assert "\x1b]0" not in text
    assert "\x1b[31mred" not in text
    assert "[bold]x[/bold]" in text


def test_a_paragraph_is_folded_beside_its_label_on_a_terminal_alone(shown, monkeypatch):
    words = "  ".join(f"word{number}" for number in range(60))
    output.paragraph(("struck\nout", "strike"), ("", "bold"), (words, ""), label="[1] ")
    first, *others = shown.getvalue().splitlines()
    assert first.startswith("[1] \x1b[9mstruck out\x1b[0m word0 word1 ")
    assert len(others) > 1
    assert all(line.startswith("    word") and len(line) <= 200 for line in others)
    pipe = io.StringIO()
    monkeypatch.setattr(output, "stdout", output.SafeConsole(file=pipe, width=80))
    output.paragraph((words, "strike"), label="[1] ")
    assert pipe.getvalue() == f"[1] {' '.join(words.split())}\n"


def test_the_consoles_own_colours_pass(shown):
    output.error("x", "", as_json=False)
    assert "\x1b[1;31mError:" in shown.getvalue()


@pytest.mark.parametrize(
    "say",
    [
        output.note,
        output.line,
        lambda text: output.error(text, text, as_json=False),
        lambda text: output.error("x", "", as_json=False, details=[text]),
        lambda text: output.paragraph((text, "bold"), (text, ""), label="[1] "),
        lambda text: tables.rows([{"name": text, "meta": {text: text}}], as_json=False),
        lambda text: tables.numbers(("name",), ("value",), [(text, "1")]),
    ],
)
def test_text_is_text_to_every_way_out(shown, say):
    say(HOSTILE)
    say(FORGED)
    text = shown.getvalue()
    assert "array[/]index :bomb:" in text
    assert "[bold]x[/bold]" in text
    assert "\n 9   9.999   forged.pdf" not in text
    assert not set("\x07\x85\x9b\u2028\u202e") & set(text)


def test_nothing_of_the_command_line_speaks_markup():
    for file in Path(output.__file__).parent.glob("*.py"):
        source = file.read_text()
        assert "rich.markup" not in source, "text would be escaped twice: the consoles know no markup"
        assert all("markup=False" in call for call in re.findall(r"TextColumn\([^)]+\)", source)), file
    assert not output.stdout._markup
    assert not output.stderr._markup


INVISIBLE = "\x7f\x9b\u200b\u202e\u2028\u2066\ufeff\U000e0041\udcff"


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_json_escapes_what_acts_on_a_terminal_or_is_not_seen(monkeypatch, encoding):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    output.data({"text": HOSTILE + INVISIBLE, "plain": "naïve 日本 \U0001f600"})
    written = raw.getvalue().decode(encoding)
    assert not set(INVISIBLE + "\x1b\x07") & set(written)
    assert json.loads(written) == {"text": HOSTILE + INVISIBLE, "plain": "naïve 日本 \U0001f600"}
    assert ("日本" in written) == (encoding == "utf-8")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_no_character_fails_for_the_encoding_of_the_terminal(monkeypatch, encoding):
    streams = {name: io.TextIOWrapper(io.BytesIO(), encoding=encoding) for name in ("stdout", "stderr")}
    for name, stream in streams.items():
        monkeypatch.setattr(sys, name, stream)
    output.prepare()
    tables.rows([{"name": "naïve 日本 \udcff"}], as_json=False)
    output.note("→ 日本")
    assert "\\u65e5\\u672c" in streams["stdout"].buffer.getvalue().decode(encoding)
    assert "\\u2192 \\u65e5\\u672c" in streams["stderr"].buffer.getvalue().decode(encoding)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
@pytest.mark.parametrize("arguments", ["pipelines --json", "pipelines show builtin", "nope --json", "--help"])
def test_a_full_disk_behind_the_output_is_one_sentence(arguments):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command(*arguments.split()), stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert re.fullmatch(r"Error: (The output cannot be written: )?No space left on device[^\n]*\n", done.stderr)


@pytest.mark.parametrize("arguments", ["models", "pipelines --json", "pipelines show builtin", "nope --json", "--help"])
def test_a_reader_that_went_away_is_told_nothing(arguments):
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "wb") as pipe:
        done = subprocess.run(command(*arguments.split()), stdout=pipe, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (1, "")


def test_a_closed_output_is_one_sentence():
    done = subprocess.run(
        ["sh", "-c", f"{shlex.join(command('pipelines', '--json'))} >&-"], stderr=subprocess.PIPE, text=True
    )
    assert (done.returncode, done.stderr) == (1, "Error: The output cannot be written: it is closed.\n")


def test_a_message_repeats_no_more_than_fits_a_screen(shown, capsys):
    for as_json in (True, False):
        output.error(f"No {'x' * 9999} here.", "Try another.", as_json)
    said = json.loads(capsys.readouterr().out)["error"]
    assert len(said) < 1000
    assert said.startswith("No xxx")
    assert said.endswith("xxx here.")
    assert len(shown.getvalue()) < 1200


class Full(io.StringIO):
    def write(self, text):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_messages_that_cannot_be_written_end_nothing(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Full())
    output.note("x")
    output.error("x", "y", as_json=False)


def test_a_hostile_file_name_is_text(cli, tmp_path):
    write_pdf(tmp_path / "d" / "an\x1b[31m[bold]imals.pdf", ANIMALS)
    for arguments in (["ingest", "d"], ["search", "bees"], ["info"]):
        done = cli(*arguments)
        assert done.code == 0
        assert "\x1b" not in done.out + done.err
    assert "[bold]imals.pdf" in done.out.replace("\n", "")
