"""A document is asked for the pages that it can have, not for those it says it has."""

import pytest

from tests.adversarial.rawpdf import plain
from vrag import Index
from vrag.errors import PageError
from vrag.pages.claims import MOST_MISSING
from vrag.pages.load import PageLoader
from vrag.pages.page import PageSpec
from vrag.pages.pdfium import PdfiumReader


def claiming(pages, padding=0):
    """A PDF of one page that says it has more, with so many bytes behind its end."""
    return plain("one page with words enough to be read").build().replace(b"/Count 1", b"/Count %d" % pages) + bytes(
        padding
    )


def repeating(times):
    """A PDF whose one page is listed again and again."""
    data = plain("one page").build()
    kids = data[data.index(b"/Kids [") + 7 : data.index(b"] /Count")]
    return data.replace(b"/Kids [%b] /Count 1" % kids, b"/Kids [%b] /Count %d" % (b" ".join([kids] * times), times))


def pages_of(folder, data, name="a.pdf"):
    (folder / name).write_bytes(data)
    with PageLoader(PageSpec()) as loader:
        return loader.inspect(folder / name).pages


def test_more_pages_than_the_bytes_can_hold_are_refused(tmp_path):
    with pytest.raises(PageError, match=r"a\.pdf: it says that it has 1,000,000 pages, and 7\d\d bytes can hold 1\d\d"):
        pages_of(tmp_path, claiming(1_000_000))


def test_more_pages_than_there_are_are_refused_when_they_are_many(tmp_path):
    with pytest.raises(PageError, match=r"it has 2,000 pages, of which 1,999 are not in the file"):
        pages_of(tmp_path, claiming(2_000, padding=10_000))
    assert pages_of(tmp_path, claiming(1 + MOST_MISSING)) == 1 + MOST_MISSING  # each is reported by itself


def test_a_page_listed_again_is_there(tmp_path):
    (tmp_path / "a.pdf").write_bytes(repeating(300))
    assert PdfiumReader(tmp_path / "a.pdf").missing() == 0
    assert pages_of(tmp_path, repeating(300)) == 300


def test_such_a_document_fails_once_and_is_remembered_once(tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "liar.pdf").write_bytes(claiming(1_000_000))
    with Index.create(tmp_path / "i") as index:
        for _ in range(2):
            (failure,) = index.ingest([tmp_path / "d"]).failed
            assert failure.page is None
            assert failure.reason.startswith("It says that it has 1,000,000 pages")
            assert index.failures() == [failure]
        assert index.documents.all() == []
