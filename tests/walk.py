"""A newcomer's walk: the commands of README and tutorial, typed in order at a terminal, compared with what they show.

    python -m tests.walk                   # in a fresh clone, into which `make demo` installs; minutes
    python -m tests.walk --here            # with the environment that runs this
    python -m tests.walk --here --write    # puts what is printed into the pages, after a change that is meant

Lines of a block of `console` that begin with "$ " are typed, and what stands below one is what it must print: nothing
stands for anything, and so does "?" until `--write`. A block of `python` runs as a program; what it must print is the
block of `text` below it. `vrag serve` runs in a second terminal until the page ends. `make test` is not typed: CI does.

What differs from run to run and from machine to machine is compared by these rules, and nothing else is:
- times, pages a second, and sizes in MB may be anything;
- numbers with decimals, such as scores, may differ by one percent;
- the folder of the clone is called /home/you/vrag, and the port of the service 8321;
- what names that folder may break its lines elsewhere.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.terminal import CTRL_C, Terminal

ROOT = Path(__file__).parent.parent
PAGES = ("README.md", "docs/tutorial.md")
HOME, PORT = "/home/you/vrag", "8321"
NOT_TYPED = ("make test",)
_PROMPT = "[vrag-walk "
_BLOCK = re.compile(r"^```(console|python)\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
_ANYTHING = re.compile(r"\b\d+(?:\.\d+)? (s|ms|minutes|MB|pages/s)\b")
_DECIMAL = re.compile(r"\d+\.\d+")


@dataclass(frozen=True)
class Step:
    """Something to type, and what the page shows below it; `place` is where that stands in the page's text."""

    typed: str
    shown: str
    place: tuple[int, int]
    is_program: bool = False


def steps(text: str) -> list[Step]:
    """What a page wants typed, in order."""
    found = []
    for block in _BLOCK.finditer(text):
        if block[1] == "python":
            found.append(Step(block[2], block[3] or "", block.span(3), True))
        else:
            found += _commands(block[2], block.start(2))
    return found


def _commands(block: str, start: int) -> list[Step]:
    typed = list(re.finditer(r"^\$ (.*)\n", block, re.MULTILINE))
    ends = [*(match.start() for match in typed[1:]), len(block)]
    return [
        Step(match[1].partition("  # ")[0].strip(), block[match.end() : end], (start + match.end(), start + end))
        for match, end in zip(typed, ends, strict=True)
    ]


def differ(shown: str, printed: str) -> bool:
    """Whether a page shows something else than was printed, by the rules above."""
    if HOME in printed:
        shown, printed = (" ".join(text.split()) for text in (shown, printed))
    shown, printed = (_ANYTHING.sub(r"_ \1", text).rstrip() for text in (shown, printed))
    if _DECIMAL.sub("_", shown) != _DECIMAL.sub("_", printed):
        return True
    pairs = zip(_DECIMAL.findall(shown), _DECIMAL.findall(printed), strict=True)
    return any(abs(float(a) - float(b)) > 0.01 * abs(float(a)) for a, b in pairs)


class Shell:
    """Bash in a terminal of 80 columns, which types nothing back; used as a context."""

    def __init__(self, folder: Path) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("VRAG_", "QDRANT_"))}
        bash = ["/bin/bash", "--norc", "--noprofile", "--noediting", "-i"]
        environment = {
            **kept,
            "NO_COLOR": "1",
            "COLUMNS": "80",
            "VIRTUAL_ENV_DISABLE_PROMPT": "1",
            "PS1": f"{_PROMPT}$?]",
        }
        self._terminal = Terminal(bash, environment, folder, columns=80)

    def __enter__(self) -> Shell:
        self._terminal.__enter__()
        self.finished()
        self.run("stty -echo; export TERM=dumb")
        return self

    def __exit__(self, *_: object) -> None:
        self._terminal.__exit__()

    def run(self, command: str) -> tuple[int, str]:
        """Exit code and output of a command."""
        self._terminal.type(command + "\n")
        return self.finished()

    def finished(self) -> tuple[int, str]:
        """The same of the command that runs."""
        printed = self._terminal.until(_PROMPT, 1200).removesuffix(_PROMPT)
        return int(self._terminal.until("]").removesuffix("]")), printed

    def start(self, command: str, until: str) -> str:
        """Output of a command that goes on, up to a text."""
        self._terminal.type(command + "\n")
        return self._terminal.until(until)

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self._terminal.type(CTRL_C)


class Walk:
    """A folder in which pages are followed; used as a context.

    Args:
        folder: A clone of the repository.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._address = ""

    def follow(self, text: str) -> list[tuple[Step, str]]:
        """What each step of a page printed; all of them in one terminal."""
        with Shell(self._folder) as shell, Shell(self._folder) as second:
            printed = [(step, self._type(step, shell, second)) for step in steps(text) if step.typed not in NOT_TYPED]
            if self._address:
                second.interrupt()
                assert second.finished()[0] == 0
        self._address = ""
        return printed

    def _type(self, step: Step, shell: Shell, second: Shell) -> str:
        if step.typed.startswith("vrag serve"):
            return self._called_home(self._serve(step.typed, second))
        if step.is_program:
            (self._folder / "program.py").write_text(step.typed)
        command = "python program.py" if step.is_program else step.typed.replace(f"127.0.0.1:{PORT}", self._address)
        code, printed = shell.run(command)
        assert code == 0, f"{step.typed}: {printed}"
        if step.typed.startswith((". ", "export ")):
            second.run(step.typed)
        return self._called_home(printed)

    def _serve(self, command: str, second: Shell) -> str:
        """In the second terminal, at a port that is free."""
        printed = second.start(f"{command} --port 0", "/\r\n")
        self._address = re.search(r"http://(\S+)/\n", printed.replace("\r", ""))[1]
        return printed

    def _called_home(self, printed: str) -> str:
        if self._address:
            printed = printed.replace(self._address, f"127.0.0.1:{PORT}")
        printed = printed.replace(str(self._folder), HOME)
        return "".join(line.rstrip() + "\n" for line in printed.splitlines()).strip("\n") + "\n"


def clone(folder: Path, environment: Path | None = None) -> Path:
    """The files that git knows, as they are now, in a new folder.

    Args:
        folder: Where to put it.
        environment: One with vrag, which is then there as if `make demo` had made it.
    """
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    if environment is not None:
        (folder / ".venv").mkdir()
        (folder / ".venv" / "bin").symlink_to(environment / "bin")
        (folder / ".venv" / "installed").touch()
    return folder


def shown_anew(text: str, walked: list[tuple[Step, str]]) -> str:
    """A page with what its steps printed, wherever it shows anything."""
    for step, printed in reversed(walked):
        if step.shown.strip() and differ(step.shown, printed):
            start, end = step.place
            text = text[:start] + printed + text[end:]
    return text


def main() -> None:
    """Walk through the pages; says what differs, and fails then."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="put what was printed into the pages")
    parser.add_argument("--here", action="store_true", help="with the environment that runs this; installs nothing")
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background it is ignored, by children too
    wrong = 0
    with tempfile.TemporaryDirectory() as base:
        folder = clone(Path(base).resolve() / "vrag", Path(sys.prefix) if options.here else None)
        for name in PAGES:
            text = (ROOT / name).read_text(encoding="utf-8")
            walked = Walk(folder).follow(text)
            for step, printed in walked:
                if step.shown.strip() and differ(step.shown, printed):
                    wrong += 1
                    sys.stdout.write(f"{name}: {step.typed}\n--- shown\n{step.shown}--- printed\n{printed}")
            sys.stdout.write(f"{name}: {len(walked)} steps\n")
            if options.write:
                (ROOT / name).write_text(shown_anew(text, walked), encoding="utf-8")
    sys.exit(1 if wrong and not options.write else 0)


if __name__ == "__main__":
    main()
