"""The command line: arguments come in, they are parsed, the library is called, and what it gives is printed."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit with its code: 0 ok, 1 failed or partial, 2 usage, 130 interrupted."""
    try:
        from vrag.cli.app import run

        code = run(list(sys.argv[1:] if arguments is None else arguments))
    except KeyboardInterrupt:  # while modules load
        code = 130
    sys.exit(code)
