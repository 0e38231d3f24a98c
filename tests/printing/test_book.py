"""EPUB files become one plain page; what is wrong with one is a sentence, and nothing outside of it is read."""

import base64

import pytest

from tests.printing.office_files import OPF, needs_libreoffice, red, write_book
from vrag.errors import EncryptedError, PageError
from vrag.pages.load import PageLoader
from vrag.pages.page import PageSpec
from vrag.printing import book, containers
from vrag.printing.book import of_book
from vrag.printing.containers import check_office


def page_of(tmp_path, **parts):
    return of_book(write_book(tmp_path / "a.epub", parts={name.replace("__", "/"): p for name, p in parts.items()}))


def test_chapters_come_in_reading_order_with_their_pictures(tmp_path):
    page = page_of(tmp_path).decode()
    assert page.index("<h1>Ishmael</h1>") < page.index("page-break-before") < page.index("Lighthouses warn ships.")
    assert page.count("<h1>Ishmael") == 1
    assert base64.b64encode(red()).decode() in page
    assert "<title>Whales &amp;</title>" in page
    assert 'content="A. Author"' in page


def test_a_picture_in_a_drawing_is_shown(tmp_path):
    cover = '<svg xmlns:xlink="x"><image width="9" xlink:href="a.png"/></svg>'
    assert "data:image/png" in page_of(tmp_path, **{"O/two.xhtml": cover, "O/text/one a.xhtml": ""}).decode()


def test_a_book_does_nothing_and_asks_for_nothing(tmp_path):
    (tmp_path / "secret.png").write_bytes(red())
    outside = ["../secret.png", "../../secret.png", f"{tmp_path}/secret.png", f"file://{tmp_path}/secret.png",
               "http://example.test/a.png", "//example.test/a.png", "a.css", "text/one a.xhtml"]  # fmt: skip
    hostile = "<script>alert(1)</script><iframe src=x></iframe><p onclick=x>Words</p><link href=a.css>"
    hostile += "".join(f'<img src="{place}" alt="none">' for place in outside)
    page = page_of(tmp_path, **{"O/two.xhtml": hostile, "O/a.css": "body {}"}).decode()
    assert page.count("<img") == 1
    for gone in ("script", "iframe", "onclick", "link", "example.test", "secret", "alert"):
        assert gone not in page
    assert page.count("none") == len(outside)


def test_names_that_stand_for_more_stand_for_nothing(tmp_path):
    laughs = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;"><!ENTITY f SYSTEM "file:///etc/passwd">]>'
    page = page_of(tmp_path, **{"O/content.opf": f"{laughs}{OPF}", "O/two.xhtml": f"{laughs}<p>&b; &f;</p>"}).decode()
    assert "haha" not in page
    assert "root:" not in page


def test_pictures_that_have_no_room_are_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(book, "MOST_PICTURES", 2 * len(red()))
    page = page_of(tmp_path, **{"O/two.xhtml": '<img src="a.png" alt="left out">' * 5}).decode()
    assert page.count("data:image/png") == 2
    assert page.count("left out") == 4


def test_a_locked_book_is_said(tmp_path):
    locks = '<encryption><enc:CipherReference URI="O/fonts/a.ttf"/>{}</encryption>'
    assert page_of(tmp_path, **{"META-INF/encryption.xml": locks.format("")})  # a font is nothing to be read
    chapter = '<enc:CipherReference URI="O/text/one%20a.xhtml"/>'
    with pytest.raises(EncryptedError, match=r"the book is locked to a program or device \(DRM\)"):
        page_of(tmp_path, **{"META-INF/encryption.xml": locks.format(chapter)})


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"META-INF/container.xml": None}, "it is an archive, but no EPUB"),
        ({"META-INF/container.xml": '<rootfile full-path="../../etc/passwd">'}, "it is an archive, but no EPUB"),
        ({"O/content.opf": "<package/>"}, "it has no chapter"),
        ({"O/two.xhtml": None, "O/text/one a.xhtml": None}, "it has no chapter"),
        ({"O/two.xhtml": "x" * book.MOST_WORDS}, "its text has more than 16,777,216 bytes"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, parts, says):
    with pytest.raises(PageError, match=says):
        page_of(tmp_path, **parts)


def test_a_bomb_is_refused_before_it_is_read(tmp_path, monkeypatch):
    path = write_book(tmp_path / "a.epub", parts={"O/big.png": bytes(1 << 20)})
    check_office(path)
    monkeypatch.setattr(containers, "MOST_UNPACKED", 1 << 20)
    with pytest.raises(PageError, match="it unpacks to .* which is too much"):
        check_office(path)


def test_a_chapter_that_lies_about_its_size_ends_there(tmp_path):
    path = write_book(tmp_path / "a.epub", parts={"O/two.xhtml": "whale " * 1_000_000})
    data = bytearray(path.read_bytes())
    place = data.rindex(b"O/two.xhtml")  # in the list at the end
    data[place - 22 : place - 18] = (100).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(PageError, match="the file is damaged or cut off"):
        of_book(path)


@needs_libreoffice
def test_a_book_is_printed(tmp_path):
    path = write_book(tmp_path / "a.epub")
    with PageLoader(PageSpec(dpi=36, ocr="never")) as loader:
        info = loader.inspect(path)
        pages = [loader.load(path, number) for number in (1, 2)]
    assert (info.pages, info.title, info.author) == (2, "Whales &", "A. Author")
    assert [" ".join(page.words.texts) for page in pages] == ["Ishmael", "Lighthouses warn ships."]
    assert (255, 0, 0) in {pages[0].image.getpixel((x, 60)) for x in range(0, 200, 5)}


@needs_libreoffice
@pytest.mark.parametrize(
    ("content", "says"),
    [(b"PK\x03\x04 and no more", "the file is damaged or cut off"), (b"<html>", "it is no EPUB file"), (b"", "empty")],
)
def test_what_is_no_book_is_said(tmp_path, content, says):
    (tmp_path / "a.epub").write_bytes(content)
    with PageLoader(PageSpec()) as loader, pytest.raises(PageError, match=f"a.epub: .*{says}"):
        loader.inspect(tmp_path / "a.epub")


@needs_libreoffice
def test_a_book_is_found(cli, tmp_path):
    write_book(tmp_path / "whales.epub")
    assert cli("ingest", "whales.epub", "--index", "i").code == 0
    (hit,) = cli("search", "lighthouses", "--index", "i", "-k", 1, "--json").json["hits"]
    assert (hit["doc"], hit["page"], hit["snippet"]) == ("whales.epub", 2, "Lighthouses warn ships.")
    help_ = " ".join(cli("ingest", "--help").out.split())
    assert "epub" in help_
