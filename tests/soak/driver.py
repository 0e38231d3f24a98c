"""What is killed: one thing done to an index, which says on stdout what is acknowledged.

python -m tests.soak.driver INDEX OPERATION [ARGUMENT...]

It says `ready` once the index is open, `ack ID DOCUMENT` for every page that the store has acknowledged, `removed` once
documents are gone, `closing` before it closes, and `done`. `steps N`: so many files were opened for writing, renamed or
removed by Python on the way, each of which is a place to be cut off at.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.soak.fork import say
from vrag import Index
from vrag.catalog.kinds import ARRIVING, PAGE
from vrag.ingest.ingest_options import IngestOptions
from vrag.places.place import FolderPlace, ServerPlace
from vrag.store.interface import Condition, Record, Selection
from vrag.store.server.address import Server
from vrag.upkeep.repool import repool
from vrag.upkeep.snapshot import create_snapshot, restore_snapshot
from vrag.upkeep.transfer import transfer

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_STEPS = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "shutil.rmtree")


class Steps:
    """Counts what Python does to files; at the one it is told, the process is killed before it is done."""

    def __init__(self, last: int | None) -> None:
        self.count, self._last = 0, last
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in _STEPS or (event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITING):
            self.count += 1
            if self.count == self._last:
                os.kill(os.getpid(), signal.SIGKILL)


def tell_acknowledged(index: Index) -> None:
    """Let the index say which pages its store has acknowledged, right after it has."""
    upsert = index.stored.store.upsert

    def and_tell(records: Sequence[Record]) -> None:
        upsert(records)
        for record in records:
            if record.payload.get("kind") in (PAGE, ARRIVING):
                say("ack", record.id, str(record.payload["doc_id"]))

    index.stored.store.upsert = and_tell  # type: ignore[method-assign]


def _ingest(index: Index, *paths: str) -> None:
    index.ingest(paths, workers=1)


def _watch(index: Index, folder: str) -> None:
    """As `vrag watch` does after a change."""
    index.ingest([folder], workers=1, options=IngestOptions(may_be_empty=True))
    index.forget(index.gone([folder]))


def _rm(index: Index, *names: str) -> None:
    index.remove(index.find_documents(names))
    say("removed")


def _repair(index: Index) -> None:
    """Lose pages on purpose, and let `verify --repair` bring them back."""
    pages = list(index.stored.store.scroll(Selection((Condition("kind", (PAGE,)),)), keys=("doc_id",)))[::5]
    for record in pages:
        say("lost", record.id, str(record.payload["doc_id"]))
    if pages:
        index.stored.store.delete(Selection(ids=frozenset(record.id for record in pages)))
    index.verify(repair=True)


def _compact(index: Index) -> None:
    index.compact()


def _cascade(index: Index, text: str) -> None:
    index.set_default_cascade(text)


class _Silent:
    """A copy that tells nothing."""

    def starting(self, records: int) -> None:
        say("ready")

    def done(self, records: int) -> None:
        pass


class _Pooling(_Silent):
    """Repooling, which tells of every batch."""

    def done(self, records: int) -> None:
        say("pooled")


def _push(folder: Path, url: str) -> None:
    transfer(FolderPlace(folder), collection(folder, url), _Silent())


def _pull(folder: Path, url: str, target: str) -> None:
    """What was pushed of such an index; pushed first where nothing was."""
    source = collection(folder, url)
    if not source.holds_index():
        _push(folder, url)
    transfer(collection(folder, url), FolderPlace(f"{target}-{source.collection}"), _Silent())


def collection(folder: Path, url: str) -> ServerPlace:
    """Where an index of this pipeline and default cascade belongs; another is refused there, as it should be."""
    table = json.dumps(dict(FolderPlace(folder).facts().table), sort_keys=True)
    return ServerPlace(Server(url, grpc_port=0), f"c{zlib.crc32(table.encode())}")


def _repool(folder: Path, pipeline: str) -> None:
    repool(folder, pipeline, _Pooling())


def _snapshot(folder: Path, file: str) -> None:
    create_snapshot(folder, Path(file))


def _restore(folder: Path, file: str, target: str) -> None:
    restore_snapshot(Path(file), Path(target))


WITH_INDEX: dict[str, Callable[..., None]] = {
    "ingest": _ingest,
    "watch": _watch,
    "rm": _rm,
    "compact": _compact,
    "repair": _repair,
    "cascade": _cascade,
}
ALONE: dict[str, Callable[..., None]] = {
    "repool": _repool,
    "snapshot": _snapshot,
    "restore": _restore,
    "push": _push,
    "pull": _pull,
}


def drive(
    path: str, operation: str, arguments: Sequence[str], last_step: int | None = None, limit: int | None = None
) -> None:
    """Open or make the index, do it, say so.

    Args:
        path: Folder of the index.
        operation: Key of `WITH_INDEX` or `ALONE`.
        arguments: Of the operation.
        last_step: Which of Python's changes of files is not to be done any more, from 1.
        limit: Bytes that no file may be larger than, once the index is open: a disk that is full.
    """
    folder, steps = Path(path), Steps(last_step)
    if operation in ALONE:
        _limit(limit)
        say("ready")
        ALONE[operation](folder, *arguments)
        say("closing")
    else:
        with Index.open(folder) if (folder / "index.json").is_file() else Index.create(folder) as index:
            tell_acknowledged(index)
            say("ready")
            _limit(limit)
            WITH_INDEX[operation](index, *arguments)
            say("closing")
    say("steps", str(steps.count))
    say("done")


def _limit(size: int | None) -> None:
    if size is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


def main() -> None:
    """As `drive`."""
    path, operation, *arguments = sys.argv[1:]
    drive(path, operation, arguments)


if __name__ == "__main__":
    main()
