"""Which files are printed, and by which of LibreOffice's applications."""

from __future__ import annotations

from pathlib import Path

OFFICE = {
    ".docx": "writer", ".odt": "writer", ".rtf": "writer",
    ".xlsx": "calc", ".ods": "calc",
    ".pptx": "impress", ".odp": "impress",
}  # fmt: skip
TEXTS = frozenset({".html", ".htm", ".md", ".txt", ".eml"})  # these become a plain web page first
BOOKS = frozenset({".epub"})  # so do these, which are archives
PRINTED_SUFFIXES = frozenset(OFFICE) | TEXTS | BOOKS


def is_printed(path: Path) -> bool:
    """Whether pages of the file are those of a print of it, by its suffix."""
    return path.suffix.lower() in PRINTED_SUFFIXES
