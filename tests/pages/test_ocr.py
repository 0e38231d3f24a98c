"""OCR of rendered text."""

import logging
import socket
from pathlib import Path

import numpy as np
import pytest
import rapidocr
from PIL import Image, ImageDraw, ImageFont

from tests.pages.builder import text_picture
from vrag.errors import ModelError
from vrag.pages import ocr, text_places
from vrag.pages.ocr import read_words
from vrag.pages.text_lines import LineReader
from vrag.pages.text_places import _around_lines

LINES = ["Quarterly results of the company", "Revenue grew to 4,250 million"]


def test_words_are_read_in_order_and_where_they_are():
    words = read_words(text_picture(LINES))
    assert " ".join(words.texts) == " ".join(LINES)
    assert words.lines.tolist() == [0] * 5 + [1] * 5
    assert (np.diff(words.boxes[:5, 0]) > 0).all()
    assert words.boxes[:5, 3].max() < words.boxes[5:, 1].min() + 0.02


def test_each_words_box_holds_its_ink():
    image = text_picture(LINES)
    words = read_words(image)
    dark = np.asarray(image.convert("L")) < 128
    covered = np.zeros_like(dark)
    for x0, y0, x1, y1 in (words.boxes * ([*image.size] * 2)).astype(int):
        assert dark[y0:y1, x0:x1].any()
        covered[y0 : y1 + 1, x0 : x1 + 1] = True
    assert (dark & covered).sum() > 0.9 * dark.sum()


def test_blank_and_tiny_pictures_have_no_words():
    assert len(read_words(Image.new("RGB", (300, 200), "white"))) == 0
    assert len(read_words(Image.new("RGB", (1, 1200), "black"))) == 0


def test_it_is_quiet_and_asks_nobody(capfd, caplog, monkeypatch):
    def refuse(*_):
        raise AssertionError("OCR must not use the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    ocr._reader.cache_clear()
    with caplog.at_level(logging.DEBUG):
        assert len(read_words(text_picture(["Offline"]))) == 1
        read_words(Image.new("RGB", (300, 200), "white"))
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""


def test_missing_models_are_said(tmp_path):
    with pytest.raises(ModelError, match=r"no model \*det\*.onnx.*force-reinstall"):
        ocr._model(tmp_path, "*det*.onnx")


def large_and_small():
    """A page of large print with a line of small print at its foot."""
    page = text_picture(["Annual report of the company", "Letter to shareholders"], size=(1200, 900), font_size=60)
    small = ImageFont.load_default(11)
    ImageDraw.Draw(page).text((700, 860), "Registered office: Harbour Street 12, Bristol", fill="black", font=small)
    return page


def test_small_print_is_found_beside_large_print():
    texts = " ".join(read_words(large_and_small()).texts)
    assert "Annual report of the company" in texts
    assert "Registered office: Harbour Street 12, Bristol" in texts


class Eyes:
    """A detector that says what sizes it was shown."""

    input, output = "x", "y"

    def __init__(self, session):
        self.session, self.seen = session, []

    def run(self, output, given):
        self.seen.append(given["x"].shape[2:])
        return self.session.run(self.session.output, {self.session.input: given["x"]})


@pytest.fixture
def eyes(monkeypatch):
    finder = ocr._reader("")._finder
    eyes = Eyes(finder._session)
    monkeypatch.setattr(finder, "_session", eyes)
    return eyes


def test_only_the_part_with_small_print_is_seen_in_full(eyes):
    read_words(large_and_small())
    (half, part) = eyes.seen
    assert half == (448, 608)
    assert part[0] < 200
    assert part[1] < 500


def test_a_page_of_large_print_alone_is_seen_at_half_size(eyes):
    words = read_words(text_picture(["Annual report of the company", "Letter to shareholders"], (1200, 900), 60))
    assert " ".join(words.texts) == "Annual report of the company Letter to shareholders"
    assert eyes.seen == [(448, 608)]


def test_a_small_picture_is_seen_in_full_at_once(eyes):
    read_words(text_picture(LINES, (640, 320), 30))
    assert eyes.seen == [(320, 640)]


def test_small_print_all_over_a_page_is_read():
    page = Image.new("RGB", (1200, 900), "white")
    for y in range(40, 900, 160):
        ImageDraw.Draw(page).text((60, y), f"{LINES[0]} in {y}", fill="black", font=ImageFont.load_default(12))
    assert read_words(page).text_lines() == [f"{LINES[0]} in {y}" for y in range(40, 900, 160)]


def test_print_that_half_size_does_not_show_is_seen_by_its_edges():
    page = Image.new("RGB", (1200, 900), "white")
    nothing, no_lines = np.zeros((448, 608), np.float32), np.zeros((0, 4, 2), np.float32)
    assert text_places._unsure(np.asarray(page), nothing, no_lines) is None
    for x in range(300, 600, 4):
        ImageDraw.Draw(page).line((x, 200, x, 208), fill="black")  # strokes, as of letters
    x0, y0, x1, y1 = text_places._unsure(np.asarray(page), nothing, no_lines)
    assert x0 < 300 < 600 < x1 < 700
    assert 100 < y0 < 200 < 208 < y1 < 300


def test_a_page_that_stands_on_its_head_is_read():
    words = read_words(text_picture(LINES).rotate(180))
    assert set(words.texts) == set(" ".join(LINES).split())


def test_lines_read_with_certainty_are_not_asked_which_way_up_they_are(monkeypatch):
    monkeypatch.setattr(ocr._reader(""), "_classifier", None)
    assert " ".join(read_words(text_picture(LINES)).texts) == " ".join(LINES)


def test_a_low_wide_strip_is_read():
    words = read_words(text_picture(["Total assets 4,250"], (900, 400), 20).crop((0, 36, 900, 64)))
    assert " ".join(words.texts) == "Total assets 4,250"
    assert words.boxes.min() >= 0
    assert words.boxes.max() <= 1


def test_what_is_seen_again_cuts_no_line():
    lines = np.array([[10, 10, 300, 40], [250, 35, 500, 60], [600, 300, 700, 330]], np.float32)
    area = _around_lines(np.array([280, 50, 320, 80], np.float32), lines, 800, 400)
    assert area.tolist() == [2, 2, 508, 80]


def test_a_recogniser_that_does_not_tell_its_characters_is_refused():
    folder = Path(rapidocr.__file__).parent / "models"
    finder, classifier, _ = (ocr._model(folder, name) for name in ocr._MODELS)
    with pytest.raises(ModelError, match="does not say which characters"):
        LineReader(finder, classifier, classifier)


def line_words(text, quad):
    return ocr._words(np.array([quad], np.float32), [text])


def test_a_line_is_shared_out_by_the_width_of_letters():
    words = line_words("ill mmm", [[0.1, 0.2], [0.8, 0.2], [0.8, 0.3], [0.1, 0.3]])
    assert words.texts == ("ill", "mmm")
    (start, narrow), (wide, end) = words.boxes[:, [0, 2]].tolist()
    assert (start, end) == (pytest.approx(0.1), pytest.approx(0.8))
    assert narrow < wide
    assert narrow - start < (end - wide) / 2


def test_a_slanted_line_is_followed():
    first, second = line_words("ab ab", [[0.0, 0.0], [0.5, 0.5], [0.4, 0.6], [-0.1, 0.1]]).boxes
    assert np.allclose([first[0], second[3]], [0.0, 0.6], atol=1e-6)
    step = second - first
    assert np.allclose(step[1:], step[1], atol=1e-6)  # right as far as down: the line falls at 45 degrees
    assert step[1] > 0.2


def test_repeated_words_have_their_own_boxes():
    words = line_words("no no", [[0, 0], [1, 0], [1, 1], [0, 1]])
    (start, first), (second, end) = words.boxes[:, [0, 2]].tolist()
    assert (start, end) == (0, pytest.approx(1))
    assert first == pytest.approx(1 - second)
    assert first < second
