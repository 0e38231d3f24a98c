"""A page as a query: what of it is asked, and what cannot be."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from tests.search.pages import unit
from vrag.errors import UsageError
from vrag.pages.drawing import PageDrawer
from vrag.pages.page import PageSpec, Words
from vrag.search import query_picture
from vrag.search.page_query import MOST_ROWS, merged, page_query, read_picture
from vrag.search.query_picture import MOST_BYTES, picture_bytes


def test_few_rows_stay_as_they_are():
    rows = unit(MOST_ROWS, np.random.default_rng(1))
    assert merged(rows) is rows


@pytest.mark.parametrize("count", [MOST_ROWS + 1, 100, 4 * MOST_ROWS, 1031])
def test_many_rows_become_means_of_neighbours(count):
    """Every row counts once: their places are told by sums, with which nothing else agrees."""
    rows = np.eye(count, dtype=np.float32)
    found = merged(rows)
    assert found.shape == (MOST_ROWS, count)
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    parts = [np.flatnonzero(row).tolist() for row in found]
    assert [place for part in parts for place in part] == list(range(count))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_a_page_without_anything_is_refused():
    with pytest.raises(UsageError, match=r"^blank\.pdf, page 2, has nothing to compare: no words"):
        page_query(np.zeros((1, 8), np.float32), Words(), "blank.pdf, page 2,")


def test_a_model_that_sees_is_shown_the_picture_and_one_that_does_not_its_words(tmp_path):
    words = Image.new("RGB", (900, 200), "white")
    ImageDraw.Draw(words).text((40, 60), "Emperor penguins", "black", ImageFont.load_default(60))
    words.save(tmp_path / "words.jpg")
    data, drawer = picture_bytes(tmp_path / "words.jpg"), PageDrawer()
    try:
        seen = read_picture(data, drawer, PageSpec(image=True, words=False, ocr="never"))
        read = read_picture(data, drawer, PageSpec(image=False, words=True, ocr="never"))
    finally:
        drawer.close()
    assert (seen.image.size, len(seen.words)) == ((900, 200), 0)
    assert (read.image, read.words.texts) == (None, ("Emperor", "penguins"))


def test_a_picture_is_bytes_or_a_file(tmp_path):
    (tmp_path / "a.png").write_bytes(b"abc")
    assert picture_bytes(b"abc") == picture_bytes(tmp_path / "a.png") == picture_bytes(str(tmp_path / "a.png"))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (b"", "The picture is empty"),
        (b"x" * (MOST_BYTES + 1), "has more than 21.0 MB"),
        ("no.png", "'no.png' cannot be read: No such file"),
        ("", "cannot be read"),
        ("a\0b", "cannot be read"),
        (None, "cannot be read"),
    ],
)
def test_what_is_no_picture_is_one_sentence(given, says):
    with pytest.raises(UsageError, match=says):
        picture_bytes(given)


def test_no_more_of_a_file_is_read_than_is_taken(tmp_path, monkeypatch):
    monkeypatch.setattr(query_picture, "MOST_BYTES", 10)
    (tmp_path / "long.png").write_bytes(b"x" * 1000)
    with pytest.raises(UsageError, match="has more than"):
        picture_bytes(tmp_path / "long.png")
