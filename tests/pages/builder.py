"""PDFs written by hand: pages with any boxes, rotation and content, so that tests know where everything is."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

LETTER = (0, 0, 612, 792)
RESOURCES = "<< /Font << /F 3 0 R >> /XObject << /Im 4 0 R /Fm 5 0 R >> >>"


@dataclass(frozen=True)
class Sheet:
    """A page: content stream, media box, crop box (none: the media box), and clockwise rotation."""

    content: str = ""
    media: tuple[int, int, int, int] = LETTER
    crop: tuple[int, int, int, int] | None = None
    rotate: int = 0

    def dictionary(self, content_number: int) -> str:
        crop = f"/CropBox {_array(self.crop)}" if self.crop else ""
        return (
            f"<< /Type /Page /Parent 2 0 R /MediaBox {_array(self.media)} {crop} /Rotate {self.rotate} "
            f"/Contents {content_number} 0 R /Resources {RESOURCES} >>"
        )


def text(words: str, x: float = 50, y: float = 700, size: float = 12) -> str:
    """Content that shows a line of text, its baseline starting at (x, y)."""
    return f"BT /F {size} Tf {x} {y} Td ({words}) Tj ET\n"


def rectangle(x: float, y: float, width: float, height: float) -> str:
    """Content that paints a black rectangle."""
    return f"0 g {x} {y} {width} {height} re f\n"


def picture(x: float, y: float, width: float, height: float, name: str = "Im") -> str:
    """Content that places the document's picture (`Im`), or the form that contains it (`Fm`)."""
    return f"q {width} 0 0 {height} {x} {y} cm /{name} Do Q\n"


def make_pdf(path: Path, sheets: Sequence[Sheet], image: Image.Image | None = None, title: str = "") -> Path:
    """Write a PDF; `/Im` is `image`, and `/Fm` a form that shows it in the lower left quarter of its unit square."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        _image_object(image or Image.new("RGB", (8, 8), "red")),
        _stream(
            "/Type /XObject /Subtype /Form /BBox [0 0 1 1] /Resources << /XObject << /Im 4 0 R >> >>",
            b"q 0.5 0 0 0.5 0 0 cm /Im Do Q",
        ),
        f"<< /Title ({title}) >>".encode(),
    ]
    kids = []
    for sheet in sheets:
        objects.append(_stream("", sheet.content.encode("latin-1")))
        objects.append(sheet.dictionary(len(objects)).encode())
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>".encode()
    path.write_bytes(_assemble(objects))
    return path


def text_picture(lines: Sequence[str], size: tuple[int, int] = (900, 400), font_size: int = 40) -> Image.Image:
    """Black lines of text on white."""
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(font_size)
    for row, line in enumerate(lines):
        draw.text((40, 40 + row * font_size * 2), line, fill="black", font=font)
    return image


def _image_object(image: Image.Image) -> bytes:
    data = io.BytesIO()
    image.convert("RGB").save(data, "JPEG", quality=95)
    return _stream(
        f"/Type /XObject /Subtype /Image /Width {image.width} /Height {image.height} "
        "/ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /DCTDecode",
        data.getvalue(),
    )


def _stream(entries: str, data: bytes) -> bytes:
    return f"<< {entries} /Length {len(data)} >>\nstream\n".encode() + data + b"\nendstream"


def _array(box: Sequence[int]) -> str:
    return f"[{' '.join(map(str, box))}]"


def _assemble(objects: Sequence[bytes]) -> bytes:
    out, offsets = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{offset:010d} 00000 n \n".encode() for offset in offsets)
    out += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R /Info 6 0 R >>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(out)
