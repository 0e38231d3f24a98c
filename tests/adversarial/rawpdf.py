"""PDFs written byte by byte, so that no library repairs on the way what must arrive broken."""

from __future__ import annotations

import hashlib
import struct

LETTER = (612, 792)
_PADDING = bytes.fromhex("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A")
_FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
_ID = b"adversarial file"


class Pdf:
    """A PDF in the making: objects 1 (font), 2 (pages) and 3 (catalog), and what is added to them."""

    def __init__(self) -> None:
        self.bodies: dict[int, bytes] = {1: _FONT}
        self.streams: dict[int, tuple[bytes, bytes]] = {}
        self.kids: list[int] = []
        self.catalog = b"/Type /Catalog /Pages 2 0 R"
        self._last = 3

    def add(self, body: bytes) -> int:
        """A new object; returns its number."""
        self._last += 1
        self.bodies[self._last] = body
        return self._last

    def stream(self, data: bytes, entries: bytes = b"") -> int:
        """A new stream object; returns its number."""
        number = self.add(b"")
        self.streams[number] = (data, entries)
        return number

    def page(self, content: bytes, size: tuple[int, int] = LETTER, entries: bytes = b"", resources: bytes = b"") -> int:
        """A new page with this content, `entries` in its dictionary, `resources` beside the font F."""
        contents = self.stream(content)
        self.kids.append(
            self.add(
                b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Contents %d 0 R %b "
                b"/Resources << /Font << /F 1 0 R >> %b >> >>" % (*size, contents, entries, resources)
            )
        )
        return self.kids[-1]

    def build(self, password: bytes | None = None, has_id: bool = True) -> bytes:
        """The file, encrypted for this user password if one is given; the catalog comes last."""
        kids = b" ".join(b"%d 0 R" % kid for kid in self.kids)
        objects = self.bodies | {2: b"<< /Type /Pages /Kids [%b] /Count %d >>" % (kids, len(self.kids))}
        trailer = b"/Root 3 0 R" + (b" /ID [<%b> <%b>]" % ((_ID.hex().encode(),) * 2) if has_id else b"")
        key = b""
        if password is not None:
            key, entries = _encryption(password, _ID if has_id else b"")
            trailer += b" /Encrypt << %b >>" % entries
        for number, (data, entries) in self.streams.items():
            secret = _rc4(_object_key(key, number), data) if key else data
            objects[number] = b"<< /Length %d %b >>\nstream\n%b\nendstream" % (len(secret), entries, secret)
        objects[3] = b"<< %b >>" % self.catalog
        return _assemble(dict(sorted(objects.items(), key=lambda item: item[0] == 3)), trailer)


def _assemble(objects: dict[int, bytes], trailer: bytes) -> bytes:
    out, offsets = bytearray(b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n"), {}
    for number, body in objects.items():
        offsets[number] = len(out)
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offsets[number] for number in sorted(offsets))
    out += b"trailer\n<< /Size %d %b >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, trailer, start)
    return bytes(out)


def _encryption(password: bytes, file_id: bytes) -> tuple[bytes, bytes]:
    """Key and dictionary of the standard security handler, revision 2 (PDF Reference 1.4, algorithms 3.2 to 3.4)."""
    padded = (password + _PADDING)[:32]
    owner = _rc4(hashlib.md5(padded).digest()[:5], padded)
    key = hashlib.md5(padded + owner + struct.pack("<i", -4) + file_id).digest()[:5]
    user = _rc4(key, _PADDING)
    entries = b"/Filter /Standard /V 1 /R 2 /P -4 /O <%b> /U <%b>" % (owner.hex().encode(), user.hex().encode())
    return key, entries


def _object_key(key: bytes, number: int) -> bytes:
    return hashlib.md5(key + struct.pack("<I", number)[:3] + b"\0\0").digest()[: len(key) + 5]


def _rc4(key: bytes, data: bytes) -> bytes:
    state, j, out = list(range(256)), 0, bytearray()
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    i = j = 0
    for byte in data:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        out.append(byte ^ state[(state[i] + state[j]) % 256])
    return bytes(out)


def text(line: str, x: int = 72, y: int = 700) -> bytes:
    """Content that shows a line in 24 points."""
    return b"BT /F 24 Tf %d %d Td (%b) Tj ET\n" % (x, y, line.encode("cp1252"))


def plain(*lines: str, size: tuple[int, int] = LETTER, at: tuple[int, int] = (72, 700)) -> Pdf:
    """A page for each line."""
    pdf = Pdf()
    for line in lines:
        pdf.page(text(line, *at), size)
    return pdf
