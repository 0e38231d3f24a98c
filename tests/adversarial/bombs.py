"""Small files that take very much to be drawn; never to be drawn in the process of the tests."""

from __future__ import annotations

import zlib

from tests.adversarial.rawpdf import plain


def annotation_bomb(annotations: int = 400, rectangles: int = 200_000) -> bytes:
    """A page of one line whose annotations all look like one form of very many rectangles.

    The text is read without them; who draws the page holds every rectangle of every annotation at once.
    """
    pdf = plain("this page has words enough to be read without being drawn")
    look = zlib.compress(b"0 0 9 9 re f\n" * rectangles, 9)
    form = pdf.stream(look, b"/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Filter /FlateDecode")
    note = b"<< /Type /Annot /Subtype /Stamp /F 4 /Rect [%d 100 %d 109] /AP << /N %d 0 R >> >>"
    notes = [pdf.add(note % (number, number + 9, form)) for number in range(annotations)]
    pdf.bodies[pdf.kids[0]] = pdf.bodies[pdf.kids[0]].replace(
        b"/Parent", b"/Annots [%b] /Parent" % b" ".join(b"%d 0 R" % note for note in notes)
    )
    return pdf.build()
