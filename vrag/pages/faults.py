"""The one border where the readers' exceptions become `PageError`s that a person can act on."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pypdfium2.raw as pdfium
from pdf2image import exceptions as poppler
from PIL import Image, UnidentifiedImageError
from pypdfium2 import PdfiumError

from vrag.errors import EncryptedError, PageError, VragError
from vrag.pages.files import is_album, is_image, where
from vrag.printing.containers import NO_ARCHIVE, SOURCE_HINT
from vrag.printing.printables import is_printed

_SMALLER_HINT = "Scale it down, or cut it into pages."
_REPAIR_HINT = "Open it in a PDF viewer and save it anew, or get it again from its source."
_PRINT_HINT = "Save it as a PDF."
_PASSWORD_HINT = (
    "Give it with --password, or in the environment as VRAG_PASSWORD; or save a copy without one, "
    "e.g.: qpdf --decrypt --password=SECRET in.pdf out.pdf"
)
_POPPLER_HINT = (
    "Install it: apt-get install poppler-utils, brew install poppler, or conda install conda-forge::poppler."
)
_NOT_INSTALLED = (poppler.PDFInfoNotInstalledError, poppler.PopplerNotInstalledError, FileNotFoundError)
_TOO_SLOW = (poppler.PDFPopplerTimeoutError, subprocess.TimeoutExpired)
_END_BYTES = 1024  # a PDF names itself within its first kilobyte, and ends with %%EOF


@contextmanager
def page_errors(path: Path, number: int | None = None) -> Iterator[None]:
    """Make a `PageError` that names the file and page of whatever a reader raises; the cause is chained.

    Every `Exception` is taken: hostile files make decoders raise whatever they like, and one bad
    file must not end a run. Only our own errors that are no page's fault pass as they are.
    """
    try:
        yield
    except PageError as error:
        raise _placed(error, path, number) from error
    except VragError:
        raise
    except Exception as error:
        raise _placed(explain(error, path), path, number) from error


def _placed(error: PageError, path: Path, number: int | None) -> PageError:
    return type(error)(f"{where(path, number)}: {error.message}", error.hint)


def explain(error: Exception, path: Path) -> PageError:
    """What went wrong with the file in one sentence, and what to do about it; where is still to be said."""
    if not path.exists():
        return PageError("the file is not there any more.")
    if isinstance(error, PermissionError):
        return PageError("the file may not be read.", "Change its permissions.")
    if isinstance(error, _NOT_INSTALLED):
        return PageError("poppler is not installed.", _POPPLER_HINT)
    if isinstance(error, _TOO_SLOW):
        return PageError("poppler took too long.")
    if isinstance(error, MemoryError):
        return PageError("it needs more memory than a page may take.", _SMALLER_HINT)
    if is_printed(path):
        return PageError(f"it cannot be printed, or its print not be read ({_short(error)}).", _PRINT_HINT)
    if is_album(path) and isinstance(error, NO_ARCHIVE):
        return PageError(f"the archive is damaged or cut off ({_short(error)}).", SOURCE_HINT)
    return _explain_image(error) if is_image(path) or is_album(path) else _explain_pdf(error, path)


def _explain_image(error: Exception) -> PageError:
    if isinstance(error, Image.DecompressionBombError):
        return PageError("the image has too many pixels to decode.", _SMALLER_HINT)
    if isinstance(error, UnidentifiedImageError):
        return PageError("it is no PNG, JPEG, TIFF or WebP picture, whatever its name says.", SOURCE_HINT)
    return PageError(f"the image is damaged ({_short(error)}).", SOURCE_HINT)


def _explain_pdf(error: Exception, path: Path) -> PageError:
    head, tail = _ends(path)
    if not head:
        return PageError("the file is empty (0 bytes).", SOURCE_HINT)
    if b"%PDF-" not in head:
        return PageError("it is not a PDF, whatever its name says.", SOURCE_HINT)
    if _needs_password(error):
        return EncryptedError("the PDF is encrypted and needs a password.", _PASSWORD_HINT)
    if b"%%EOF" not in tail:
        return PageError("the PDF is cut off: its end is missing.", SOURCE_HINT)
    return PageError(f"the PDF is damaged or has no pages ({_short(error)}).", _REPAIR_HINT)


def _needs_password(error: Exception) -> bool:
    if isinstance(error, PdfiumError):
        return bool(error.err_code == pdfium.FPDF_ERR_PASSWORD)
    return "Incorrect password" in str(error)  # poppler's own words: its wrapper has no type for that


def _ends(path: Path) -> tuple[bytes, bytes]:
    """First and last kilobyte of the file."""
    with path.open("rb") as file:
        head = file.read(_END_BYTES)
        file.seek(max(0, path.stat().st_size - _END_BYTES))
        return head, file.read()


def _short(error: Exception) -> str:
    """First line of an exception's text, at most 120 characters."""
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:120].rstrip(".")
