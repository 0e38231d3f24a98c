"""The files: how each is made, and what a reader must make of it."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.adversarial.pictures import jbig2, jpeg, picture, picture_page
from tests.adversarial.rawpdf import Pdf, plain, text

PASSWORD = b"secret"
MANY = 60


@dataclass(frozen=True, slots=True)
class Expectation:
    """What must become of a file.

    Args:
        pages: Pages that can be read; 0 when the file as a whole must be reported.
        words: Words that must be found on its pages, whatever their case.
        ocr: Whether those words are only pixels.
        bad_pages: Pages (from 1) that must be reported while the others go on.
        reason: Regular expression that the report of the file must match, whatever its case.
    """

    pages: int
    words: tuple[str, ...] = ()
    ocr: bool = False
    bad_pages: tuple[int, ...] = ()
    reason: str = ""

    @property
    def reported(self) -> bool:
        """Whether the file as a whole must be reported."""
        return not self.pages


def make_adversarial(folder: Path) -> dict[str, Expectation]:
    """Write all files into `folder`, made when missing; what to expect of each, by file name."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (make, _) in FILES.items():
        (folder / name).write_bytes(make())
    return {name: expectation for name, (_, expectation) in FILES.items()}


def _truncated() -> bytes:
    """Cut before the catalog: what is left names no page."""
    whole = plain(*(f"chapter {number}" for number in range(20))).build()
    return whole[: len(whole) // 2]


def _without_table() -> bytes:
    """No cross-reference table and no end: readers must find the objects themselves."""
    whole = plain("table is missing").build()
    return whole[: whole.rindex(b"xref\n0")] + whole[whole.index(b"trailer") : whole.rindex(b"startxref")]


def _wrong_offsets() -> bytes:
    whole = plain("offsets are wrong").build()
    return whole.replace(b"%PDF-1.5\n", b"%PDF-1.5\n% a line that came later and moved everything down\n", 1)


def _missing_page() -> bytes:
    """The second page is not in the file; poppler passes the third one off as the second."""
    pdf = plain("first page", "third page")
    pdf.kids.insert(1, 999)
    return pdf.build()


def _missing_last_page() -> bytes:
    """The page tree counts one page more than it has."""
    return plain("first page", "second page").build().replace(b"/Count 2", b"/Count 3")


def _recursive_forms() -> bytes:
    """Two forms that draw each other."""
    pdf = Pdf()
    pdf.page(text("round and round") + b"/A Do", resources=b"/XObject << /A 6 0 R >>")
    for other in (7, 6):
        form = b"/Type /XObject /Subtype /Form /BBox [0 0 612 792] /Resources << /XObject << /A %d 0 R >> >>" % other
        pdf.stream(b"0.5 0 0 0.5 25 25 cm /A Do", form)
    return pdf.build()


def _cyclic_outline() -> bytes:
    """An outline whose entries follow each other in a circle, and contain themselves."""
    pdf = plain("outline runs in circles")
    pdf.catalog += b" /Outlines 6 0 R"
    pdf.add(b"<< /Type /Outlines /First 7 0 R /Last 8 0 R /Count 2 >>")
    pdf.add(b"<< /Title (one) /Parent 6 0 R /Next 8 0 R /First 7 0 R /Last 7 0 R /Dest [5 0 R /Fit] >>")
    pdf.add(b"<< /Title (two) /Parent 7 0 R /Next 7 0 R /Prev 8 0 R /Dest [5 0 R /Fit] >>")
    return pdf.build()


def _broken_content() -> bytes:
    """Five pages whose content breaks off, or is no content, after a word."""
    pdf = Pdf()
    for rest in (
        b"[ /oops",
        b"BI /W 1 /H 1 /CS /G /BPC 8 ID",
        b"(never closed",
        b"Q Q Q 5 cm q q << /a",
        bytes(range(256)),
    ):
        pdf.page(text("potato") + rest)
    return pdf.build()


def _corrupt_flate() -> bytes:
    """Compressed content, damaged behind its first lines."""
    lines = b"".join(text(f"line {number} of the ledger", y=760 - 30 * number) for number in range(20))
    noise = b"".join(b"%% %d\n" % random.Random(number).getrandbits(64) for number in range(200))
    data = bytearray(zlib.compress(lines + noise, 1))
    data[-1200:-1100] = bytes(100)
    pdf = Pdf()
    pdf.page(b"")
    pdf.streams[4] = bytes(data), b"/Filter /FlateDecode"
    return pdf.build()


def _rotated() -> bytes:
    pdf = Pdf()
    for degrees in (0, 90, 180, 270):
        pdf.page(text(f"turned by {degrees}"), entries=b"/Rotate %d" % degrees)
    return pdf.build()


def _cropped() -> bytes:
    """A crop box that starts away from the origin and reaches past the media box."""
    pdf = Pdf()
    pdf.page(text("inside") + text("outside", y=40), entries=b"/CropBox [50 600 900 900]")
    return pdf.build()


def _inline_image() -> bytes:
    pdf = Pdf()
    pixels = b"q 200 0 0 200 72 400 cm BI /W 2 /H 2 /CS /RGB /BPC 8 /F /AHx ID ff000000ff000000ffffff00> EI Q"
    pdf.page(text("inline picture") + pixels)
    return pdf.build()


def _form() -> bytes:
    """A filled-in field; what was filled in stands in its appearance, not on the page."""
    pdf = plain("name of the port")
    pdf.catalog += b" /AcroForm << /Fields [6 0 R] /DR << /Font << /F 1 0 R >> >> /DA (/F 18 Tf 0 g) >>"
    pdf.add(
        b"<< /Type /Annot /Subtype /Widget /FT /Tx /T (port) /V (Rotterdam) /F 4 /DA (/F 18 Tf 0 g) "
        b"/Rect [72 600 372 640] /AP << /N 7 0 R >> >>"
    )
    look = b"/Subtype /Form /BBox [0 0 300 40] /Resources << /Font << /F 1 0 R >> >>"
    pdf.stream(b"/Tx BMC q " + text("Rotterdam", 4, 10) + b" Q EMC", look)
    pdf.bodies[5] = pdf.bodies[5].replace(b"/Parent", b"/Annots [6 0 R] /Parent")
    return pdf.build()


def _vertical_japanese() -> bytes:
    """Vertical writing in a font that is not in the file."""
    pdf = Pdf()
    pdf.add(
        b"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /HeiseiMin-W3 /CIDSystemInfo "
        b"<< /Registry (Adobe) /Ordering (Japan1) /Supplement 2 >> >>"
    )
    pdf.add(
        b"<< /Type /Font /Subtype /Type0 /BaseFont /HeiseiMin-W3-UniJIS-UCS2-V /Encoding /UniJIS-UCS2-V "
        b"/DescendantFonts [4 0 R] >>"
    )
    line = "東京都庁舎".encode("utf-16-be").hex().encode()
    pdf.page(b"BT /J 24 Tf 300 700 Td <%b> Tj ET" % line, resources=b"")
    pdf.bodies[pdf.kids[0]] = pdf.bodies[pdf.kids[0]].replace(b"/F 1 0 R", b"/F 1 0 R /J 5 0 R")
    return pdf.build()


def _attachment() -> bytes:
    """A PDF within the PDF; only the outer one has pages to find."""
    pdf = plain("see the attachment")
    inner = pdf.stream(plain("inner page").build(), b"/Type /EmbeddedFile /Subtype /application#2Fpdf")
    spec = pdf.add(b"<< /Type /Filespec /F (inner.pdf) /EF << /F %d 0 R >> >>" % inner)
    pdf.catalog += b" /Names << /EmbeddedFiles << /Names [(inner.pdf) %d 0 R] >> >>" % spec
    return pdf.build()


def _blank(size: tuple[int, int] = (612, 792), pages: int = 1) -> bytes:
    pdf = Pdf()
    for _ in range(pages):
        pdf.page(b"", size)
    return pdf.build()


def _bad(reason: str) -> Expectation:
    return Expectation(0, reason=reason)


def _named(words: str) -> tuple[Callable[[], bytes], Expectation]:
    """A sound file, of which only the name is hard."""
    return lambda: plain(words).build(), Expectation(1, tuple(words.split()))


_JPEG = "/ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /DCTDecode"
_CMYK = "/ColorSpace /DeviceCMYK /BitsPerComponent 8 /Filter /FlateDecode"
_JBIG2 = "/ColorSpace /DeviceGray /BitsPerComponent 1 /Filter /JBIG2Decode"

FILES: dict[str, tuple[Callable[[], bytes], Expectation]] = {
    "zero-bytes.pdf": (lambda: b"", _bad("empty")),
    "random-bytes.pdf": (lambda: random.Random(0).randbytes(30_000), _bad("not a PDF")),
    "random-bytes-with-head.pdf": (lambda: b"%PDF-1.7\n" + random.Random(1).randbytes(30_000), _bad("cut off|damaged")),
    "text-renamed.pdf": (lambda: b"this is not a pdf at all\n", _bad("not a PDF")),
    "truncated.pdf": (_truncated, _bad("cut off")),
    "zero-pages.pdf": (Pdf().build, _bad("no pages")),
    "encrypted-user-password.pdf": (lambda: plain("locked").build(PASSWORD), _bad("password")),
    "encrypted-empty-password.pdf": (lambda: plain("unlocked").build(b""), Expectation(1, ("unlocked",))),
    "encrypted-no-id.pdf": (lambda: plain("nameless").build(b"", has_id=False), Expectation(1, ("nameless",))),
    "table-missing.pdf": (_without_table, Expectation(1, ("table", "missing"))),
    "wrong-offsets.pdf": (_wrong_offsets, Expectation(1, ("offsets", "wrong"))),
    "missing-page.pdf": (_missing_page, Expectation(2, ("first", "third"), bad_pages=(2,))),
    "missing-last-page.pdf": (_missing_last_page, Expectation(2, ("first", "second"), bad_pages=(3,))),
    "huge-page.pdf": (plain("enormous", size=(14400, 14400)).build, Expectation(1, ("enormous",))),
    "sliver-page.pdf": (plain("thin", size=(2, 5000), at=(0, 2500)).build, Expectation(1)),
    "one-point-page.pdf": (lambda: _blank((1, 1)), Expectation(1)),
    "blank-pages.pdf": (lambda: _blank(pages=3), Expectation(3)),
    "many-pages.pdf": (
        plain(*(f"tiny page {n}" for n in range(1, MANY + 1)), size=(200, 100), at=(20, 40)).build,
        Expectation(MANY, ("tiny", "1", str(MANY))),
    ),
    "recursive-forms.pdf": (_recursive_forms, Expectation(1, ("round",))),
    "cyclic-outline.pdf": (_cyclic_outline, Expectation(1, ("circles",))),
    "broken-content.pdf": (_broken_content, Expectation(5, ("potato",))),
    "corrupt-flate.pdf": (_corrupt_flate, Expectation(1, ("ledger",))),
    "rotated.pdf": (_rotated, Expectation(4, ("turned", "0", "90", "180", "270"))),
    "cropped.pdf": (_cropped, Expectation(1, ("inside",))),
    "inline-image.pdf": (_inline_image, Expectation(1, ("inline",))),
    "form.pdf": (_form, Expectation(1, ("port",))),
    "vertical-japanese.pdf": (_vertical_japanese, Expectation(1)),
    "attachment.pdf": (_attachment, Expectation(1, ("attachment",))),
    "scan-jpeg.pdf": (
        lambda: picture_page(jpeg(picture("Invoice 4711")), _JPEG),
        Expectation(1, ("Invoice", "4711"), ocr=True),
    ),
    "scan-jbig2.pdf": (
        lambda: picture_page(jbig2(picture("Receipt 0815", "1")), _JBIG2),
        Expectation(1, ("Receipt", "0815"), ocr=True),
    ),
    "scan-cmyk.pdf": (
        lambda: picture_page(zlib.compress(picture("Poster 2030", "CMYK").tobytes()), _CMYK),
        Expectation(1, ("Poster", "2030"), ocr=True),
    ),
    "scan-with-text-layer.pdf": (
        lambda: picture_page(jpeg(picture("Invoice 4711")), _JPEG, hidden="Invoice 4711"),
        Expectation(1, ("Invoice", "4711")),
    ),
    "name with spaces & ünïcödé %20 #1.pdf": _named("hard name one"),
    "-k 9 --help.pdf": _named("hard name two"),
    "[brackets] {braces} 'quotes'; $HOME.pdf": _named("hard name three"),
    "資料 📄.PDF": _named("hard name four"),
    f"{'long-' * 48}name.pdf": _named("hard name five"),
}
