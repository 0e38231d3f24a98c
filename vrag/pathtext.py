"""Paths as text that any store can keep: file names need not be UTF-8, payloads must be.

A byte that is no UTF-8 becomes NUL and two hexadecimal digits. No path has a NUL, so the way back is certain.
"""

from __future__ import annotations

import re

_SURROGATE = re.compile("[\udc80-\udcff]")  # how Python writes such a byte (PEP 383)
_STORED = re.compile("\0([0-9a-f]{2})")


def to_stored(path: str) -> str:
    """A path, or part of one, as the store keeps it."""
    return _SURROGATE.sub(lambda found: f"\0{ord(found[0]) - 0xDC00:02x}", path)


def from_stored(text: str) -> str:
    """Inverse of `to_stored`."""
    return _STORED.sub(lambda found: chr(0xDC00 + int(found[1], 16)), text)


def shown(path: str) -> str:
    """A path fit for messages, whatever bytes it is made of."""
    return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", path)
