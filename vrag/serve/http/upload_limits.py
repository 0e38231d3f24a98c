"""How much may be uploaded."""

from __future__ import annotations

from dataclasses import dataclass

MOST_FILES = 50  # of one upload
MOST_FILE_BYTES = 512 << 20
MOST_UPLOAD_BYTES = 2 << 30  # of all files of one upload
MOST_UPLOADS = 4  # that are received at the same time
MOST_UPLOAD_S = 3600.0  # that one may take
MOST_WAITING = 200  # uploads that were accepted and are not indexed yet
LEAST_FREE = 256 << 20  # bytes that an upload leaves free on the disk


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """What one upload may have, and how many there may be.

    Args:
        files: Files of one upload.
        file_bytes: Bytes of one file.
        upload_bytes: Bytes of all files of one upload.
        uploads: Uploads that are received at the same time.
        seconds: That one may take.
    """

    files: int = MOST_FILES
    file_bytes: int = MOST_FILE_BYTES
    upload_bytes: int = MOST_UPLOAD_BYTES
    uploads: int = MOST_UPLOADS
    seconds: float = MOST_UPLOAD_S
