"""A loader keeps the last document open, but never answers from one that is not there any more."""

import os
import shutil

import pytest
from PIL import Image

from tests.pdfs import write_pdf
from vrag.errors import PageError
from vrag.pages.load import PageLoader
from vrag.pages.page import PageSpec

needs_poppler = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler is not installed")


@pytest.mark.parametrize("renderer", ["pdfium", pytest.param("poppler", marks=needs_poppler)])
@pytest.mark.parametrize("put", [os.replace, shutil.copyfile])
def test_a_file_that_was_replaced_is_opened_again(tmp_path, put, renderer):
    file = write_pdf(tmp_path / "a.pdf", ["old words"])
    other = write_pdf(tmp_path / "b.pdf", ["new words", "and more"])
    with PageLoader(PageSpec(image=False, renderer=renderer)) as loader:
        assert loader.load(file, 1).words.texts == ("old", "words")
        put(other, file)
        assert loader.load(file, 1).words.texts == ("new", "words")
        assert loader.load(file, 2).words.texts == ("and", "more")
        assert loader.inspect(file).pages == 2


def test_a_picture_that_was_replaced_is_opened_again(tmp_path):
    spec = PageSpec(words=False)
    with PageLoader(spec) as loader:
        for colour in ("red", "blue"):
            Image.new("RGB", (40, 30), colour).save(tmp_path / f"{colour}.png")
            os.replace(tmp_path / f"{colour}.png", tmp_path / "a.png")
            with Image.new("RGB", (1, 1), colour) as expected:
                assert loader.render(tmp_path / "a.png", 1).getpixel((0, 0)) == expected.getpixel((0, 0))


def test_a_file_that_is_gone_is_not_read_from_what_is_open(tmp_path):
    file = write_pdf(tmp_path / "a.pdf", ["old words"])
    with PageLoader(PageSpec(image=False)) as loader:
        loader.load(file, 1)
        file.unlink()
        with pytest.raises(PageError, match=r"a\.pdf, page 1: the file is not there any more"):
            loader.load(file, 1)


def test_a_file_that_stays_is_opened_once(tmp_path, monkeypatch):
    from vrag.pages import load

    opened, open_reader = [], load._open_reader
    monkeypatch.setattr(load, "_open_reader", lambda *about: opened.append(about[0]) or open_reader(*about))
    file = write_pdf(tmp_path / "a.pdf", ["one", "two"])
    with PageLoader(PageSpec(image=False)) as loader:
        assert [loader.load(file, number).words.texts for number in (1, 2, 1)] == [("one",), ("two",), ("one",)]
    assert opened == ["pdfium"]
