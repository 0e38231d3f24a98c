"""Small PDFs, written by hand so that tests know every byte."""

from collections.abc import Sequence
from pathlib import Path


def pdf_bytes(pages: Sequence[str], size: tuple[int, int] = (612, 792)) -> bytes:
    """A PDF whose pages show the given texts, one line of text a line."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"", b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    kids = []
    for text in pages:
        content = _content(text, size[1])
        stream = f"<< /Length {len(content)} >>\nstream\n".encode() + content + b"\nendstream"
        page = (
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {size[0]} {size[1]}] /Contents {len(objects) + 1} 0 R "
            "/Resources << /Font << /F 3 0 R >> >> >>"
        )
        objects += [stream, page.encode()]
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>".encode()
    return _assemble(objects)


def write_pdf(path: Path, pages: Sequence[str], size: tuple[int, int] = (612, 792)) -> Path:
    """Write such a PDF and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pdf_bytes(pages, size))
    return path


def _content(text: str, height: int) -> bytes:
    lines = [f"({_escaped(line)}) Tj T*" for line in text.split("\n")]
    return f"BT /F 12 Tf 16 TL 50 {height - 60} Td {' '.join(lines)} ET".encode("latin-1")


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")


def _assemble(objects: Sequence[bytes]) -> bytes:
    out, offsets = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{offset:010d} 00000 n \n".encode() for offset in offsets)
    out += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(out)
