"""The commands by name; one is imported and built when it is asked for, since all of them take a tenth of a second."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

_HOMES = {  # module of vrag.cli and name in it, in the order of `vrag --help`
    "ingest": "ingest.ingest",
    "search": "search.search",
    "ask": "ask.ask",
    "serve": "serve.serve",
    "mcp": "mcp.mcp",
    "ls": "documents.ls",
    "rm": "documents.rm",
    "status": "health.status",
    "verify": "health.verify",
    "compact": "health.compact",
    "watch": "watch.watch",
    "explain": "explain.explain",
    "tune": "tune.tune",
    "info": "info.info",
    "models": "models.models",
    "repool": "repool.repool",
    "doctor": "info.doctor",
    "plan": "plan.plan",
    "push": "transfer.push",
    "pull": "transfer.pull",
    "bench": "bench.bench",
    "pipelines": "pipelines.app",
    "skill": "skill.app",
    "snapshot": "transfer.snapshot",
    "eval": "evaluate.app",
}


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


class CommandsOnDemand(TyperGroup):
    """The group of all commands."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{**settings, "commands": Commands()})


@cache
def _build(name: str) -> Any:
    """What typer makes of a function or of a group of its own.

    Raises:
        KeyError: There is no such command.
    """
    module, attribute = _HOMES[name].split(".")
    command = getattr(import_module(f"vrag.cli.{module}"), attribute)
    alone = typer.Typer(rich_markup_mode="rich")
    if isinstance(command, typer.Typer):
        alone.add_typer(command, name=name)
    else:
        alone.command(name)(command)
    return typer.main.get_group(alone).commands[name]
