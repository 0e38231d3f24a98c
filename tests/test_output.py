"""What a document says is shown and never obeyed: by terminals, by rich, by browsers."""

import io
import json

import pytest

from tests.conftest import ANIMALS
from tests.pdfs import write_pdf
from vrag.cli import output

HOSTILE = "\x1b]0;owned\x07\x1b[31mred\x9b2J\u202efdp.exe [bold]x[/bold] [link=http://x]y[/link]"


@pytest.fixture
def shown(monkeypatch):
    file = io.StringIO()
    console = output.SafeConsole(file=file, force_terminal=True, width=200, highlight=False)
    monkeypatch.setattr(output, "stderr", console)
    return file


@pytest.mark.parametrize("say", [output.note, lambda text: output.error(text, text, as_json=False)])
def test_terminals_are_not_told_what_to_do(shown, say):
    say(HOSTILE)
    text = shown.getvalue()
    assert not set("\x07\x9b\u202e") & set(text)
    assert "\x1b]0" not in text
    assert "\x1b[31mred" not in text
    assert "[bold]x[/bold]" in text


def test_the_consoles_own_colours_pass(shown):
    output.stderr.print("[bold red]Error[/]")
    assert "\x1b[1;31mError" in shown.getvalue()


def test_json_escapes_control_characters(capsys):
    output.data({"text": HOSTILE})
    written = capsys.readouterr().out
    assert not set("\x1b\x07") & set(written)
    assert json.loads(written) == {"text": HOSTILE}


def test_a_hostile_file_name_is_text(cli, tmp_path):
    write_pdf(tmp_path / "d" / "an\x1b[31m[bold]imals.pdf", ANIMALS)
    for arguments in (["ingest", "d"], ["search", "bees"], ["info"]):
        done = cli(*arguments)
        assert done.code == 0
        assert "\x1b" not in done.out + done.err
    assert "[bold]imals.pdf" in done.out.replace("\n", "")


@pytest.mark.parametrize("width", [30, 80, 200])
def test_numbers_are_never_cut_off(monkeypatch, width):
    file = io.StringIO()
    monkeypatch.setattr(output, "stdout", output.SafeConsole(file=file, width=width))
    output.numbers(("task",), ("NDCG\n@10", "95 %"), [("a-task-with-a-very-long-name" * 3, "0.1234", "0.001 to 0.999")])
    text = file.getvalue()
    assert "0.1234" in text
    assert "0.001 to 0.999" in text
    assert "…" not in text
