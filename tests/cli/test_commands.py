"""The application knows all its commands, and loads the one that is asked for."""

import subprocess
import sys

import pytest
import typer

from vrag.cli.app import app
from vrag.cli.commands import Commands


def test_a_command_loads_no_module_of_another():
    code = """
import sys
from vrag.cli import main
try:
    main(["search", "--help"])
except SystemExit:
    print([name for name in ("bench", "evaluate", "ingest", "tune") if f"vrag.cli.{name}" in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_names_are_known_without_a_command_being_built(monkeypatch):
    monkeypatch.setattr("vrag.cli.commands._build", lambda name: pytest.fail(f"{name} was built"))
    commands = typer.main.get_command(app).commands
    assert "search" in commands
    assert "serch" not in commands
    assert len(list(commands)) == len(commands)


def test_every_command_has_the_name_that_it_is_asked_for_by():
    assert [command.name for command in Commands().values()] == list(Commands())
