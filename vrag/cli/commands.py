"""The commands by name; one is imported and built when it is asked for, since all of them take a tenth of a second."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Any

import typer

from vrag.cli.help import HelpfulCommand, HelpfulGroup

_SECTIONS = {  # of `vrag --help`, with the module of vrag.cli and the name in it of each command
    "First steps": {
        "ingest": "ingest.ingest",
        "search": "search.search",
        "ask": "ask.ask",
        "serve": "serve.serve",
        "doctor": "info.doctor",
    },
    "Keep an index up to date": {
        "ls": "documents.ls",
        "status": "health.status",
        "info": "info.info",
        "watch": "watch.watch",
        "rm": "documents.rm",
        "verify": "health.verify",
        "compact": "health.compact",
    },
    "Share it with assistants, servers and other machines": {
        "mcp": "mcp.mcp",
        "skill": "skill.app",
        "push": "transfer.push",
        "pull": "transfer.pull",
        "snapshot": "transfer.snapshot",
    },
    "Choose models and settings": {
        "models": "models.models",
        "pipelines": "pipelines.app",
        "plan": "plan.plan",
        "repool": "repool.repool",
    },
    "Understand and measure results": {
        "explain": "explain.explain",
        "eval": "evaluate.app",
        "tune": "tune.tune",
        "bench": "bench.bench",
    },
}
_HOMES = {name: home for section in _SECTIONS.values() for name, home in section.items()}


class Commands(Mapping[str, Any]):
    """Every command as typer reads it from its signature; names are known without any being built."""

    def __getitem__(self, name: str) -> Any:
        return _build(name)

    def __contains__(self, name: object) -> bool:
        return name in _HOMES

    def __iter__(self) -> Iterator[str]:
        return iter(_HOMES)

    def __len__(self) -> int:
        return len(_HOMES)


class CommandsOnDemand(HelpfulGroup):
    """The group of all commands."""

    sections = {title: list(commands) for title, commands in _SECTIONS.items()}

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{**settings, "commands": Commands()})

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """Names alone: to say what each command does, all of them would have to be loaded."""
        there, self.commands = self.commands, {name: HelpfulCommand(name) for name in _HOMES}
        try:
            return super().shell_complete(ctx, incomplete)
        finally:
            self.commands = there


@cache
def _build(name: str) -> Any:
    """What typer makes of a function or of a group of its own.

    Raises:
        KeyError: There is no such command.
    """
    module, attribute = _HOMES[name].split(".")
    command = getattr(import_module(f"vrag.cli.{module}"), attribute)
    alone = typer.Typer(rich_markup_mode=None)
    if isinstance(command, typer.Typer):
        alone.add_typer(command, name=name)
    else:
        alone.command(name, cls=HelpfulCommand)(command)
    return typer.main.get_group(alone).commands[name]
