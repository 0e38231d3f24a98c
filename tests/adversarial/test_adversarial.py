"""Every hostile file through the page readers: what is good is read, what is bad is reported, nothing crashes."""

import re

import pytest

from tests.adversarial import FILES, make_adversarial
from vrag.errors import PageError
from vrag.pages.load import PageLoader
from vrag.pages.page import PageSpec


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("adversarial")
    make_adversarial(folder)
    return folder


def read(path, ocr):
    """Words of all pages that can be read, and the numbers of those that cannot."""
    words, bad = [], []
    with PageLoader(PageSpec(dpi=72, max_side=1200, ocr="auto" if ocr else "never")) as loader:
        pages = loader.inspect(path).pages
        for number in range(1, pages + 1):
            try:
                words += loader.load(path, number).words.texts
            except PageError:
                bad.append(number)
    return pages, {word.lower() for word in words}, bad


READABLE = [name for name, (_, expected) in FILES.items() if not expected.reported and name != "missing-page.pdf"]


@pytest.mark.parametrize("name", READABLE)
def test_what_is_good_is_read(folder, name):
    expected = FILES[name][1]
    pages, words, bad = read(folder / name, expected.ocr)
    assert tuple(bad) == expected.bad_pages
    assert pages - len(bad) == expected.pages
    assert {word.lower() for word in expected.words} <= words


@pytest.mark.xfail(reason="poppler passes the third page off as the missing second one", strict=False)
def test_a_rescued_page_is_the_page_asked_for(folder):
    test_what_is_good_is_read(folder, "missing-page.pdf")


@pytest.mark.parametrize("name", [name for name, (_, expected) in FILES.items() if expected.reported])
def test_what_is_bad_is_reported_in_words(folder, name):
    with PageLoader(PageSpec()) as loader, pytest.raises(PageError) as caught:
        loader.inspect(folder / name)
    assert name in str(caught.value)
    assert re.search(FILES[name][1].reason, str(caught.value), re.IGNORECASE)


def test_the_files_are_the_same_every_time(folder, tmp_path):
    make_adversarial(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        path.name: path.read_bytes() for path in folder.iterdir()
    }
