"""`vrag skill`: what an assistant with a shell has to know, put where it looks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vrag.cli import output
from vrag.cli.help import HelpfulCommand, HelpfulGroup
from vrag.cli.info import JsonOption
from vrag.cli.place import path_option

app = typer.Typer(
    help="Teach an assistant that has a shell to use vrag.",
    no_args_is_help=True,
    cls=HelpfulGroup,
    rich_markup_mode=None,
)


@app.callback()
def _group() -> None:
    """Teach an assistant that has a shell to use vrag."""


@app.command("install", cls=HelpfulCommand)
def install(
    path: Annotated[
        Path | None,
        path_option("Folder of skills; default: ~/.agents/skills, and ~/.claude/skills where ~/.claude is.", "--path"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace another skill of this name.")] = False,
    json: JsonOption = False,
) -> int:
    """Put the skill "vrag" where Claude Code, Codex and other programs look for skills.

    Example: vrag skill install --path .claude/skills
    """
    from vrag.skill.installing import install, usual_folders

    installed = install([path] if path else usual_folders(Path.home()), force)
    if json:
        output.data({"installed": [{"path": str(skill.path), "state": skill.state} for skill in installed]})
    else:
        for skill in installed:
            output.line(f"{skill.path}: {skill.state}")
    return 0
