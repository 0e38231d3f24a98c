"""The application: its commands, and the one place where errors become sentences and exit codes."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from typing import Annotated, Any

import typer

from vrag import __version__
from vrag.cli import logs, output
from vrag.cli.commands import CommandsOnDemand
from vrag.cli.completion import complete, is_completing
from vrag.cli.usage import help_instead, usage_hint, usage_message
from vrag.errors import VragError, is_panic

INTERRUPTED = 130
_VERBOSE = "--verbose"
_log = logging.getLogger("vrag.cli")
_USAGE = 2

app = typer.Typer(
    name="vrag",
    cls=CommandsOnDemand,
    help='Make a folder of PDFs searchable, page by page.\n\nStart with: vrag ingest ./pdfs, then: vrag search "query"',
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        output.line(f"vrag {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    verbose: Annotated[
        bool,
        typer.Option(
            _VERBOSE,
            help="Show the log with all traces; works anywhere on the line. VRAG_LOG names the file that keeps it.",
        ),
    ] = False,
) -> None:
    """What comes before the command."""


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code; nothing a user can do wrong ends in a traceback."""
    output.prepare()
    if is_completing():
        return _complete()
    code = 0
    try:
        code = _command(arguments)
        output.flush()
    except output.OutputError as error:
        if not code and not isinstance(error, output.ReaderGoneError):  # else it was told already
            output.error(error.message, error.hint, as_json=False)
        return output.quiet_stdout()
    return code


def _complete() -> int:
    """Answer a shell; what goes wrong is nobody's business there."""
    code, answer = complete(lambda: _built()(args=[], prog_name="vrag", standalone_mode=False))
    with suppress(output.OutputError):
        output.text(answer)
    return code


def _command(arguments: Sequence[str]) -> int:
    """Run it; every error that a command can end in is told and becomes its exit code."""
    as_json = "--json" in arguments
    rest = _without_verbose(arguments)
    logs.start(arguments, verbose=len(rest) < len(arguments))
    try:
        code = _built()(args=rest, prog_name="vrag", standalone_mode=False)
    except typer.Abort:
        return INTERRUPTED
    except KeyboardInterrupt:
        output.note("Interrupted.")
        return INTERRUPTED
    except output.OutputError:
        raise
    except SystemExit as end:  # rich and typer end so where nobody reads the help that they print
        return end.code if isinstance(end.code, int) else int(bool(end.code))
    except VragError as error:
        _log.log(logging.INFO if error.__cause__ else logging.DEBUG, "%s", error.message, exc_info=error)
        output.error(error.message, output.hint_of(error), as_json, error.details)
        return error.exit_code
    except OSError as error:  # a folder that cannot be written, a disk that is full
        _log.info("The system says no", exc_info=error)
        output.error(f"{error.strerror or error}: {error.filename or 'no file named'}.", "", as_json)
        return 1
    except BaseException as error:  # noqa: BLE001 - what `_other` does not know, it raises again
        return _other(error, as_json)
    finally:
        logs.stop()
    return int(code or 0)


@cache
def _built() -> Any:
    """The application as typer reads it, with all commands behind it."""
    return typer.main.get_command(app)


def _without_verbose(arguments: Sequence[str]) -> list[str]:
    """The command line without `--verbose`, which may stand anywhere before `--`."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    return [word for word in arguments[:end] if word != _VERBOSE] + [*arguments[end:]]


def _other(error: BaseException, as_json: bool) -> int:
    """The exit code of what is no error of ours: a native library's panic, or a usage error of the option parser."""
    if is_panic(error):
        _log.error("A native library gave up", exc_info=error)
        said = " ".join(str(error).split())
        output.error(f"A native library gave up: {said}.", "vrag verify says whether the index is damaged.", as_json)
        return 1
    if isinstance(error, MemoryError):
        output.error("There is not enough memory for this.", "Give it more, or ask for less at once.", as_json)
        return 1
    if not hasattr(error, "format_message"):
        _log.error("vrag failed", exc_info=error)
        raise error
    if wanted := help_instead(error):
        output.text(f"{wanted}\n")
    else:
        output.error(usage_message(error), usage_hint(error), as_json)
    return int(getattr(error, "exit_code", _USAGE))
