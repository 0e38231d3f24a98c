"""The border where the engine's plain exceptions, and its panics, become `StoreError`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from vrag.errors import BusyError, StoreError, is_panic
from vrag.store.edge.open_folder import OpenFolder

_FULL = ("No space left", "StorageFull")
# The engine raises nothing but text: what it says here decides, and nowhere else.
_SAYS: Sequence[tuple[tuple[str, ...], type[StoreError], str, str]] = (
    (
        ("WouldBlock",),
        BusyError,
        "The index is open in another process.",
        "Wait for it to end. For many at once, let one process serve the index: vrag serve.",
    ),
    (
        ("Read-only file system", "ReadOnlyFilesystem", "Permission denied", "PermissionDenied"),
        StoreError,
        "The index may not be written ({}).",
        "Even a search locks its files: change the folder's permissions, or copy the index and open the copy.",
    ),
    (_FULL, StoreError, "The disk is full ({}).", "Free some space and run the same command again."),
)
_TEXT = 300  # characters of the engine's own words that a message quotes
_DAMAGED = (
    "Files of the index may be damaged: restore a snapshot, or ingest the documents into a new folder; "
    "where it still opens, vrag verify names what is wrong."
)


@contextmanager
def edge_errors(doing: str, folder: OpenFolder | None = None) -> Iterator[None]:
    """Raise as `StoreError` what the engine raises inside the block, nothing of which is more specific than Exception.

    Args:
        doing: For the message: "searching".
        folder: That is open; when it is gone, that is the reason.
    """
    try:
        yield
    except StoreError:
        raise
    except BaseException as error:
        if not (isinstance(error, Exception) or is_panic(error)):
            raise
        if folder is not None:
            folder.require_in_place()
        raise _error(error, doing) from error


def is_full(error: BaseException) -> bool:
    """Whether it was for want of room on the disk."""
    return any(sign in str(error) for sign in _FULL)


def _error(error: BaseException, doing: str) -> StoreError:
    said = str(error)
    for signs, kind, message, hint in _SAYS:
        if any(sign in said for sign in signs):
            return kind(message.format(doing), hint)
    return StoreError(f"Qdrant Edge failed while {doing}: {' '.join(said.split())[:_TEXT]}.", _DAMAGED)
