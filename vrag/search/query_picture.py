"""A picture that is searched for, as somebody gives it."""

from __future__ import annotations

import os

from vrag.errors import UsageError
from vrag.runtime.pathtext import quoted, shown
from vrag.runtime.units import size

MOST_BYTES = 20 << 20  # of the file
AnyPicture = bytes | str | os.PathLike[str]


def picture_bytes(picture: AnyPicture) -> bytes:
    """The bytes of a picture; whether they are one is seen where they are decoded.

    Args:
        picture: They themselves, or the path of a file.

    Raises:
        UsageError: It cannot be read, is empty, or has more than `MOST_BYTES`.
    """
    data = picture if isinstance(picture, bytes) else _read(picture)
    if not data:
        raise UsageError("The picture is empty.", "Give a PNG or JPEG.")
    if len(data) > MOST_BYTES:
        raise UsageError(f"The picture has more than {size(MOST_BYTES)}.", "Scale it down.")
    return data


def _read(path: str | os.PathLike[str]) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(MOST_BYTES + 1)
    except (OSError, ValueError, TypeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"The picture {quoted(shown(str(path)))} cannot be read: {reason}.") from error
