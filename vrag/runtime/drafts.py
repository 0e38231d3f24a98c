"""Drafts: what is written beside its place and moved there when it is whole, so that nobody ever sees half of it.

A draft has a name that only vrag makes, and a lock file beside it that is held while it is written. The lock is the
operating system's: it is gone when its process is, however that ended. So a draft whose lock is free is rubbish, and
the next who writes to the same place clears it away.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from vrag.runtime.lock import try_lock

_MARK = "vrag-draft"
_LOCK = ".lock"
_NAME = re.compile(rf"\..+\.{_MARK}-[0-9a-f]{{8}}({re.escape(_LOCK)})?")


@contextmanager
def draft_folder(target: Path) -> Iterator[Path]:
    """An empty folder beside `target`; at the end it takes the place of `target`, which must be missing or empty.

    After an error it is gone.
    """
    with _held(target) as draft:
        draft.mkdir()
        yield draft
        if target.exists():
            target.rmdir()
        draft.rename(target)


@contextmanager
def draft_file(target: Path) -> Iterator[IO[bytes]]:
    """A file to write beside `target`; at the end it is on the disk and takes its place. After an error it is gone."""
    with _held(target) as draft:
        with draft.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)


@contextmanager
def scratch_folder(place: Path) -> Iterator[Path]:
    """An empty folder beside `place`, which need not be there; at the end it is gone."""
    with _held(place) as scratch:
        scratch.mkdir(mode=0o700)
        yield scratch


def clear_drafts(target: Path) -> None:
    """Remove drafts of `target` whose process is gone; those that somebody writes just now are left alone."""
    with os.scandir(target.parent) as entries:
        names = [e.name for e in entries if e.name.startswith(_start(target)) and e.name.endswith(_LOCK)]
    for name in names:
        lock = target.with_name(name)
        try:
            with lock.open("r+b") as held:
                if not try_lock(held):
                    continue
                _remove(lock.with_suffix(""))
            lock.unlink(missing_ok=True)
        except OSError:  # somebody else clears it too, or may not be kept from it
            continue


def is_draft(name: str) -> bool:
    """Whether only a draft, or its lock, has such a name."""
    return _NAME.fullmatch(name) is not None


@contextmanager
def _held(target: Path) -> Iterator[Path]:
    """The name of a draft, whose lock is held."""
    clear_drafts(target)
    lock, held = _new_lock(target)
    draft = lock.with_suffix("")
    try:
        with held:
            try:
                yield draft
            finally:
                _remove(draft)
    finally:
        lock.unlink(missing_ok=True)


def _new_lock(target: Path) -> tuple[Path, IO[bytes]]:
    while True:
        lock = target.with_name(f"{_start(target)}{secrets.token_hex(4)}{_LOCK}")
        held = lock.open("xb")
        if try_lock(held) and lock.exists():  # else somebody cleared it between the two steps
            return lock, held
        held.close()


def _remove(draft: Path) -> None:
    if draft.is_dir():
        shutil.rmtree(draft, ignore_errors=True)
    else:
        draft.unlink(missing_ok=True)


def _start(target: Path) -> str:
    return f".{target.name}.{_MARK}-"
