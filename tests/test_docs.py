"""The docs say what the live command line says."""

import re
from pathlib import Path

import pytest
import typer

from vrag.cli.app import app

ROOT = Path(__file__).parent.parent
GROUP = typer.main.get_command(app)
COMMANDS = sorted(GROUP.commands)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_in_the_reference(name):
    text = (ROOT / "docs" / "reference" / "cli.md").read_text()
    section = text.split(f"## `vrag {name}`")[1].split("\n## ")[0]
    options = [o for parameter in GROUP.commands[name].params for o in parameter.opts if o.startswith("--")]
    assert [option for option in options if f"`{option}" not in section and f" {option}" not in section] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_shown_in_use(name):
    pages = [ROOT / "README.md", *(page for page in (ROOT / "docs").rglob("*.md") if page.name != "cli.md")]
    assert any(f"vrag {name}" in page.read_text() for page in pages)


def test_the_reference_names_no_option_that_is_gone():
    text = (ROOT / "docs" / "reference" / "cli.md").read_text()
    commands = [GROUP, *GROUP.commands.values()]
    for command in commands:  # grows while it is walked: a group has commands of its own
        commands += getattr(command, "commands", {}).values()
    live = {o for c in commands for parameter in c.params for o in (*parameter.opts, *parameter.secondary_opts)}
    named = set(re.findall(r"(--[a-z][a-z-]+)", text))
    assert named - live <= {"--help", "--version", "--install-completion", "--show-completion"}


def test_version_and_changelog_agree():
    import vrag

    assert f"## {vrag.__version__}" in (ROOT / "CHANGELOG.md").read_text()


def test_links_in_the_docs_lead_somewhere():
    for file in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for link in re.findall(r"\]\((?!http)([^)#]+)", file.read_text()):
            assert (file.parent / link).exists(), f"{file.name}: {link}"


def test_the_figures_in_the_readme_are_those_of_the_page_on_quality():
    readme, page = ((ROOT / name).read_text() for name in ("README.md", "docs/performance/quality.md"))
    rows = [line for line in readme.splitlines() if line.startswith("| ") and line.endswith(" ms |")]
    assert len(rows) == 2
    for row in rows:
        figures = re.findall(r"0\.\d{3}", row)
        assert len(figures) == 2
        assert [figure for figure in figures if f"| {figure} [" not in page] == []
        assert f"| {re.search(r'([0-9]+) ms', row)[1]} |" in page
