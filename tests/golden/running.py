"""One step of the contract as text: a command with its output and exit code, or what a function returns."""

import contextlib
import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

ENVIRONMENT = {"NO_COLOR": "1", "COLUMNS": "120", "LINES": "50", "TERM": "dumb", "VRAG_LOG": "off"}
_LENGTH = 100  # characters of the scratch folder's path: a table is as wide as the paths in it
_TIME_KEYS = "took_ms|seconds|median_ms|p95_ms|queries_per_second|seconds_a_page|scan_us|embed_seconds"
_MASKS = [
    (re.compile(rf'"({_TIME_KEYS})": [0-9.e+-]+'), r'"\1": <time>'),
    (re.compile(r'"(timing|scan_seconds)": \{[^}]*\}'), r'"\1": <time>'),
    (re.compile(r"(?<![\w.])\d+(\.\d+)? (ms|s|minutes?|seconds?)(?!\w)"), "<time>"),
    (re.compile(r"(?<![\w.])\d[\d.,]* [kMGT]?B(?!\w)"), "<size>"),
    (re.compile(r"vrag \d+\.\d+\.\d+\S*"), "vrag <version>"),
]


@dataclass(frozen=True)
class Step:
    """What is recorded in one file.

    Args:
        name: Of the file.
        do: Words after `vrag`, or a function that returns text.
        varies: Patterns of what differs between two runs beside times, sizes and versions; their first group is masked.
        tidy: Puts in order what has none.
    """

    name: str
    do: Sequence[str] | Callable[[], str]
    varies: tuple[str, ...] = ()
    tidy: Callable[[str], str] = str


def prepare(scratch: Path) -> Path:
    """Make the process the same wherever it runs, before `vrag` is imported; the folder that it works in."""
    for name in [*os.environ]:
        if name.startswith(("VRAG_", "QDRANT_", "FORCE_COLOR")):
            del os.environ[name]
    os.environ.update(ENVIRONMENT)
    sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115 - as long as the process
    base = scratch.resolve()
    folder = base / ("x" * max(1, _LENGTH - len(str(base)) - 1))
    folder.mkdir()
    os.chdir(folder)
    return folder


def record(steps: Iterable[Step], scratch: Path, into: Path, is_served: bool = False) -> None:
    """Take every step in order and write what it said; commands as they are, or while a service holds the index."""
    into.mkdir(parents=True, exist_ok=True)
    for step in steps:
        said = step.do() if callable(step.do) else _command(step.do, step.tidy, is_served)
        with open(into / f"{step.name}.txt", "x", encoding="utf-8") as file:  # a name is taken once
            file.write(_broken(masked(said, step.varies, scratch)))


def masked(text: str, varies: Sequence[str], scratch: Path) -> str:
    """The text without what may differ between two runs."""
    text = text.replace(str(scratch), "<folder>")
    for pattern, instead in _MASKS:
        text = pattern.sub(instead, text)
    for extra in varies:
        text = re.sub(extra, lambda found: found[0].replace(found[1], "<varies>"), text)
    return text


def _broken(text: str) -> str:
    """An object of JSON begins a line, so that a difference is seen where it is."""
    return re.sub(r'(?<=.)\{"', '\n{"', text)


def _command(words: Sequence[str], tidy: Callable[[str], str], is_served: bool) -> str:
    """The command as the console script runs it, in this process: a new one would load the model each time."""
    from tests.served import always_served
    from vrag.cli import main

    held = always_served() if is_served else contextlib.nullcontext()
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="\n") for _ in range(2))
    code: object = 0
    with held, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(list(words))
        except SystemExit as end:
            code = end.code
    shown = " ".join(json.dumps(word, ensure_ascii=False) if re.search(r'[\s"*>()]', word) else word for word in words)
    said, noted = (_text(stream) for stream in (out, err))
    return f"$ vrag {shown}\nexit code {code}\n--- stdout\n{tidy(said)}--- stderr\n{noted}"


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode("utf-8")
