"""CBZ files: archives of pictures as documents, and archives that mean harm."""

import io
import random
import struct
import zipfile
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.conftest import ANIMALS
from tests.pdfs import write_pdf
from vrag.errors import EncryptedError, PageError
from vrag.pages import albums
from vrag.pages.albums import natural_order
from vrag.pages.load import PageLoader
from vrag.pages.page import PageSpec

SPEC = PageSpec(ocr="never", dpi=72)


def picture(colour="white", size=(40, 60), kind="PNG"):
    data = io.BytesIO()
    Image.new("RGB", size, colour).save(data, kind)
    return data.getvalue()


def album(path, parts, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return path


def pages_of(path):
    """Number of pages, and the colour of each that can be drawn; else what is said of it."""
    with PageLoader(SPEC) as loader:
        pages = loader.inspect(path).pages
        return [_colour(loader, path, number) for number in range(1, pages + 1)]


def _colour(loader, path, number):
    try:
        return loader.render(path, number).getpixel((5, 5))
    except PageError as error:
        return str(error)


def test_pages_are_pictures_in_the_order_of_their_names(tmp_path):
    names = ["page10.png", "Page2.JPG", "page1.webp", "b/1.tif", "a/02.png"]
    colours = {name: (10 * number, 20, 200) for number, name in enumerate(names)}
    kinds = {".png": "PNG", ".JPG": "JPEG", ".webp": "WEBP", ".tif": "TIFF"}
    parts = {name: picture(colours[name], kind=kinds[name[name.index(".") :]]) for name in names}
    found = pages_of(album(tmp_path / "a.cbz", parts))
    for colour, name in zip(found, ["a/02.png", "b/1.tif", "page1.webp", "Page2.JPG", "page10.png"], strict=True):
        assert np.allclose(colour, colours[name], atol=12)


def test_what_is_no_picture_is_no_page(tmp_path):
    inner = album(tmp_path / "inner.zip", {"1.png": picture("red")}).read_bytes()
    parts = {
        "1.png": picture("blue"), "ComicInfo.xml": "<x/>", "inner.zip": inner, "inner.cbz": inner, ".hidden.png": inner,
        "__MACOSX/._1.png": b"x", "x/__MACOSX/1.png": b"x", "folder.png/": b"",
    }  # fmt: skip
    assert pages_of(album(tmp_path / "a.CBZ", parts)) == [(0, 0, 255)]


def test_names_are_never_places(tmp_path):
    """Nothing is written, and nothing beside the archive is read."""
    (tmp_path / "inside").mkdir()
    (tmp_path / "secret.png").write_bytes(picture("red"))
    names = ["../secret.png", "/etc/passwd.png", "C:\\x.png", "..\\..\\y.png", "a" * 60_000 + ".png"]
    path = album(tmp_path / "inside" / "a.cbz", dict.fromkeys(names, picture("blue")))
    before = sorted(tmp_path.rglob("*"))
    assert pages_of(path) == [(0, 0, 255)] * len(names)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_picture_that_is_damaged_costs_no_other(tmp_path):
    parts = {"1.png": picture("red"), "2.png": b"no picture", "3.png": picture()[:60], "4.png": picture("blue")}
    first, second, third, last = pages_of(album(tmp_path / "a.cbz", parts))
    assert (first, last) == ((255, 0, 0), (0, 0, 255))
    assert "a.cbz, page 2: it is no PNG, JPEG, TIFF or WebP picture" in second
    assert "a.cbz, page 3: the image is damaged" in third


def test_a_part_that_is_damaged_costs_no_other(tmp_path):
    path = album(tmp_path / "a.cbz", {"1.png": picture("red"), "2.png": picture("blue")}, zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    data[80] ^= 0xFF
    path.write_bytes(data)
    first, second = pages_of(path)
    assert "a.cbz, page 1: the archive is damaged" in first
    assert second == (0, 0, 255)


def test_a_bomb_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(albums, "MOST_UNPACKED", 50_000)
    path = album(tmp_path / "a.cbz", {"1.png": bytes(50_001), "2.png": picture("blue")})
    assert path.stat().st_size < 1000
    first, second = pages_of(path)
    assert "a.cbz, page 1: the picture unpacks to 50,001 bytes, and 50,000 are the most." in first
    assert second == (0, 0, 255)


def test_a_bomb_that_lies_about_its_size_ends_at_what_it_says(tmp_path):
    path = album(tmp_path / "a.cbz", {"1.png": bytes(1 << 22)})
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", data, data.index(mark) + offset, 100)
    path.write_bytes(data)
    (said,) = pages_of(path)
    assert "a.cbz, page 1: the archive is damaged" in said


def test_a_picture_of_too_many_pixels_is_not_decoded(tmp_path):
    head = struct.pack(">4sIIBBBBB", b"IHDR", 60_000, 60_000, 8, 2, 0, 0, 0)
    parts = (struct.pack(">I", 13) + head, b"\0\0\0\0IDAT")
    data = b"\x89PNG\r\n\x1a\n" + b"".join(part + struct.pack(">I", zlib.crc32(part[-17:])) for part in parts)
    (said,) = pages_of(album(tmp_path / "a.cbz", {"1.png": data}))
    assert "a.cbz, page 1: the image has" in said


def test_an_encrypted_picture_is_said(tmp_path):
    path = album(tmp_path / "a.cbz", {"1.png": picture()})
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + offset] |= 1
    path.write_bytes(data)
    with PageLoader(SPEC) as loader, pytest.raises(EncryptedError, match=r"a.cbz, page 1: the picture is encrypted"):
        loader.render(path, 1)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the archive is damaged or cut off"),
        (b"Rar!\x1a\x07\x01\x00 and more", "the archive is damaged or cut off"),
        ({"a.txt": "x", "b.zip": "PK"}, "it has no picture that can be read: PNG, JPEG, TIFF or WebP"),
        ({}, "it has no picture that can be read"),
    ],
)
def test_what_is_no_album_is_said(tmp_path, content, says):
    path = tmp_path / "a.cbz"
    if isinstance(content, dict):
        album(path, content)
    else:
        path.write_bytes(content)
    with PageLoader(SPEC) as loader, pytest.raises(PageError, match=f"a.cbz: {says}"):
        loader.inspect(path)


def test_an_archive_of_too_many_files_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(albums, "MOST_PARTS", 3)
    path = album(tmp_path / "a.cbz", {f"{number}.png": picture() for number in range(4)})
    with PageLoader(SPEC) as loader, pytest.raises(PageError, match="it has 4 files, and 3 are the most"):
        loader.inspect(path)


def test_archives_that_were_spoiled_are_pages_or_sentences(tmp_path):
    whole = album(tmp_path / "a.cbz", {f"{number}.png": picture() for number in range(3)}).read_bytes()
    chance = random.Random(7)
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 8)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        (tmp_path / "a.cbz").write_bytes(data[: chance.randint(1, len(data)) if chance.random() < 0.2 else None])
        assert _said_of(tmp_path / "a.cbz") is None or _said_of(tmp_path / "a.cbz").startswith("a.cbz")


def _said_of(path):
    try:
        pages_of(path)
    except PageError as error:
        return str(error)
    return None


@given(st.lists(st.text()))
def test_any_names_have_an_order(names):
    keys = [natural_order(name) for name in names]
    assert sorted(keys, reverse=True)[::-1] == sorted(keys)


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_numbers_are_counted(one, other):
    assert (natural_order(f"p{one}.png") < natural_order(f"p{other}.png")) == (one < other)


def test_an_album_is_indexed_and_searched(cli, tmp_path):
    pdf = write_pdf(tmp_path / "pages.pdf", ANIMALS)
    parts = {}
    with PageLoader(PageSpec(dpi=150)) as loader:
        for number, name in ((1, "p1.png"), (2, "p10.png"), (3, "p2.png")):
            data = io.BytesIO()
            loader.render(pdf, number).save(data, "PNG")
            parts[name] = data.getvalue()
    pdf.unlink()
    (tmp_path / "books").mkdir()
    album(tmp_path / "books" / "animals.cbz", parts)
    (tmp_path / "books" / "broken.cbz").write_bytes(b"PK\x03\x04")
    done = cli("ingest", "books", "--index", "i", "--json")
    assert (done.code, done.json["documents"], done.json["pages"]) == (1, 1, 3)
    assert "The archive is damaged" in done.json["failed"][0]["reason"]
    (hit,) = cli("search", "penguins krill", "--index", "i", "-k", 1, "--json", "--text", "--image-dir", "out").json[
        "hits"
    ]
    assert (hit["doc"], hit["page"]) == ("animals.cbz", 3)
    assert "krill" in hit["text"]
    assert (tmp_path / hit["image_file"]).is_file()
    assert "CBZ" in cli("ingest", "--help").out
