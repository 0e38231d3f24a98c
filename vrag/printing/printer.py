"""Prints a file of any kind in a folder of its own, and says what it was when it cannot be printed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pypdfium2
from pypdfium2 import PdfiumError

from vrag.errors import PageError
from vrag.printing import plain_page
from vrag.printing.book import of_book
from vrag.printing.containers import check_office
from vrag.printing.libreoffice import MOST_PAGES, convert
from vrag.printing.mail import DEEPEST, MOST_ATTACHMENTS, Attachment, read_mail
from vrag.printing.printables import BOOKS, OFFICE, PRINTED_SUFFIXES

MOST_TEXT = 16 << 20  # bytes of a text, web page or mail without what is attached to it
MOST_MAIL = 128 << 20  # bytes
MOST_ATTACHED = 500  # pages of what is attached to a mail
_PAGES: dict[str, Callable[[bytes], bytes]] = {
    ".txt": plain_page.of_text,
    ".md": plain_page.of_markdown,
    ".html": plain_page.of_html,
    ".htm": plain_page.of_html,
}
_PART_HINT = "Save the part that matters as a file of its own, or as a PDF."


def print_file(source: Path, work: Path, depth: int = 0) -> Path:
    """The PDF of a file, which lies in `work`.

    Args:
        source: In `work`, with a plain name and its kind's suffix in small letters.
        work: Where everything is made.
        depth: Of mails that it is attached to.

    Raises:
        PageError: It cannot be printed, or is too large.
    """
    if source.suffix in OFFICE:
        check_office(source)
        pdf = convert(source, OFFICE[source.suffix], work)
    elif source.suffix in BOOKS:
        check_office(source)
        pdf = _print_page(source, work, of_book(source))
    elif source.suffix == ".eml":
        pdf = _print_mail(source, work, depth)
    else:
        pdf = _print_page(source, work, _PAGES[source.suffix](_read(source, MOST_TEXT)))
    _check_length(pdf)
    return pdf


def count_pages(pdf: Path) -> int:
    """Pages of a PDF.

    Raises:
        PdfiumError: It is none that can be opened.
    """
    with pypdfium2.PdfDocument(pdf) as opened:
        return len(opened)


def _read(source: Path, most: int) -> bytes:
    size = source.stat().st_size
    if size > most:
        raise PageError(f"it has {size:,} bytes, and {most:,} are the most of its kind.", _PART_HINT)
    if not size:
        raise PageError("the file is empty (0 bytes).", "Get it again from its source.")
    return source.read_bytes()


def _print_page(source: Path, work: Path, page: bytes) -> Path:
    html = source.with_name(f"{source.stem}-page.html")
    html.write_bytes(page)
    return convert(html, "writer", work)


def _check_length(pdf: Path) -> None:
    if count_pages(pdf) > MOST_PAGES:
        raise PageError(f"its print has more than {MOST_PAGES:,} pages.", _PART_HINT)


def _print_mail(source: Path, work: Path, depth: int) -> Path:
    """The mail's own pages, and those of what is attached to it as far as there is room."""
    mail = read_mail(_read(source, MOST_MAIL))
    room, follow = MOST_ATTACHED, list[Path]()
    shown = []
    for number, attachment in enumerate(mail.attachments):
        pdf = None
        if number < MOST_ATTACHMENTS and depth < DEEPEST:
            pdf = _print_attachment(attachment, source.with_name(f"{source.stem}-{number}{attachment.suffix}"), depth)
        pages = count_pages(pdf) if pdf else 0
        shown.append(0 < pages <= room)
        if pdf and shown[-1]:
            follow.append(pdf)
            room -= pages
    page = mail.page(shown)
    if len(page) > MOST_TEXT:
        raise PageError(f"its text has {len(page):,} bytes, and {MOST_TEXT:,} are the most.", _PART_HINT)
    return _joined(_print_page(source, work, page), follow, source.with_suffix(".pdf"))


def _print_attachment(attachment: Attachment, place: Path, depth: int) -> Path | None:
    """The PDF of an attachment; None when it is of another kind, or cannot be printed: the mail says so."""
    if attachment.suffix != ".pdf" and attachment.suffix not in PRINTED_SUFFIXES:
        return None
    place.write_bytes(attachment.data)
    try:
        pdf = place if attachment.suffix == ".pdf" else print_file(place, place.parent, depth + 1)
        count_pages(pdf)
    except (PageError, PdfiumError):
        return None
    return pdf


def _joined(first: Path, others: list[Path], target: Path) -> Path:
    """One PDF of several, with the title of the first."""
    if not others:
        return first
    with pypdfium2.PdfDocument(first) as whole:
        for other in others:
            with pypdfium2.PdfDocument(other) as pages:
                whole.import_pages(pages)
        whole.save(target)
    return target
