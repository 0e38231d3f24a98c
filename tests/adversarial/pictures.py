"""Pages that are only a picture, in the codings that scanners and print shops use."""

from __future__ import annotations

import io
import struct

from PIL import Image, ImageDraw, ImageFont
from PIL.TiffImagePlugin import TiffImageFile

from tests.adversarial.rawpdf import Pdf


def picture(words: str, mode: str = "L") -> Image.Image:
    """A white picture with black words on it."""
    picture = Image.new("L", (800, 400), 255)
    ImageDraw.Draw(picture).text((60, 150), words, fill=0, font=ImageFont.load_default(60))
    return picture.convert(mode)


def picture_page(data: bytes, entries: str, hidden: str = "") -> bytes:
    """A page that is one picture of 800 x 400 pixels, with `hidden` as invisible text over it."""
    pdf = Pdf()
    form = f"/Type /XObject /Subtype /Image /Width 800 /Height 400 {entries}"
    image = pdf.stream(data, form.encode())
    over = b"BT 3 Tr /F 24 Tf 80 530 Td (%b) Tj ET" % hidden.encode()
    pdf.page(b"q 500 0 0 250 56 450 cm /I Do Q " + over, resources=b"/XObject << /I %d 0 R >>" % image)
    return pdf.build()


def jpeg(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=80)
    return out.getvalue()


def jbig2(picture: Image.Image) -> bytes:
    """A generic region in MMR coding, which is what TIFF calls Group 4 (ITU-T T.88, 7.2 and 7.4.6)."""
    out = io.BytesIO()
    picture.save(out, "TIFF", compression="group4", tiffinfo={278: picture.height})
    tags = TiffImageFile(io.BytesIO(out.getvalue())).tag_v2
    start, length = tags[273][0], tags[279][0]
    region = struct.pack(">IIIIBB", *picture.size, 0, 0, 0, 1) + out.getvalue()[start : start + length]
    info = struct.pack(">IIIIBH", *picture.size, 0, 0, 0, 0)
    head = struct.Struct(">IBBBI")
    return head.pack(0, 48, 0, 1, len(info)) + info + head.pack(1, 38, 0, 1, len(region)) + region
