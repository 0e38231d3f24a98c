"""What a forked child inherits and must not use: the threads behind an engine, a model or a lock are not there.

A search in such a child would wait for ever, and its copy of a lock's descriptor would hold the index after the parent
has closed it. So the child forgets both at once, and says so when it is asked.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn
from weakref import WeakKeyDictionary

from vrag.errors import StoreError

_forget: WeakKeyDictionary[Any, Callable[[Any], None]] = WeakKeyDictionary()


def forget_in_child(owner: Any, forget: Callable[[Any], None]) -> None:
    """Call `forget(owner)` in every child that this process forks while `owner` is there.

    Args:
        owner: Is not kept alive by this.
        forget: Must not hold `owner`.
    """
    _forget[owner] = forget


def inherited(value: Any) -> Any:
    """What stands in a child for `value`: closing it does nothing, any other use of it is a `StoreError`."""
    never_end(value)  # that would wait for its threads
    return _Inherited()


def never_end(value: Any) -> None:
    """Keep an object that must not be destroyed, not even when the process ends."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(value))


def close_files_below(folder: Path) -> None:
    """Close this process's copies of what its parent has open below a folder: an engine's files carry locks too.

    Only where the system lists them (Linux).
    """
    folder, descriptors = folder.resolve(), Path("/proc/self/fd")  # the system lists files by their real paths
    for descriptor in list(descriptors.iterdir()) if descriptors.is_dir() else ():
        with contextlib.suppress(OSError):  # the listing's own is gone by now
            if folder in Path(os.readlink(descriptor)).parents:
                os.close(int(descriptor.name))


class _Inherited:
    def close(self) -> None:
        """Nothing: it is the parent's."""

    def __getattr__(self, name: str) -> NoReturn:
        raise StoreError(
            "This index was opened before its process forked, and only the parent can use it.",
            'Open it after the fork, or start processes by the method "spawn".',
        )


def _in_child() -> None:
    for owner, forget in list(_forget.items()):
        forget(owner)


if hasattr(os, "register_at_fork"):  # no forks on Windows
    os.register_at_fork(after_in_child=_in_child)
