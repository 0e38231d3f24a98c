"""A process to be killed: does one thing to an index and says on stdout what is acknowledged.

python -m tests.soak.driver INDEX OPERATION [ARGUMENT...]

It prints `ready` once the index is open, `ack ID DOCUMENT` for every page that the store has acknowledged, and `done`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from vrag import Index
from vrag.payload import ARRIVING, PAGE
from vrag.repool import repool
from vrag.store.base import Record

REPOOLED_AT_ONCE = 16


def say(*words: str) -> None:
    """One line, at once."""
    sys.stdout.write(" ".join(words) + "\n")
    sys.stdout.flush()


def tell_acknowledged(index: Index) -> None:
    """Let the index say which pages its store has acknowledged, right after it has."""
    upsert = index._store.upsert

    def and_tell(records: Sequence[Record]) -> None:
        upsert(records)
        for record in records:
            if record.payload.get("kind") in (PAGE, ARRIVING):
                say("ack", record.id, str(record.payload["doc_id"]))

    index._store.upsert = and_tell  # type: ignore[method-assign]


def operate(index: Index, operation: str, arguments: Sequence[str]) -> None:
    """One operation, as its command does it."""
    if operation == "ingest":
        index.ingest(arguments, workers=1)
    elif operation == "rm":
        index.remove(index.find_documents(arguments))
    elif operation == "compact":
        index.compact()
    else:
        getattr(index, operation)(*arguments)


def _say_ready_once(done: int, pages: int) -> None:
    """The first batch is pooled: from here on there is something to interrupt."""
    if done <= REPOOLED_AT_ONCE:
        say("ready")


def main() -> None:
    """Open or make the index, do it, say so."""
    path, operation, *arguments = sys.argv[1:]
    folder = Path(path)
    if operation == "repool":
        repool(folder, arguments[0], watch=_say_ready_once)
        say("done")
        return
    with Index.open(folder) if (folder / "index.json").is_file() else Index.create(folder) as index:
        tell_acknowledged(index)
        say("ready")
        operate(index, operation, arguments)
    say("done")


if __name__ == "__main__":
    main()
