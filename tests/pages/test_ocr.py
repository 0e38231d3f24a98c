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
from vrag.pages import ocr, text_lines, text_places
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


def print_small(page, *places):
    """The page with a line of small print at each of the places."""
    for place in places:
        ImageDraw.Draw(page).text(place, "Registered office: Bristol", fill="black", font=ImageFont.load_default(11))
    return page


def test_small_print_in_two_corners_is_seen_in_two_parts(eyes):
    page = print_small(text_picture(["Annual report of the company"], (1200, 900), 60), (20, 860), (1040, 860))
    texts = " ".join(read_words(page).texts)
    assert texts.count("Registered office: Bristol") == 2
    assert "Annual report of the company" in texts
    assert len(eyes.seen) == 3
    assert all(height < 200 and width < 400 for height, width in eyes.seen[1:])


def test_parts_side_by_side_are_seen_at_once(eyes):
    read_words(print_small(text_picture(["Annual report"], (1200, 900), 60), (20, 860), (200, 860)))
    assert len(eyes.seen) == 2


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
    assert not len(text_places._unsure(np.asarray(page), nothing, no_lines))
    for x in range(300, 600, 4):
        ImageDraw.Draw(page).line((x, 200, x, 208), fill="black")  # strokes, as of letters
    ((x0, y0, x1, y1),) = text_places._unsure(np.asarray(page), nothing, no_lines)
    assert 280 < x0 <= 310
    assert 590 <= x1 < 620
    assert 190 < y0 < y1 < 220


def test_a_line_that_lies_on_another_one_leaves_it_known():
    page, nothing = np.full((900, 1200, 3), 255, np.uint8), np.zeros((448, 608), np.float32)
    nothing[200:220, 200:300] = 0.2  # a hint, inside both
    lines = np.stack([box_line(100, 100, 900, 800), box_line(380, 380, 640, 460)])
    assert not len(text_places._unsure(page, nothing, lines))


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


def box_line(x0, y0, x1, y1):
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)


def test_another_look_replaces_the_lines_of_its_part_alone():
    part = np.array([100, 100, 300, 140], np.float32)
    small, beside, far = box_line(110, 110, 200, 130), box_line(310, 100, 800, 140), box_line(0, 500, 90, 540)
    exact, unseen = box_line(112, 112, 198, 128), box_line(210, 112, 305, 128)
    piece, stray = box_line(299, 102, 380, 138), box_line(110, 20, 200, 50)  # of the line beside, and of something else
    lines = text_places._replaced(np.stack([small, beside, far]), np.stack([exact, unseen, piece, stray]), part)
    assert lines.tolist() == [one.tolist() for one in (beside, far, exact, unseen)]


def test_another_look_may_find_nothing_or_be_the_first_to_find_something():
    part, nothing = np.array([100, 100, 300, 140], np.float32), np.zeros((0, 4, 2), np.float32)
    found = box_line(110, 110, 200, 130)[None]
    assert text_places._replaced(found, nothing, part).shape == (0, 4, 2)
    assert text_places._replaced(nothing, found, part).tolist() == found.tolist()


@pytest.mark.parametrize("part", [[300, 300, 310, 320], [0, 0, 40, 40], [1150, 880, 1200, 900], [0, 0, 1200, 900]])
def test_a_part_is_seen_with_what_is_around_it_and_is_not_stretched(part):
    ((x0, y0, x1, y1),) = text_places._windows(np.array([part], np.float32), 1200, 900)
    assert 0 <= x0 <= part[0] < part[2] <= x1 <= 1200
    assert 0 <= y0 <= part[1] < part[3] <= y1 <= 900
    assert (x1 - x0) % 32 == 0 or x1 - x0 == 1200
    assert (y1 - y0) % 32 == 0 or y1 - y0 == 900


@pytest.fixture
def widths(monkeypatch):
    """Widths of the lines that the recogniser has seen."""
    reader = ocr._reader("")
    eyes = Eyes(reader._recogniser)
    monkeypatch.setattr(reader, "_recogniser", eyes)
    return lambda: [width for _, width in eyes.seen]


LONG = "The registered office of the company stands in Harbour Street"


def test_a_wide_line_is_read_narrowed(widths):
    assert " ".join(read_words(text_picture([LONG], (1200, 120), 32)).texts) == LONG
    (width,) = widths()
    assert width > 0.88 * 600


def test_a_wide_line_that_is_not_clear_is_read_as_it_is(widths, monkeypatch):
    monkeypatch.setattr(text_lines, "_CLEAR", 1.1)
    assert " ".join(read_words(text_picture([LONG], (1200, 120), 32)).texts) == LONG
    narrowed, width = widths()
    assert narrowed == pytest.approx(0.88 * width, abs=1)


def test_a_short_line_is_not_narrowed(widths, monkeypatch):
    monkeypatch.setattr(text_lines, "_CLEAR", 1.1)
    read_words(text_picture(["Total assets"], (640, 120), 32))
    assert len(widths()) == 1


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
