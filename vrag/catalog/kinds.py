"""What an index calls its records, and the border where a damaged one becomes a sentence."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from vrag.errors import StoreError
from vrag.store.interface import ARRIVING as ARRIVING
from vrag.store.interface import DOCUMENT as DOCUMENT
from vrag.store.interface import PAGE as PAGE

FAILURE, TYPES = "failure", "types"  # kinds beside those of the store
TEXT_KEY = "text"  # of a page's payload: its words, indexed by the engine
_REPAIR = "vrag verify names what is damaged; with --repair it is indexed again."


@contextmanager
def reading(what: str) -> Iterator[None]:
    """The border where a record that lacks something, or has it in another form, becomes a sentence.

    Args:
        what: "a page", "a document"; for the message.

    Raises:
        StoreError: Instead of what Python says of it.
    """
    try:
        yield
    except (LookupError, ValueError, TypeError, AttributeError, ArithmeticError, zlib.error) as error:
        says = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise StoreError(f"The index's record of {what} is damaged: {says[:100]}.", _REPAIR) from error
