"""Hostile and odd files, made again from nothing, each with what a reader must make of it.

They have the shapes that broke other tools: see `make_adversarial`. The broken and the encrypted
ones are written byte by byte, so that no library can repair them on the way.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests import odd_pages
from tests.rawpdf import encrypted, font, page, raw_pdf, stream, text_page

PASSWORD = b"secret"


@dataclass(frozen=True, slots=True)
class Expectation:
    """What must become of a file.

    Args:
        pages: Pages that can be read; 0 when the file cannot be opened.
        words: Words that the text layer of some page must give; empty when there is none.
        bad_pages: Pages that must be reported, while the others go on.
        reported: Whether the file as a whole must be reported.
        reason: Part of the sentence that reports it, as a regular expression.
    """

    pages: int
    words: tuple[str, ...] = ()
    bad_pages: tuple[int, ...] = ()
    reported: bool = False
    reason: str = ""
