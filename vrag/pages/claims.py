"""How many pages a document can have: what it says of itself is believed as far as its bytes can bear it out."""

from __future__ import annotations

from vrag.errors import PageError
from vrag.pages.reader import Reader

LEAST_BYTES = 4  # of the file for each page: blank ones, packed as densely as PDF allows, take six
MOST_MISSING = 100  # pages that are counted and not there; each is reported by itself
_HINT = "Open it in a PDF viewer and save it anew, or get it again from its source."


def check_claim(reader: Reader, size: int) -> None:
    """Refuse a document that counts far more pages than it has: each would be asked for, fail, and be remembered.

    Args:
        reader: Of the document.
        size: Bytes of its file.

    Raises:
        PageError: So many pages do not fit into the file, or are not in it.
    """
    pages = reader.info().pages
    most = size // LEAST_BYTES
    if pages > most:
        raise PageError(f"it says that it has {pages:,} pages, and {size:,} bytes can hold {most:,} at most.", _HINT)
    missing = reader.missing() if pages > MOST_MISSING else 0
    if missing > MOST_MISSING:
        raise PageError(f"it says that it has {pages:,} pages, of which {missing:,} are not in the file.", _HINT)
