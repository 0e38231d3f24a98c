"""How `--help` looks: plain sections that fit 80 columns, with no name of an option cut off or squeezed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from typer.core import TyperCommand, TyperGroup

_OPTIONS, _ARGUMENTS = "Options", "Arguments"
_KINDS = {
    "int": "number",
    "float": "number",
    "str": "text",
    "Path": "path",
}  # what typer calls a value, and what people do
_KIND = re.compile(r"<(?:list\[)?([\w|]+)(?: range)?\]?>")
_FROM_TO, _FROM = re.compile(r"(\S+)<=x<=([^\];\s]+)"), re.compile(r"x>=([^\];\s]+)")
_OFF = re.compile(r"\s+\[default: no-[\w-]+\]")  # a switch is off unless something else is said
_SENTENCE = 1000  # characters that the first sentence of a command may have


class HelpfulCommand(TyperCommand):
    """A command whose options come in sections."""

    def get_short_help_str(self, limit: int = _SENTENCE) -> str:
        """The first sentence, all of it."""
        return super().get_short_help_str(max(limit, _SENTENCE))

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write them."""
        _write_options(self, ctx, formatter)


class HelpfulGroup(TyperGroup):
    """A group of commands, which may come in sections too."""

    sections: Mapping[str, Sequence[str]] = {}  # heads and names of commands; without any all stand together

    def get_short_help_str(self, limit: int = _SENTENCE) -> str:
        """The first sentence, all of it."""
        return super().get_short_help_str(max(limit, _SENTENCE))

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write its commands, and then its options, of which there are few."""
        for title, names in (self.sections or {"Commands": list(self.commands)}).items():
            rows = [(name, self.commands[name].get_short_help_str()) for name in names]
            with formatter.section(title):
                formatter.write_dl(rows)
        _write_options(self, ctx, formatter)


def _write_options(command: Any, ctx: Any, formatter: Any) -> None:
    sections: dict[str, list[tuple[str, str]]] = {_ARGUMENTS: [], _OPTIONS: []}
    for parameter in command.get_params(ctx):
        record = parameter.get_help_record(ctx)
        if record is not None:
            is_argument = parameter.param_type_name == "argument"
            title = _ARGUMENTS if is_argument else getattr(parameter, "rich_help_panel", None) or _OPTIONS
            sections.setdefault(title, []).append(_tidy(record, is_argument))
    for title, rows in sections.items():
        if rows:
            with formatter.section(title):
                formatter.write_dl(rows)


def _tidy(record: tuple[str, str], is_argument: bool) -> tuple[str, str]:
    """What typer says of a parameter, in fewer characters."""
    name = _KIND.sub("" if is_argument else _named, record[0]).rstrip()
    explained = _OFF.sub("", record[1])
    return name, _FROM.sub(r"from \1", _FROM_TO.sub(r"\1 to \2", explained))


def _named(kind: re.Match[str]) -> str:
    return f"<{_KINDS.get(kind[1], kind[1])}>"
