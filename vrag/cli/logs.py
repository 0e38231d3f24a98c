"""The log: warnings are notes on stderr, and the traces behind failures go to a file that grows no larger than 2 MB.

A sentence on the terminal says what failed; where in which library is told here alone. The file lies in the user's
folder of logs, or where `VRAG_LOG` says ("off": nowhere), is made when there is something to write, is for its owner
alone to read, and has no password or key in it. `--verbose` shows all of it on stderr as well.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Sequence
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from vrag.cli import output
from vrag.runtime.lock import SECRET_OPTIONS
from vrag.settings import TOKEN_ENV, passwords

LOG_ENV = "VRAG_LOG"
LOG_BYTES = 1 << 20  # of the file, and of the one before it
_OFF = "off"
_SECRETS = (TOKEN_ENV, "VRAG_LLM_KEY", "QDRANT_API_KEY", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
_LINE = "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"
_HIDDEN = "***"


class _Notes(logging.Handler):
    """Warnings for people."""

    def emit(self, record: logging.LogRecord) -> None:
        output.note(record.getMessage())


class _Discreet(logging.Formatter):
    """Lines without secrets, and without what a terminal would obey."""

    def __init__(self, secrets: Sequence[str]) -> None:
        super().__init__(_LINE)
        self._secrets = re.compile("|".join(map(re.escape, secrets)) or "(?!)")

    def format(self, record: logging.LogRecord) -> str:
        return output.harmless(self._secrets.sub(_HIDDEN, super().format(record)))


class _Shown(logging.Handler):
    """Everything, on stderr."""

    def emit(self, record: logging.LogRecord) -> None:
        for line in self.format(record).splitlines():
            output.note(line)


class _File(RotatingFileHandler):
    """The file; where it cannot be written the command goes on without."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=LOG_BYTES, backupCount=1, encoding="utf-8", errors="replace", delay=True)
        self.setLevel(logging.INFO)
        self.wrote = False

    def emit(self, record: logging.LogRecord) -> None:
        super().emit(record)
        self.wrote = self.wrote or self.stream is not None

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # logging's own name
        pass

    def _open(self) -> TextIOWrapper:
        path = Path(self.baseFilename)
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
        return super()._open()


def log_file() -> Path | None:
    """Where traces go; None when they shall go nowhere."""
    import platformdirs

    chosen = os.environ.get(LOG_ENV)
    if chosen == _OFF:
        return None
    return Path(chosen) if chosen else platformdirs.user_log_path("vrag") / "vrag.log"


def start(arguments: Sequence[str], verbose: bool) -> None:
    """Listen to the library for one command.

    Args:
        arguments: Of the command line; passwords among them are hidden.
        verbose: Show everything on stderr.
    """
    log = logging.getLogger("vrag")
    log.setLevel(logging.DEBUG)
    stop()
    log.propagate = False  # what other libraries (transformers) have the root logger print is not for users of this one
    path, discreet = log_file(), _Discreet(_secrets(arguments))
    chosen: list[logging.Handler] = [_Shown(logging.DEBUG) if verbose else _Notes(logging.WARNING)]
    if path is not None:
        chosen.append(_File(path))
    for handler in chosen:
        handler.setFormatter(discreet)
        log.addHandler(handler)


def stop() -> None:
    """Close the file, and listen no more."""
    log = logging.getLogger("vrag")
    for handler in [one for one in log.handlers if isinstance(one, (_Notes, _Shown, _File))]:
        log.removeHandler(handler)
        handler.close()
    log.propagate = True


def written() -> Path | None:
    """The file, when this command has written to it."""
    files = [one for one in logging.getLogger("vrag").handlers if isinstance(one, _File)]
    return next((Path(one.baseFilename) for one in files if one.wrote), None)


def _secrets(arguments: Sequence[str]) -> list[str]:
    typed = [word for before, word in zip(arguments, arguments[1:], strict=False) if before in SECRET_OPTIONS]
    typed += [word.partition("=")[2] for word in arguments if word.partition("=")[0] in SECRET_OPTIONS]
    known = [*typed, *passwords(), *(os.environ.get(name, "") for name in _SECRETS)]
    return sorted(filter(None, known), key=len, reverse=True)
