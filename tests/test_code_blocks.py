"""Commands in the docs can be typed as they stand, and data can be read; test_docs_examples.py runs the Python."""

import json
import re
import shlex
import sys
from pathlib import Path

import pytest
import typer
import yaml

from vrag.cli.app import app
from vrag.cli.evaluate import BenchmarksOrCommand

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md")] + sorted((ROOT / "docs").rglob("*.md"))
MADE = ROOT / "docs" / "reference" / "cli.md"  # by typer
FENCED = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"(?:^    .*\n|^\n(?=    ))+", re.MULTILINE)
COMMANDS = ("console", "bash", "sh", "")  # where commands stand; "" is an indented block, or one of no language
DATA = {"json": json.loads, "toml": tomllib.loads, "yaml": yaml.safe_load}
SHOWN = {"text", "csv", "ini", "nginx", "js"}  # nothing to run
PROGRAMS = {"python", "py"}
CHECKED = re.compile(r"(vrag|python3? (-m tests\.|eval/|docs/)|make) ?")
ASSIGNED = re.compile(r"^(?:[A-Z_]+=\S* )+(?=\S)")
TARGETS = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
GROUP = typer.main.get_command(app)


def blocks(page):
    """Language and text of every block of a page."""
    text = page.read_text("utf-8")
    found = [(match[2], re.sub(rf"^{match[1]}", "", match[3], flags=re.MULTILINE)) for match in FENCED.finditer(text)]
    rest = FENCED.sub("", text)
    return found + [("", re.sub("^    ", "", match[0], flags=re.MULTILINE)) for match in INDENTED.finditer(rest)]


def name_of(page):
    return page.relative_to(ROOT).as_posix()


ALL = [(name_of(page), kind, text) for page in PAGES if page != MADE for kind, text in blocks(page)]


def commands(kind, text):
    """Lines of a block that run vrag, a program of the repository, or make."""
    for line in text.replace("\\\n", " ").splitlines():
        typed = ASSIGNED.sub("", line.strip().removeprefix("$ "))
        if CHECKED.match(typed) and (kind != "console" or line.startswith("$ ")):
            yield typed


TYPED = sorted({(name, typed) for name, kind, text in ALL if kind in COMMANDS for typed in commands(kind, text)})


def words_of(typed):
    """The words of a command, up to a pipe, a redirection or a comment."""
    lexer = shlex.shlex(typed, posix=True, punctuation_chars="|&;>")
    lexer.wordchars += ":,@+*=%~[]{}()<!?"
    words = list(lexer)
    return words[: next((place for place, word in enumerate(words) if set(word) <= set("|&;>")), len(words))]


def check_vrag(words):
    """Fails when there is no such command or option, or when a choice is none of the option's."""
    command = GROUP
    while words and words[0] in getattr(command, "commands", ()):
        command, words = command.commands[words[0]], words[1:]
    is_group = hasattr(command, "commands") and command.params == GROUP.params
    assert not is_group or words[0] in ("--version", "--help"), f"there is no command {words[0]}"
    context = command.context_class(command)
    values, extra, _ = command.make_parser(context).parse_args(list(words))
    assert not extra or isinstance(command, BenchmarksOrCommand), f"{extra} is too much"
    for param in command.params:
        if param.name in values and param.callback is None:
            param.process_value(context, values[param.name])


def check_program(words):
    """Fails when the program is not there, or does not know an option."""
    file = words[2].replace(".", "/") + ".py" if words[1] == "-m" else words[1]
    text = (ROOT / file).read_text("utf-8")
    for option in (word.partition("=")[0] for word in words if word.startswith("--")):
        assert f'"{option}"' in text, f"{file} has no {option}"


@pytest.mark.parametrize(("name", "typed"), TYPED)
def test_a_command_can_be_typed_so(name, typed):
    words = words_of(typed)
    if words[0] == "vrag":
        check_vrag(words[1:])
    elif words[0] == "make":
        assert [word for word in words[1:] if "=" not in word and word not in TARGETS] == []
    else:
        check_program(words)


def test_enough_is_checked():
    assert len(TYPED) > 150


@pytest.mark.parametrize(
    "wrong", ["vrag serach x", "vrag search x --page 3", "vrag ingest ./pdfs --ocr sometimes", "vrag status one two"]
)
def test_a_wrong_command_is_found(wrong):
    with pytest.raises(Exception, match=r"."):
        check_vrag(words_of(wrong)[1:])


@pytest.mark.parametrize(("name", "kind", "text"), [row for row in ALL if row[1] in DATA])
def test_data_can_be_read(name, kind, text):
    DATA[kind](text)


def test_every_block_is_of_a_known_kind():
    known = {*COMMANDS, *DATA, *SHOWN, *PROGRAMS}
    assert {(name, kind) for name, kind, _ in ALL if kind not in known} == set()
