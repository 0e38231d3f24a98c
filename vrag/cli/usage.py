"""What is wrong with a command line, in words: the one border where the option parser's errors become ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from vrag.runtime.pathtext import quoted

_WHOLE, _NUMBER = "{typed} is not a whole number.", "{typed} is not a number."
_SAID = {  # by the type of an error of pydantic, which newer versions of typer read values with
    "int_parsing": _WHOLE,
    "int_parsing_size": _WHOLE,
    "int_from_float": _WHOLE,
    "int_type": _WHOLE,
    "float_parsing": _NUMBER,
    "float_type": _NUMBER,
    "finite_number": "{typed} is not a finite number.",
    "greater_than_equal": "must be at least {ge}, not {typed}.",
    "less_than_equal": "must be at most {le}, not {typed}.",
    "string_unicode": "{typed} has halves of characters.",
    "value_error": "{error}",  # said by whoever reads the value; pydantic would put "Value error" before it
}


def help_instead(error: BaseException) -> str:
    """The help that somebody gets who has named no command of a group; empty for any other error."""
    context = getattr(error, "ctx", None)
    # By its name: typer may carry its own copy of click's classes.
    return str(context.get_help()) if context and type(error).__name__ == "NoArgsIsHelpError" else ""


def usage_message(error: BaseException) -> str:
    """What the option parser says, in our words where it repeats what another library said of a value."""
    parsed: Any = error
    problems: Callable[[], list[Mapping[str, Any]]] | None = getattr(error.__cause__, "errors", None)
    first = next(iter(problems()), {}) if problems is not None else {}
    if said := _SAID.get(str(first.get("type"))):
        facts = {key: _short(value) for key, value in first.get("ctx", {}).items()}
        parsed.message = said.format(typed=quoted(str(first["input"])), **facts)
    return str(parsed.format_message())


def _short(value: Any) -> Any:
    """A limit as it is typed: 86400, not 86400.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def usage_hint(error: BaseException) -> str:
    """Whose help to read."""
    context, names = getattr(error, "ctx", None), list[str]()
    while context is not None:  # its own path would name the arguments of a group among its commands
        names.insert(0, context.info_name)
        context = context.parent
    return f"See: {' '.join(names or ['vrag'])} --help"
