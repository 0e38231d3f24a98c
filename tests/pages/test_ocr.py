"""OCR of rendered text."""

import logging
import socket

import numpy as np
import pytest
from PIL import Image

from tests.pages.builder import text_picture
from vrag.errors import ModelError
from vrag.pages import ocr
from vrag.pages.ocr import read_words

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
