"""PDFium and poppler agree with the pixels, and with each other, on where things are."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import numpy as np
import pytest
from PIL import Image

from tests.pages.builder import LETTER, Sheet, make_pdf, picture, rectangle, text, text_picture
from vrag.errors import PageError
from vrag.pages.pdfium import PdfiumReader
from vrag.pages.poppler import PopplerReader, parse_bbox_layout

needs_poppler = pytest.mark.skipif(shutil.which("pdftoppm") is None, reason="poppler is not installed")
READERS = [PdfiumReader, pytest.param(PopplerReader, marks=needs_poppler)]
CROP = (100, 200, 500, 760)
SHIFTED = (-50, 30, 562, 822)
PLACINGS = [
    (media, crop, rotate)
    for (media, crop), rotate in product([(LETTER, None), (LETTER, CROP), (SHIFTED, None)], [0, 90, 180, 270])
]


@pytest.fixture(params=READERS)
def reader_of(request):
    """Opens a PDF with each of the renderers in turn."""
    opened = []

    def open_it(path):
        opened.append(request.param(path))
        return opened[-1]

    yield open_it
    for reader in opened:
        reader.close()


def ink(image):
    """Box of what is dark, shares of the picture."""
    dark = np.asarray(image.convert("L")) < 128
    rows, columns = np.flatnonzero(dark.any(axis=1)), np.flatnonzero(dark.any(axis=0))
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]) / np.array([*image.size, *image.size])


@pytest.mark.parametrize(("media", "crop", "rotate"), PLACINGS)
def test_a_word_is_where_its_ink_is(reader_of, tmp_path, media, crop, rotate):
    page = Sheet(text("Hxxxxxxxxxxd", 150, 600, 40), media, crop, rotate)
    reader = reader_of(make_pdf(tmp_path / "a.pdf", [page]))
    width, height = reader.size(1)
    image = reader.render(1, (round(width), round(height)))
    (box,) = reader.words(1).boxes
    tolerance = 0.03 if isinstance(reader, PopplerReader) else 0.005  # poppler's boxes are as high as the font
    assert np.allclose(box, ink(image), atol=tolerance)


@pytest.mark.parametrize(("media", "crop", "rotate"), PLACINGS)
def test_the_size_is_that_displayed(reader_of, tmp_path, media, crop, rotate):
    reader = reader_of(make_pdf(tmp_path / "a.pdf", [Sheet("", media, crop, rotate)]))
    left, bottom, right, top = crop or media
    upright = (right - left, top - bottom)
    assert reader.size(1) == pytest.approx(upright if rotate % 180 == 0 else upright[::-1], abs=0.1)


@pytest.mark.parametrize(("media", "crop", "rotate"), PLACINGS)
@pytest.mark.parametrize(("name", "part"), [("Im", 1.0), ("Fm", 0.5)])
def test_a_picture_is_where_its_pixels_are(tmp_path, media, crop, rotate, name, part):
    content = picture(150, 400, 200, 100, name)
    reader = PdfiumReader(make_pdf(tmp_path / "a.pdf", [Sheet(content, media, crop, rotate)], Image.new("RGB", (8, 8))))
    width, height = reader.size(1)
    (box,) = reader.pictures(1)
    assert np.allclose(box, ink(reader.render(1, (round(width), round(height)))), atol=0.005)
    assert (box[2] - box[0]) * width * (box[3] - box[1]) * height == pytest.approx(200 * 100 * part**2, rel=0.01)


def test_a_picture_is_clipped_to_the_page(tmp_path):
    reader = PdfiumReader(make_pdf(tmp_path / "a.pdf", [Sheet(picture(-100, 396, 406, 1000))]))
    assert np.allclose(reader.pictures(1), [[0, 0, 0.5, 0.5]], atol=1e-3)


def test_poppler_does_not_tell_of_pictures(tmp_path):
    if shutil.which("pdfinfo"):
        assert PopplerReader(make_pdf(tmp_path / "a.pdf", [Sheet(picture(0, 0, 99, 99))])).pictures(1).shape == (0, 4)


@pytest.mark.parametrize("pixels", [(1, 1), (1, 300), (301, 77), (612, 792)])
def test_a_rendering_has_exactly_the_pixels_asked_for(reader_of, tmp_path, pixels):
    image = reader_of(make_pdf(tmp_path / "a.pdf", [Sheet(rectangle(0, 0, 612, 396))])).render(1, pixels)
    assert image.mode == "RGB"
    assert image.size == pixels


def test_colours_come_out_right(reader_of, tmp_path):
    page = Sheet("1 0 0 rg 0 396 612 396 re f 0 0 1 rg 0 0 612 396 re f")
    image = reader_of(make_pdf(tmp_path / "a.pdf", [page])).render(1, (20, 20))
    assert image.getpixel((10, 4)) == (255, 0, 0)
    assert image.getpixel((10, 16)) == (0, 0, 255)


def test_words_come_line_by_line(reader_of, tmp_path):
    page = Sheet(text("The first line", y=700) + text("and the second", y=680))
    words = reader_of(make_pdf(tmp_path / "a.pdf", [page])).words(1)
    assert words.texts == ("The", "first", "line", "and", "the", "second")
    assert len(set(words.lines[:3].tolist())) == len(set(words.lines[3:].tolist())) == 1
    assert words.lines[0] < words.lines[3]


def test_each_page_has_its_own_words(reader_of, tmp_path):
    reader = reader_of(make_pdf(tmp_path / "a.pdf", [Sheet(text("one")), Sheet(text("two")), Sheet()]))
    assert [reader.words(number).texts for number in (2, 1, 3, 2)] == [("two",), ("one",), (), ("two",)]


def test_what_is_known_of_the_document(reader_of, tmp_path):
    info = reader_of(make_pdf(tmp_path / "a.pdf", [Sheet(), Sheet()], title="Annual report")).info()
    assert (info.pages, info.kind, info.title) == (2, "pdf", "Annual report")


def test_invisible_text_of_a_scan_counts(reader_of, tmp_path):
    page = Sheet("3 Tr " + text("Scanned"))
    assert reader_of(make_pdf(tmp_path / "a.pdf", [page])).words(1).texts == ("Scanned",)


def test_a_dense_page_is_read_whole(tmp_path):
    lines = "".join(text("word " * 18 + "end", 20, 770 - 10 * row, 9) for row in range(70))
    words = PdfiumReader(make_pdf(tmp_path / "a.pdf", [Sheet(lines)])).words(1)
    assert len(words) == 19 * 70
    assert words.lines.tolist() == [row for row in range(70) for _ in range(19)]


def test_threads_may_share_pdfium(tmp_path):
    path = make_pdf(tmp_path / "a.pdf", [Sheet(text(f"page{number}")) for number in range(1, 9)])
    first, second = PdfiumReader(path), PdfiumReader(path)

    def read(number):
        reader = first if number % 2 else second
        reader.render(number, (200, 260))
        return reader.words(number).texts

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(read, range(1, 9))) == [(f"page{number}",) for number in range(1, 9)]


def test_form_fields_are_drawn(tmp_path):
    image = PdfiumReader(make_form(tmp_path / "form.pdf")).render(1, (612, 792))
    assert np.allclose(ink(image), [100 / 612, 92 / 792, 300 / 612, 192 / 792], atol=0.01)


def make_form(path):
    """A PDF whose only content is the appearance of a form field, a black rectangle."""
    path = make_pdf(path, [Sheet()])
    old = path.read_bytes()
    pieces = {
        b"/Type /Catalog": b"/Type /Catalog /AcroForm << /Fields [5 0 R] >>",
        b"/Contents": b"/Annots [5 0 R] /Contents",
        b"/Type /XObject /Subtype /Form /BBox [0 0 1 1]": b"/Unused 0",
    }
    for before, after in pieces.items():
        old = old.replace(before, after)
    start, stop = old.index(b"5 0 obj"), old.index(b"6 0 obj")
    field = (
        b"5 0 obj\n<< /Type /Annot /Subtype /Widget /FT /Tx /T (name) /F 4 /Rect [100 600 300 700] "
        b"/AP << /N 99 0 R >> >>\nendobj\n99 0 obj\n<< /Type /XObject /Subtype /Form /BBox [0 0 200 100] "
        b"/Length 25 >>\nstream\n0 g 0 0 200 100 re f     \nendstream\nendobj\n"
    )
    path.write_bytes(old[:start] + field + old[stop:])  # its table of offsets is wrong now: readers rebuild it
    return path


def test_popplers_output_is_parsed_whatever_is_in_it():
    xhtml = (
        '<page width="100" height="200"><line xMin="0" yMin="0" xMax="9" yMax="9">'
        '<word xMin="10" yMin="20" xMax="50" yMax="40">R&amp;D\x01</word></line>'
        '<line xMin="0" yMin="0" xMax="9" yMax="9">'
        '<word xMin="-5" yMin="190" xMax="200" yMax="210">two words</word></line>'
    )
    words = parse_bbox_layout(xhtml, (100, 200))
    assert words.texts == ("R&D\x01", "two", "words")
    assert words.lines.tolist() == [0, 1, 1]
    assert np.allclose(words.boxes[:2], [[0.1, 0.1, 0.5, 0.2], [0, 0.95, 1, 1]])


def test_no_output_of_poppler_is_no_words():
    assert len(parse_bbox_layout("", (100, 200))) == 0


def test_reading_a_text_picture_needs_pixels(reader_of, tmp_path):
    page = Sheet(picture(50, 400, 450, 200))
    assert len(reader_of(make_pdf(tmp_path / "a.pdf", [page], text_picture(["Only", "pixels"]))).words(1)) == 0


def test_a_page_that_shows_nothing_says_so(tmp_path):
    outside = Sheet(text("cut") + picture(50, 300, 200, 100), crop=(700, 900, 800, 1000))
    file = make_pdf(tmp_path / "a.pdf", [outside, Sheet(text("whole"))], Image.new("RGB", (4, 3)))
    reader = PdfiumReader(file)
    with pytest.raises(PageError, match="no area"):
        reader.size(1)
    assert np.isfinite(reader.pictures(1)).all()
    assert reader.words(2).texts == ("whole",)
    reader.close()
