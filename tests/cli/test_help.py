"""`--help` fits the terminal, cuts no option off, and names every command once."""

import re

import pytest
import typer

from vrag.cli.app import app
from vrag.cli.commands import Commands

NAMES = ["", *Commands(), "eval answers", "eval gate", "pipelines show", "snapshot create"]


@pytest.mark.parametrize("width", ["60", "80", "200"])
@pytest.mark.parametrize("name", NAMES)
def test_help_fits_and_names_every_option_whole(cli, name, width):
    done = cli(*name.split(), "--help", env={"COLUMNS": width})
    assert (done.code, done.err) == (0, "")
    assert max(map(len, done.out.splitlines())) <= int(width)
    assert "…" not in done.out
    assert "list[" not in done.out
    assert "<=" not in done.out
    command = typer.main.get_command(app)
    for word in name.split():
        command = command.commands[word]
    for parameter in command.params:
        for option in parameter.opts:
            assert option[0] != "-" or re.search(rf"{option}(?![\w-])", done.out), option


def test_commands_stand_in_sections_and_each_once(cli):
    lines = cli("--help", env={"COLUMNS": "80"}).out.splitlines()
    named = [found[1] for line in lines if (found := re.match(r"  ([a-z]+)  ", line))]
    assert sorted(named) == sorted(Commands())
    assert "First steps:" in lines
    assert named[:2] == ["ingest", "search"]


def test_text_in_brackets_is_text(cli):
    assert "(extra [languages])" in " ".join(cli("ingest", "--help", env={"COLUMNS": "80"}).out.split())


@pytest.mark.parametrize("name", ["", "snapshot", "skill"])
def test_who_names_no_command_gets_the_help(cli, name):
    done = cli(*name.split())
    assert (done.code, done.err) == (2, "")
    assert done.out == cli(*name.split(), "--help").out
