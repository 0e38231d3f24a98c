"""A page as a query: what of it is asked, and what cannot be."""

import numpy as np
import pytest
from PIL import Image

from tests.search.pages import unit
from vrag.embedders.protocol import PageVectors
from vrag.errors import UsageError
from vrag.grid import WHOLE_PAGE, Grid
from vrag.pages.drawing import PageDrawer
from vrag.pages.page import PageSpec, Words
from vrag.search import query_picture
from vrag.search.page_query import MOST_ROWS, merged, page_query, picture_query
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


class Seeing:
    """Sees pictures and reads nothing: a row for every quarter, of its colours."""

    def embed_pages(self, pages):
        (page,) = pages
        assert not len(page.words)
        colours = np.asarray(page.image.resize((2, 2)), np.float32).reshape(4, 3)
        return [PageVectors(colours / np.linalg.norm(colours, axis=1, keepdims=True), Grid.free([WHOLE_PAGE] * 4))]


def test_a_model_that_sees_is_shown_the_picture(tmp_path):
    Image.new("RGB", (60, 40), (255, 0, 0)).save(tmp_path / "red.jpg")
    drawer = PageDrawer()
    try:
        spec = PageSpec(image=True, words=False, ocr="never")
        query = picture_query(picture_bytes(tmp_path / "red.jpg"), drawer, spec, Seeing())
    finally:
        drawer.close()
    np.testing.assert_allclose(query.rows, [[1, 0, 0]] * 4, atol=0.02)
    assert (query.text, query.id) == ("", "")


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
