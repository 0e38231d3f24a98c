"""`vrag` as the console script runs it, but in this process: a new one would load the libraries and the model again."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO
from unittest.mock import patch


@contextmanager
def one_model() -> Iterator[None]:
    """The built-in model is loaded once while the block runs; it keeps nothing of what it reads."""
    from vrag.embedders import builtin

    with patch.object(builtin, "MiniLM", cache(builtin.MiniLM)):
        yield


def run_here(arguments: Sequence[str], environment: Mapping[str, str], cwd: Path) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command; what the processes say that it starts is in them."""
    from vrag.cli import main, output

    before = os.getcwd()
    with ExitStack() as stack:
        out, err = (stack.enter_context(TemporaryFile()) for _ in range(2))
        stack.enter_context(patch.dict(os.environ, environment, clear=True))
        stack.callback(os.chdir, before)
        os.chdir(cwd)
        with (
            _standard_streams(out, err),
            # New ones: they ask the environment for colours and their width when they are made.
            patch.multiple(output, stdout=output.SafeConsole(), stderr=output.SafeConsole(stderr=True)),
        ):
            code = _exit_code(main, arguments)
        return code, *(_read(file) for file in (out, err))


def _exit_code(main, arguments):
    try:
        main(arguments)
    except SystemExit as end:
        return end.code


@contextmanager
def _standard_streams(out: IO[bytes], err: IO[bytes]) -> Iterator[None]:
    """No input, and both outputs into files, for Python, for native libraries and for processes started meanwhile."""
    kept = [os.dup(number) for number in range(3)]
    try:
        with open(os.devnull, "rb") as nothing:
            for number, file in enumerate((nothing, out, err)):
                os.dup2(file.fileno(), number)
        with (
            open(0, encoding="utf-8", closefd=False) as stdin,
            open(1, "w", encoding="utf-8", closefd=False) as stdout,
            open(2, "w", encoding="utf-8", closefd=False, buffering=1) as stderr,
            patch.multiple(sys, stdin=stdin, stdout=stdout, stderr=stderr),
        ):
            yield
    finally:
        for number, copy in enumerate(kept):
            os.dup2(copy, number)
            os.close(copy)


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8")
