"""What commands print: data on stdout, everything else on stderr."""

from __future__ import annotations

import json
import os
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.segment import Segment
from rich.text import Text

from vrag.errors import UnknownDocumentError, VragError
from vrag.runtime.pathtext import shown

# What a document or its name may hold that a terminal would obey, or that shows text in another order than it has:
# control characters but tab and line ends, and bidirectional overrides.
_OBEYED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
# Characters in JSON that a terminal obeys or nobody sees, and halves of characters, which no encoding has: as \\uXXXX
# they are the same data. C0 is always written so.
_ESCAPED = re.compile(
    "[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\U000e0000-\U000e0fff]"
)

_ERROR = "Error:"
_LIST = "vrag ls lists the documents."
_LONGEST = 1200  # characters of a message
_FOLDED = 16  # characters that are left of a name where there is little room


class OutputError(VragError):
    """Standard output cannot be written: a disk that is full, a descriptor that is closed."""


class ReaderGoneError(OutputError):
    """Who read the standard output has seen enough, as `head` has; no failure, and nothing is said."""


class SafeConsole(Console):
    """A console to which text is text.

    It knows no markup and no emoji names, control characters become U+FFFD, and only rich's own codes for colour pass.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "highlight": False, "markup": False, "emoji": False})

    def print(self, *objects: Any, **options: Any) -> None:
        """As rich's.

        Raises:
            OutputError: It cannot be written.
        """
        with _written():
            super().print(*objects, **options)

    def on_broken_pipe(self) -> None:
        """Leave it to `print`; rich would end the program."""
        raise BrokenPipeError

    def _render_buffer(self, buffer: Iterable[Segment]) -> str:
        return super()._render_buffer(segment if segment.control else _safe(segment) for segment in buffer)


def harmless(text: str) -> str:
    """The text with nothing in it that a terminal would obey."""
    return _OBEYED.sub("\N{REPLACEMENT CHARACTER}", text)


def _safe(segment: Segment) -> Segment:
    return Segment(harmless(segment.text), segment.style)


stdout = SafeConsole()
stderr = SafeConsole(stderr=True)


def prepare() -> None:
    """Let no character fail for the encoding of a stream: what it lacks is written as an escape."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def data(value: Any) -> None:
    """One JSON value on one line of stdout; bytes of file names that are no UTF-8 come as `\\udcXX`.

    Raises:
        OutputError: It cannot be written.
    """
    is_unicode = (getattr(sys.stdout, "encoding", None) or "").lower().startswith("utf")
    line = json.dumps(value, ensure_ascii=not is_unicode)
    text(_ESCAPED.sub(lambda found: json.dumps(found[0])[1:-1], line) + "\n")


def text(whole: str) -> None:
    """Text of our own on stdout as it is, a pipeline for instance.

    Raises:
        OutputError: It cannot be written.
    """
    if sys.stdout is None:
        raise OutputError("The output cannot be written: it is closed.")
    with _written():
        sys.stdout.write(whole)
        sys.stdout.flush()


def flush() -> None:
    """Write what a library left in the buffer, where its failing can be said.

    Raises:
        OutputError: It cannot be written.
    """
    with _written():
        if sys.stdout is not None:
            sys.stdout.flush()


@contextmanager
def _written() -> Iterator[None]:
    """The border where a failing stream becomes an `OutputError`, which typer does not take for its own."""
    try:
        yield
    except BrokenPipeError as error:
        raise ReaderGoneError("Nobody reads the output any more.") from error
    except OSError as error:
        raise OutputError(f"The output cannot be written: {error.strerror or error}.") from error


def note(text: str) -> None:
    """A sentence for people, on stderr; where that cannot be written the work goes on."""
    _say(shown(text))


def warn_of_loss(lost: str) -> None:
    """Say what an index has lost, when it has."""
    if lost:
        note(f"Only {lost}: restore a snapshot, or vrag ingest again what is gone.")


def line(text: str) -> None:
    """A line of data for people, on stdout."""
    stdout.print(shown(text), soft_wrap=True)


def paragraph(*parts: tuple[str, str], label: str = "") -> None:
    """Data for people on stdout, in one line; a terminal gets it folded between words, all of it beside the label.

    Args:
        parts: Texts and their styles, to be parted by spaces; those that are empty are left out.
        label: Before the first line; the others are indented as far.
    """
    texts = [Text(shown(" ".join(text.split())), style) for text, style in parts if text.strip()]
    said, room = Text(" ").join(texts), stdout.width - cell_len(label)
    lines = said.wrap(stdout, room) if stdout.is_terminal and room > _FOLDED else [said]
    for number, text in enumerate(lines):
        text.rstrip()
        stdout.print(Text.assemble(" " * cell_len(label) if number else label, text), soft_wrap=True)


def error(message: str, hint: str, as_json: bool, details: Sequence[str] = ()) -> None:
    """A failure: `{"error", "hint"}` on stdout for machines, a sentence on stderr for people.

    What is longer than `_LONGEST` repeats something long that was typed: its middle is left out.
    """
    message, hint = (text if len(text) <= _LONGEST else f"{text[:600]} … {text[-200:]}" for text in (message, hint))
    if as_json:
        data({"error": "\n".join((message, *details)), "hint": hint})
        return
    _say(f"{_ERROR} {shown(message)}")
    for line in filter(None, (*details, hint)):
        note(line)


def hint_of(error: VragError) -> str:
    """What to do about an error: as it says itself, else by which command."""
    return error.hint or (_LIST if isinstance(error, UnknownDocumentError) else "")


def _say(text: str) -> None:
    """A line on stderr; a terminal gets it folded between words, with what is long, as a path, in one piece."""
    if stderr.is_terminal and len(text) > stderr.width:
        text = textwrap.fill(text, stderr.width, break_long_words=False, break_on_hyphens=False)
    said = Text(text)
    if text.startswith(_ERROR):
        said.stylize("bold red", 0, len(_ERROR))
    with suppress(OutputError):
        stderr.print(said, soft_wrap=True)


def quiet_stdout() -> int:
    """After a reader went away, or a disk was full: keep Python from writing the rest at exit, and complaining."""
    with suppress(OSError, AttributeError, ValueError):  # a stream of a test, or none, has no descriptor
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1
