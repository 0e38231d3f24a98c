"""Pages like a page, and like a picture: in an index of pairs."""

import io

import pytest
from PIL import Image

from tests.conftest import copy_index
from tests.pdfs import write_pdf
from vrag import Index
from vrag.errors import UsageError
from vrag.places.place import FolderPlace
from vrag.serve.serving import serving

LEOPARD = "The snow leopard lives in the mountains\nof Central Asia and hunts blue sheep."
BEES = "Honey bees dance to tell each other\nwhere nectar and pollen can be found."
OIL = "Replace the oil filter of the diesel engine\nafter every 500 hours of operation."
PAIRS = {
    "a.pdf": [LEOPARD, BEES, OIL, " "],
    "b.pdf": [
        "Change the filter and the oil\nof every diesel engine each 500 hours.",
        "Where pollen and nectar are,\na honey bee tells the others by a dance.",
        "In the mountains of Asia the leopard\nof the snow hunts wild sheep.",
    ],
}
TWINS = {1: 3, 2: 2, 3: 1}  # pages of a.pdf, with what is like them in b.pdf


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pairs")
    for name, pages in PAIRS.items():
        write_pdf(folder / name, pages)
    with Index.create(folder / "index") as index:
        index.ingest([folder])
    return folder / "index"


@pytest.fixture(scope="module")
def index(pairs):
    with Index.hold(pairs) as index:
        yield index


def png(picture):
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def places(hits):
    return [(hit.doc, hit.page) for hit in hits]


@pytest.mark.parametrize("page", TWINS)
@pytest.mark.parametrize("cascade", [None, "exact", "two-stage", "three-stage"])
def test_the_page_that_says_the_same_comes_first_and_the_page_itself_never(index, page, cascade):
    hits = index.search_like("a.pdf", page, 3, cascade)
    assert places(hits)[0] == ("b.pdf", TWINS[page])
    assert ("a.pdf", page) not in places(index.search_like("a.pdf", page, 100, cascade))
    assert [hit.rank for hit in hits] == [1, 2, 3]


def test_a_picture_of_a_page_finds_the_page_and_its_twin(index):
    found = index.search_image(png(index.page_image("a.pdf", 1, width=1200)), 2)
    assert places(found) == [("a.pdf", 1), ("b.pdf", 3)]


def test_filters_hold(index):
    assert {doc for doc, _ in places(index.search_like("b.pdf", 1, 10, None, "doc=b.pdf"))} == {"b.pdf"}
    assert index.search_like("b.pdf", 1, 10, None, ["doc=b.pdf", "page=1"]) == []


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (("none.pdf", 1), "No document called 'none.pdf'"),
        (("a.pdf", 5), "No page 5 of 'a.pdf'"),
        (("a.pdf", 4), "a.pdf, page 4, has nothing to compare"),
        (("a.pdf", 1, 0), "k must be a whole number"),
        (("a.pdf", 1, 5, "fastest"), "fastest"),
        (("a.pdf", 1, 5, None, "doc=none.pdf"), "none.pdf"),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(index, asked, says):
    with pytest.raises(UsageError, match=says):
        index.search_like(*asked)


@pytest.mark.parametrize(
    ("picture", "says"),
    [
        (b"%PDF-1.7", "The picture cannot be read: it is no PNG, JPEG, TIFF or WebP picture"),
        (png(Image.new("RGB", (300, 200), "white"))[:-40], "The picture cannot be read: the image is damaged"),
        (png(Image.new("RGB", (300, 200), "white")), "The picture has nothing to compare: no words stand on it"),
        (
            png(Image.new("1", (13_000, 13_000))),
            "The picture cannot be read: the image has 13000 x 13000 pixels, more than",
        ),
    ],
    ids=["no picture", "damaged", "no words", "too large"],
)
def test_a_picture_that_cannot_be_asked_is_one_sentence(index, picture, says):
    with pytest.raises(UsageError, match=says):
        index.search_image(picture)


def test_whoever_asks_a_service_finds_the_same(pairs, index, tmp_path):
    with serving(FolderPlace(copy_index(pairs, tmp_path / "index"))), Index.open(tmp_path / "index") as remote:
        assert remote.search_like("a.pdf", 2) == index.search_like("a.pdf", 2)
        with pytest.raises(UsageError, match="No page 9"):
            remote.search_like("a.pdf", 9)
