"""The conversation of `vrag ask`: questions typed one after the other, with what was said before."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from vrag.cli import output, tables
from vrag.cli.answers import Asking
from vrag.cli.held_index import HeldIndex
from vrag.cli.page_files import picture_name
from vrag.errors import UsageError, VragError
from vrag.runtime.budget import budget
from vrag.runtime.pathtext import quoted, shown
from vrag.runtime.units import counted

if TYPE_CHECKING:
    from vrag.ask.answer import Answer, Quote
    from vrag.remote.any_index import AnyIndex

_PROMPT = "vrag> "
_HELP = (
    ("/pages", "the pages of the last answer, the nearest first"),
    ("/open 2", "quote 2 of the last answer, framed on its page"),
    ("/help", "this"),
    ("/quit", "the end; so does Ctrl-D, and Ctrl-C ends an answer"),
)


class _Quit(Exception):  # noqa: N818 - no error
    """Somebody has had enough."""


def converse(opened: Callable[[], AnyIndex], asking: Asking) -> int:
    """Answer what is typed until there is no more.

    Between two questions the index is closed, so that others get in, and what they change is seen.

    Args:
        opened: Opens the index.
        asking: How questions are asked.
    """
    with opened() as index:
        output.warn_of_loss(index.lost)
        pages = counted(index.page_count, "page")
    answers = f"{asking.llm.model or asking.llm.url} answers" if asking.llm else "answers are quotes, word for word"
    output.note(f"{pages}; {answers}. /help lists what can be typed beside questions, Ctrl-D ends.")
    with contextlib.suppress(ImportError):  # where there is none, as on Windows, lines are typed all the same
        import readline  # noqa: F401 - `input` edits lines with it, and remembers them
    with tempfile.TemporaryDirectory(prefix="vrag-") as folder, contextlib.suppress(EOFError, _Quit):
        chat = _Chat(opened, asking, Path(folder))
        while True:
            chat.turn()
    return 0


@dataclass
class _Chat:
    opened: Callable[[], AnyIndex]
    asking: Asking
    folder: Path  # for pictures of pages, as long as the conversation
    said: list[tuple[str, str]] = field(default_factory=list)  # questions with their answers
    last: Answer | None = None

    def turn(self) -> None:
        """Take a line and do what it says; what goes wrong is one line, and Ctrl-C ends no more than that.

        Raises:
            EOFError: There are no more lines.
        """
        try:
            line = input(_PROMPT).strip()
            if line:
                self._do(line)
        except KeyboardInterrupt:
            output.note("")
        except output.OutputError:
            raise
        except VragError as error:
            output.error(" ".join(filter(None, (error.message, output.hint_of(error)))), "", as_json=False)
        except OSError as error:
            output.error(f"{error.strerror or error}: {error.filename or 'no file named'}.", "", as_json=False)

    def _do(self, line: str) -> None:
        if not line.startswith("/"):
            self._ask(line)
            return
        command, _, rest = line[1:].partition(" ")
        commands = {"pages": self._pages, "open": self._open, "help": self._help, "quit": self._quit}
        if command not in commands:
            raise UsageError(f"There is no {quoted(shown(f'/{command}'))}.", "/help lists what there is.")
        commands[command](rest.strip())

    def _ask(self, question: str) -> None:
        with budget(), HeldIndex(self.opened) as held:
            answer = self.asking.answer(held, question, history=self.said)
        self.last = answer
        self.said.append((question, answer.answer))

    def _pages(self, _: str) -> None:
        for hit in self._answered().pages:
            output.line(f"{hit.rank:3d}. {hit.doc}, page {hit.page}")

    def _open(self, number: str) -> None:
        quotes = self._answered().quotes
        if not (number.isdecimal() and number.isascii() and 1 <= int(number[:9]) <= len(quotes)):
            there = f"quotes 1 to {len(quotes)}" if quotes else "no quote"
            raise UsageError(f"The last answer has {there}.", "e.g. /open 1" if quotes else "/pages lists its pages.")
        file = self._drawn(int(number), quotes[int(number) - 1])
        is_shown = _has_screen() and typer.launch(str(file)) == 0
        output.note(f"{'Shown' if is_shown else 'Written, for this conversation'}: {file}")

    def _drawn(self, number: int, quote: Quote) -> Path:
        import numpy as np

        from vrag.explain.heatmap import overlay

        with budget(), self.opened() as index:
            page = index.page_image(quote.doc, quote.page)
        file = self.folder / picture_name(number, quote.doc, quote.page)
        overlay(page, np.zeros((page.height, page.width), np.float32), quote.boxes).save(file)
        return file

    def _help(self, _: str) -> None:
        tables.facts(_HELP)

    def _quit(self, _: str) -> None:
        raise _Quit

    def _answered(self) -> Answer:
        if self.last is None:
            raise UsageError("Nothing has been answered yet.", "Ask something first.")
        return self.last


def _has_screen() -> bool:
    """Whether a viewer can show something here: over ssh it would do so far away, or in the middle of this text."""
    if sys.platform in ("win32", "darwin"):
        return "SSH_CONNECTION" not in os.environ
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
