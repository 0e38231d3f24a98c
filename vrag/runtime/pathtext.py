"""Paths as text that any store can keep: file names need not be UTF-8, payloads must be.

A byte that is no UTF-8 becomes NUL and two hexadecimal digits. No path has a NUL, so the way back is certain.
"""

from __future__ import annotations

import re

_SURROGATE = re.compile("[\udc80-\udcff]")  # how Python writes such a byte (PEP 383)
_HALF = re.compile("[\ud800-\udfff]")  # such a byte, or half of a character that JSON may spell
# Besides these: what a terminal obeys, what ends a line, and what shows text in another order than it has.
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_LONGEST = 100  # characters of what somebody typed that a message repeats
_STORED = re.compile("\0([0-9a-f]{2})")


def to_stored(path: str) -> str:
    """A path, or part of one, as the store keeps it; half a character, which no path has, is U+FFFD."""
    stored = _SURROGATE.sub(lambda found: f"\0{ord(found[0]) - 0xDC00:02x}", path)
    return _HALF.sub("\N{REPLACEMENT CHARACTER}", stored)


def from_stored(text: str) -> str:
    """Inverse of `to_stored`."""
    return _STORED.sub(lambda found: chr(0xDC00 + int(found[1], 16)), text)


def shown(text: str) -> str:
    """A path, or a text with one in it, as one line that no terminal obeys, whatever bytes it is made of."""
    return _UNFIT.sub("\N{REPLACEMENT CHARACTER}", text)


def quoted(text: str) -> str:
    """What somebody typed, in quotes for messages, its middle left out when it is long."""
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST // 2]}…{text[-_LONGEST // 4 :]}"
    return repr(text)
