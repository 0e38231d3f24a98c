"""What commands print: data on stdout, everything else on stderr."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from rich.console import Console
from rich.markup import escape

stdout = Console(highlight=False)
stderr = Console(stderr=True, highlight=False)


def data(value: Any) -> None:
    """One JSON value on one line of stdout."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """A sentence for people, on stderr; rich markup is not interpreted."""
    stderr.print(escape(text), soft_wrap=True)


def error(message: str, hint: str, as_json: bool) -> None:
    """A failure: `{"error", "hint"}` on stdout for machines, a sentence on stderr for people."""
    if as_json:
        data({"error": message, "hint": hint})
        return
    stderr.print(f"[bold red]Error:[/] {escape(message)}", soft_wrap=True)
    if hint:
        stderr.print(escape(hint), soft_wrap=True)


def quiet_stdout() -> int:
    """After a reader went away: keep Python from complaining at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1
