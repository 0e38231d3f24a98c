"""Tables: a terminal sees no word broken and no line too long, a pipe gets a row a line with everything."""

import io
import os
import re

import pytest

from tests.conftest import command
from tests.terminal import Terminal
from vrag.cli import output, tables

ROWS = [
    {"model": "vidore/colqwen2.5-v0.2-merged", "vectors": "by words", "licence": "Qwen Research", "runs_here": "no"},
    {"model": "builtin", "vectors": "384", "licence": "[bold]", "runs_here": "needs torch"},
    {"model": "日本語の名前", "vectors": "7", "licence": "", "runs_here": "no"},
]
NAME = "a-task-with-a-very-long-name" * 3


@pytest.fixture
def console(monkeypatch):
    def make(width, terminal):
        file = io.StringIO()
        options = {"width": width, "force_terminal": terminal, "no_color": True, "color_system": None}
        for name in ("stdout", "stderr"):
            monkeypatch.setattr(output, name, output.SafeConsole(file=file, **options))
        return file

    return make


@pytest.mark.parametrize("width", [20, 40, 60, 80, 200])
def test_no_word_is_broken_and_no_line_too_long(console, width):
    file = console(width, terminal=True)
    tables.rows(ROWS, as_json=False)
    lines = file.getvalue().splitlines()
    assert all(any(row["model"] in line for line in lines) for row in ROWS)
    words = [word.rstrip(";") for word in file.getvalue().split()]
    assert {"Qwen", "Research", "[bold]", "needs", "torch"} <= set(words)
    longest = max(len(word) for word in words if not set(word) <= set("─"))
    assert max(map(len, lines)) <= max(width, longest)


@pytest.mark.parametrize("width", [20, 80])
def test_a_pipe_gets_a_row_a_line(console, width):
    file = console(width, terminal=False)
    tables.rows([{**row, "meta": {"year": 2020, "author": "x" * 90}} for row in ROWS], as_json=False, spare=("meta",))
    head, *lines = file.getvalue().splitlines()
    assert head.split() == ["model", "vectors", "licence", "runs", "here", "meta"]
    assert len(lines) == len(ROWS)
    assert (
        lines[0]
        == f"vidore/colqwen2.5-v0.2-merged  by words  Qwen Research  no           year: 2020; author: {'x' * 90}"
    )
    assert all(line == line.rstrip() for line in lines)


def test_the_first_column_stands_above_where_names_are_long(console):
    file = console(50, terminal=True)
    tables.numbers(("task",), ("NDCG\n@10", "95 %"), [(NAME, "0.1234", "0.001 to 0.999")])
    assert file.getvalue().splitlines() == [
        "task",
        "    NDCG            95 %",
        "     @10",
        "─" * 24,
        NAME,
        "  0.1234  0.001 to 0.999",
    ]


def test_what_can_be_spared_goes_in_order_and_is_told(console):
    rows = [{"name": "n" * 20, "one": "a" * 9, "two": "b" * 9, "three": "c" * 9}]
    for width, gone in ((53, []), (50, ["three"]), (40, ["two", "three"]), (30, ["one", "two", "three"])):
        file = console(width, terminal=True)
        tables.rows(rows, as_json=False, spare=("one", "two", "three"))
        told = [f"No room for {', '.join(gone)}: a wider terminal or --json shows all."] if gone else []
        text = file.getvalue()
        assert text.splitlines()[0].split() == ["name", *(head for head in ("one", "two", "three") if head not in gone)]
        assert " ".join(text.split()).endswith(told[0]) if told else "No room" not in text


@pytest.mark.parametrize("width", [12, 30, 80, 200])
def test_a_number_is_never_folded_or_cut_off(console, width):
    file = console(width, terminal=True)
    tables.numbers(("task", "scope"), ("NDCG\n@10", "95 %"), [(NAME, "union", "0.1234", "0.001 to 0.999")])
    assert NAME in file.getvalue()
    assert "0.1234" in file.getvalue()
    assert "…" not in file.getvalue()
    if width > 20:
        assert "0.001 to 0.999" in file.getvalue()


def test_a_text_that_would_become_tall_gets_lines_of_its_own(console):
    file = console(60, terminal=True)
    tables.rows([{"path": "p" * 30, "reason": "no " * 50}], as_json=False)
    assert file.getvalue().splitlines()[0] == "path"
    assert max(map(len, file.getvalue().splitlines())) <= 60


def test_facts_stand_below_each_other_and_paths_stay_in_one_piece(console):
    path = "/a/very/long/path" * 4
    file = console(40, terminal=True)
    tables.facts([("index", path), ("size", "seven words " * 6)])
    lines = file.getvalue().splitlines()
    assert lines[0].startswith("index")
    assert any(path in line for line in lines)
    assert all(line.startswith(("size   seven", "       ")) for line in lines[2:] if path not in line)
    piped = console(40, terminal=False)
    tables.facts([("index", path), ("size", "seven words " * 6)])
    assert len(piped.getvalue().splitlines()) == 2


def _shown(width, *arguments, cwd):
    """What a person sees in a terminal of so many columns."""
    environment = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "NO_COLOR")}
    with Terminal(command(*arguments), environment, cwd, columns=width) as terminal:
        assert terminal.code(120) == 0
        return terminal.plain


@pytest.mark.parametrize("width", [60, 80, 200])
@pytest.mark.parametrize("name", ["models", "pipelines", "ls", "info", "status"])
def test_what_commands_list_fits_the_terminal_with_names_whole(indexed, tmp_path, name, width):
    where = ("--index", str(indexed)) if name in ("ls", "info", "status") else ()
    seen = _shown(width, name, *where, cwd=tmp_path)
    names = {
        "models": ["vultr/VultronRetrieverFlash-Qwen3.5-0.8B", "nomic-ai/colnomic-embed-multimodal-3b"],
        "pipelines": ["paper-colsmol-tiles-and-last"],
        "ls": ["animals.pdf", "machines.pdf"],
        "info": ["animals.pdf", str(indexed)],
        "status": [str(indexed)],
    }[name]
    assert all(known in seen for known in names)
    for line in seen.splitlines():
        assert len(line) <= width or max(map(len, line.split())) > width / 2, line


def test_piped_lists_have_a_row_a_line_however_narrow_the_terminal_is(cli, indexed):
    names = [row["name"] for row in cli("pipelines", "--json").json]
    lines = cli("pipelines", env={"COLUMNS": "40"}).out.splitlines()
    assert [line.split()[0] for line in lines] == ["name", *names]
    assert any(re.search(r"two-stage +exact, two-stage, three-stage$", line) for line in lines)
    listed = cli("ls", "--index", indexed, env={"COLUMNS": "40"}).out.splitlines()
    assert [line.split()[0] for line in listed] == ["doc", "animals.pdf", "machines.pdf"]
