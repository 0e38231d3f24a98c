"""Every text that a command takes, hostile: each must end in an exit code and at most one sentence.

python -m tests.soak.texts [SECONDS [SEED]]

The options are found by walking the application, so that a new one is tried without being named here. Where the work
behind an option would take minutes, `BASES` gives its command an operand that it refuses after it has read its options.
No value is an absolute path: what a command is told to write, it writes below the folder of the trial.
"""

from __future__ import annotations

import io
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import typer.main

from tests.pdfs import write_pdf
from vrag import Index
from vrag.cli.app import app, run

TEXTS = (
    "", " ", "-", "--", "0", "-1", "x",
    "[/]", "array[/]index", "[bold]x", ":bomb:", "{", "%s{0}%n", "..", "~nobody", "a/../b"
)  # fmt: skip
UNREADABLE = (
    "\udcff", "\ud800", "a\nb", "a\rb\x1b[31m", "\u202eabc\u2028", "e\u0301\u200b", "\U0001f600" * 99, "\ufeffx"
)  # fmt: skip
NUMBERS = (
    "9" * 5000, "1e999", "nan", "-inf", "1180591620717411303424", "\u0663", "1_0", "0x10", "1e308", "5e-324", "400M"
)  # fmt: skip
LONG = ("x" * 30_000, "n" * 300, "a/" * 2_000, "(" * 5_000, "[" * 50_000, "," * 40_000, "and " * 5_000, '"' * 5_001)
WORDS = (
    "page=1180591620717411303424", f"page={'9' * 5000}", "doc=\udcff", "year=1e999", "k=v", "=", "k=[1e999",
    "k=" + "[" * 9_999, "a=1 and b", "full:9 > " * 900 + "full", f"full:{'9' * 400} > full", "union(full:9,",
    "full+1e9*text", "http://[", "http://a:99999", "a@b:1", "localhost:1", '"', "-x -y", '"a" ' * 200, "cuda:99",
    "ORG/NAME", "./nofolder", "file.toml", "deep.json", "deep.toml", "latin.txt", "empty",
)  # fmt: skip
NASTY = TEXTS + UNREADABLE + NUMBERS + LONG + WORDS
MOST_SAID = 3_000  # characters of all that is said about a mistake
CODES = {0, 1, 2, 3}
# What a command is given besides the option that is tried: enough to get past the parser, and no more work than that.
BASES: Mapping[str, Sequence[str]] = {
    "ingest": ["missing"],
    "watch": ["missing"],
    "search": ["bees", "--index", "i", "-k", "1"],
    "ask": ["bees", "--index", "i", "-k", "1"],
    "explain": ["bees", "--index", "i"],
    "tune": ["--index", "i", "--queries", "missing"],
    "repool": ["--pipeline", "builtin", "--index", "missing"],
    "plan": ["missing"],
    "bench": ["--index", "i", "--sizes", "x"],
    "eval": ["missing"],
    "eval compare": ["deep.json", "deep.json"],
    "eval gate": ["deep.json", "--baseline", "deep.json"],
    "eval make": ["latin.txt", "empty"],
    "push": ["--index", "i", "--url", "localhost:1", "--timeout", "0.1"],
    "pull": ["--index", "empty", "--url", "localhost:1", "--timeout", "0.1"],
    "snapshot create": ["latin.txt", "--index", "missing"],
    "snapshot restore": ["latin.txt", "--index", "empty"],
    "pipelines show": ["builtin"],
    "skill install": ["--path", "skills"],
}
SERVERS = {"ls", "rm", "status", "verify", "compact", "info"}


@dataclass(frozen=True)
class Option:
    """A text that a command takes: one of its options, or (without a flag) its operands."""

    command: str
    flag: str

    def line(self, value: str) -> list[str]:
        """The command line that tries a value."""
        words = self.command.split()
        base = list(BASES.get(self.command, ["--index", "i"] if self.command in SERVERS else []))
        if self.flag == "--url":  # else it waits for strangers
            base += ["--timeout", "0.1"]
        if not self.flag:
            flags = next((i for i, word in enumerate(base) if word.startswith("-")), len(base))
            return [*words, *base[flags:], "--", value]
        if self.flag in base:
            del base[(at := base.index(self.flag)) : at + 2]
        if self.flag in ("--url", "--collection") and "--index" in base:
            del base[(at := base.index("--index")) : at + 2]
        return [*words, *base, self.flag, value]


def options() -> list[Option]:
    """Every text that any command takes, by walking the application."""
    return list(_walk(typer.main.get_command(app), ""))


def _walk(command: Any, name: str) -> Iterator[Option]:
    for parameter in command.params:
        is_flag = getattr(parameter, "is_flag", False)
        if not is_flag and name:
            named = parameter.param_type_name == "option"
            yield Option(name, max(parameter.opts, key=len) if named else "")
    for key, child in getattr(command, "commands", {}).items():
        yield from _walk(child, f"{name} {key}".strip())


@dataclass
class Verdict:
    """What became of the trials."""

    trials: int = 0
    codes: dict[int, int] = field(default_factory=dict)
    strange: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        counts = ", ".join(f"{count} x {code}" for code, count in sorted(self.codes.items()))
        return f"texts: {self.trials}; exit codes: {counts}; strange: {len(self.strange)}"


class Trials:
    """Command lines in this process, in a folder of their own with a small index and files that are no good."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "a" / "b"  # `..` stays inside
        self.folder.mkdir(parents=True)
        self._index = folder / "index"
        write_pdf(
            folder / "bees.pdf", ["Honey bees dance to tell each other where nectar is.", "Penguins feed on krill."]
        )
        with Index.create(self._index) as index:
            index.ingest([folder / "bees.pdf"], workers=1)
        self.verdict = Verdict()
        self._lay_out()

    def _lay_out(self) -> None:
        """The files as they were, whatever a command has made of them."""
        shutil.rmtree(self.folder)
        shutil.copytree(self._index, self.folder / "i")
        (self.folder / "empty").mkdir()
        (self.folder / "deep.json").write_text("[" * 100_000)
        (self.folder / "deep.toml").write_text("x = " + "[" * 5_000)
        (self.folder / "latin.txt").write_bytes(b"\xff\xfe\x00\n" * 9)

    def run(self, option: Option, value: str) -> None:
        """Try one value, and judge what came of it."""
        here, before = Path.cwd(), dict(os.environ)
        caches = {key: str(self.folder / "cache") for key in ("XDG_CACHE_HOME", "HF_HOME", "VRAG_EVAL_CACHE")}
        for name in [name for name in os.environ if name.startswith(("VRAG_", "QDRANT_"))]:
            del os.environ[name]
        os.environ.update(caches, HF_HUB_OFFLINE="1")
        os.chdir(self.folder)
        try:
            self._judge(option, value)
        finally:
            os.chdir(here)
            os.environ.clear()
            os.environ.update(before)
        if not (self.folder / "i" / "index.json").is_file():
            self._lay_out()

    def _judge(self, option: Option, value: str) -> None:
        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
        sys.stdin, stdin = io.TextIOWrapper(io.BytesIO()), sys.stdin
        line = option.line(value)
        self.verdict.trials += 1
        try:
            with redirect_stdout(out), redirect_stderr(err):
                code = run(line)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            self._strange(line, f"{type(error).__name__}: {error}")
            return
        finally:
            sys.stdin = stdin
        self.verdict.codes[code] = self.verdict.codes.get(code, 0) + 1
        err.flush()
        said = err.buffer.getvalue().decode()  # type: ignore[attr-defined]
        if code not in CODES or "Traceback" in said or "\x1b" in said:
            self._strange(line, f"exit code {code}: {said[-300:]}")
        elif code and len(said) > MOST_SAID:
            self._strange(line, f"{len(said)} characters about a mistake: {said[:300]}")
        elif "Value error" in said or "Input should be" in said:
            self._strange(line, f"the words of another library: {said[-300:]}")
        elif code and not said.strip():
            self._strange(line, f"exit code {code} without a word")

    def _strange(self, line: Sequence[str], problem: str) -> None:
        short = [word if len(word) < 60 else f"{word[:40]}... ({len(word)})" for word in line]
        self.verdict.strange.append(f"{short}: {problem}")


def main() -> None:
    """Try random values of random options for so many seconds."""
    seconds, seed = (float(n) for n in (*sys.argv[1:], *("60", "1")[len(sys.argv) - 1 :]))
    chance, end = random.Random(seed), time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as folder:
        trials, every = Trials(Path(folder)), options()
        while time.monotonic() < end:
            value = chance.choice(NASTY)
            if chance.random() < 0.3:
                value = chance.choice((value[:99] + chance.choice(NASTY), chance.choice(NASTY)[:99] + value))
            trials.run(chance.choice(every), value)
    print(trials.verdict)
    for one in trials.verdict.strange:
        print(one.encode("utf-8", "backslashreplace").decode())
    sys.exit(bool(trials.verdict.strange))


if __name__ == "__main__":
    main()
