"""The folder that an engine has open. It writes by path, and another index may have come to that path meanwhile."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from vrag.errors import StoreError
from vrag.runtime.pathtext import shown


class OpenFolder:
    """A folder that is known again, although others may remove it, move it, or put another one in its place.

    Args:
        path: Where it is now.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        # While it is open, no other folder gets its number. Windows lets nobody take away what is open.
        self._file = os.open(path, os.O_RDONLY) if os.name == "posix" else None

    @property
    def is_in_place(self) -> bool:
        """Whether it is still at its path."""
        try:
            return (
                self.path.is_dir() if self._file is None else os.path.samestat(os.fstat(self._file), self.path.stat())
            )
        except OSError:
            return False

    def require_in_place(self) -> None:
        """Look whether it is still there: else the engine would write into nothing, or into another index.

        Raises:
            StoreError: It is not.
        """
        if not self.is_in_place:
            raise StoreError(
                f"The index at {shown(str(self.path.parent))} was removed or moved while it was open.",
                "What was written since is lost: run the same command again.",
            )

    def close(self) -> None:
        """Know it no more; twice is harmless."""
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):  # a forked child has closed it
                os.close(file)
