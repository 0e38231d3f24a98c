"""Documents that were made to do harm, and names and metadata that were: what the service does with them."""

import io
import struct
import zlib

import pytest
from PIL import Image

from tests.pdfs import pdf_bytes
from tests.serve.http.test_uploads import ended, files, kept, until

MARKUP = "<img src=x onerror=alert(1)>"


def png_that_says(width, height):
    """A picture that is larger than its bytes."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    body = zlib.compress(b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def picture(kind, **how):
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), "white").save(buffer, kind, **how)
    return buffer.getvalue()


HOSTILE = {
    "zip.pdf": b"PK\x03\x04%PDF-1.7\n" + b"\0" * 5000,
    "cut.pdf": pdf_bytes(["Half of a page."])[:300],
    "bomb.png": png_that_says(60_000, 60_000),
    "cut.jpg": picture("JPEG")[:200],
    "loop.pdf": b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 1 0 R /Kids [1 0 R] >>\nendobj\n"
    b"trailer << /Root 1 0 R >>\n%%EOF",
}


def test_documents_that_do_harm_fail_by_themselves(writer):
    fine = ("fine.pdf", pdf_bytes(["Pelicans fish together."]))
    job = ended(writer, writer.post("/v1/documents", files=files(*HOSTILE.items(), fine)))
    assert job["state"] == "done"
    failed = {failure["path"].rpartition("/")[2]: failure for failure in job["result"]["failed"]}
    assert set(failed) == set(HOSTILE)
    assert all(failure["reason"] for failure in failed.values())
    told = writer.get("/v1/failures").json()["failures"]
    assert {row["path"].rpartition("/")[2] for row in told} == set(HOSTILE)
    hit = writer.get("/v1/search", params={"q": "pelicans", "k": 1}).json()["hits"][0]
    assert hit["doc"] == "fine.pdf"
    assert writer.get(hit["thumbnail_url"]).status_code == 200
    assert writer.get("/readyz").status_code == 200


def test_markup_in_words_names_and_metadata_stays_text(writer):
    sent = files((f"{MARKUP}.pdf", pdf_bytes([f"Geese {MARKUP} fly."])))
    answer = writer.post("/v1/documents", files=sent, data={"metadata": '{"title": "<script>alert(1)</script>"}'})
    assert ended(writer, answer)["state"] == "done"
    for path in ("/v1/search?q=geese&include=text&include=snippet", "/v1/documents", "/v1/jobs"):
        answer = writer.get(path)
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    hit = writer.get("/v1/search", params={"q": "geese", "k": 1}).json()["hits"][0]
    assert (hit["title"], hit["doc"]) == ("<script>alert(1)</script>", "img src=x onerror=alert(1).pdf")


@pytest.mark.parametrize(("kind", "suffix"), [("PNG", "png"), ("JPEG", "jpg"), ("TIFF", "tif"), ("WEBP", "webp")])
def test_a_picture_is_served_as_what_it_is(writer, kind, suffix):
    """Whatever it was called when it came."""
    data = picture(kind)
    assert ended(writer, writer.post("/v1/documents", files=files(("page.html", data))))["state"] == "done"
    (document,) = writer.get("/v1/documents", params={"q": "page"}).json()["documents"]
    assert document["doc"] == f"page.html.{suffix}"
    answer = writer.get(document["file_url"])
    assert answer.content == data
    assert answer.headers["content-type"] == f"image/{kind.lower()}"
    until(lambda: kept(writer) == [f"page.html.{suffix}"])
