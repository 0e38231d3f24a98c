"""The searches of `server_figures.py`, in a process of their own, so that the first one is a first one.

python eval/server_searches.py PLACE CASCADE

opens PLACE, a folder or the address of a server with `VRAG_COLLECTION`, and prints a line of JSON after the first
question of standard input, a JSON array, was answered, another one after all of them were, and where a
third line comes in, a last one after they were answered once more.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from resident import resident

if TYPE_CHECKING:
    from vrag import Index

TOP = 10
Tops = list[dict[str, float]]  # score by page of each question


class SearchError(Exception):
    """A process that searches has failed."""


@dataclass
class Searched:
    """What the questions came to.

    Args:
        first: Seconds of opening the index and of the first search together.
        seconds: Of every question, asked after that one.
        tops: Scores of the pages found, of every question.
        first_bytes: That went over the wire until the first search was answered; 0 where nobody counts.
        bytes: And for every question afterwards, on average.
        memory: That the process has for itself in the end.
        mapped: And of files, which it gives up when others need the room.
        again: Seconds of every question when all are asked once more; nothing where they are not.
    """

    first: float
    seconds: list[float]
    tops: Tops
    first_bytes: int = 0
    bytes: float = 0.0
    memory: int = 0
    mapped: int = 0
    again: list[float] = field(default_factory=list)


def search_apart(
    place: str,
    cascade: str,
    questions: Sequence[str],
    environment: Mapping[str, str],
    wires: Sequence[Any] = (),
    again: bool = False,
) -> Searched:
    """Ask in a new process.

    Args:
        place: Folder or address.
        cascade: Name or stages.
        questions: At least one.
        environment: Of the process.
        wires: That it goes over, see `wire.Wire`.
        again: Whether all questions are asked once more.
    """
    before = sum(wire.carried for wire in wires)
    command = [sys.executable, __file__, place, cascade]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment}
    )
    with process:
        assert process.stdin
        _say(process, json.dumps(questions))
        first = _heard(process)
        between = sum(wire.carried for wire in wires)
        _say(process, "go on")
        rest = _heard(process)
        carried = (sum(wire.carried for wire in wires) - between) / len(questions)
        seconds_again = []
        if again:
            _say(process, "once more")
            seconds_again = _heard(process)["seconds"]
    counted = between - before, carried, rest["memory"], rest["mapped"]
    return Searched(first["first"], rest["seconds"], rest["tops"], *counted, seconds_again)


def _say(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin
    process.stdin.write(line + "\n")
    process.stdin.flush()


def _heard(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout
    line = process.stdout.readline()
    if not line:
        raise SearchError("A process that searches has died; what it said stands above.")
    found: dict[str, Any] = json.loads(line)
    return found


def main() -> None:
    """Search."""
    place, cascade = sys.argv[1:]
    questions = json.loads(sys.stdin.readline())
    started = time.perf_counter()
    from vrag import Index

    with Index.open(place, collection=os.environ.get("VRAG_COLLECTION")) as index:
        index.search(questions[0], TOP, cascade)
        _print({"first": time.perf_counter() - started})
        sys.stdin.readline()
        seconds, tops = _asked(index, questions, cascade)
        memory = resident()
        _print({"seconds": seconds, "tops": tops, "memory": memory["RssAnon"], "mapped": memory["RssFile"]})
        if sys.stdin.readline():
            _print({"seconds": _asked(index, questions, cascade)[0]})


def _asked(index: Index, questions: Sequence[str], cascade: str) -> tuple[list[float], Tops]:
    seconds, tops = [], []
    for question in questions:
        started = time.perf_counter()
        hits = index.search(question, TOP, cascade)
        seconds.append(time.perf_counter() - started)
        tops.append({f"{hit.doc_id}:{hit.page}": hit.score for hit in hits})
    return seconds, tops


def _print(found: Mapping[str, Any]) -> None:
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
