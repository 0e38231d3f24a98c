"""Pages that come as pictures: files called by their content."""

import io

import pytest
from PIL import Image

from vrag.errors import VragError
from vrag.evaluation.benchmarks.page_pictures import PictureFolder
from vrag.evaluation.benchmarks.rows import Row
from vrag.pages.load import PageLoader
from vrag.pages.page import PageSpec


def data(form, colour="white"):
    file = io.BytesIO()
    Image.new("RGB", (40, 30), colour).save(file, form)
    return file.getvalue()


def row(image):
    return Row("set, corpus", 3, {"corpus-id": 1, "image": image}, "row")


@pytest.mark.parametrize(("form", "suffix"), [("PNG", ".png"), ("JPEG", ".jpg"), ("WEBP", ".webp"), ("TIFF", ".tif")])
def test_pictures_are_files_that_vrag_reads(tmp_path, form, suffix):
    place = PictureFolder(tmp_path).place(row({"bytes": data(form), "path": None}))
    assert place.page == 1
    assert place.doc.endswith(suffix)
    assert (tmp_path / place.doc).read_bytes() == data(form)
    with PageLoader(PageSpec()) as loader:
        assert loader.inspect(tmp_path / place.doc).pages == 1


def test_the_same_picture_has_the_same_place(tmp_path):
    folder = PictureFolder(tmp_path)
    (tmp_path / "named.png").write_bytes(data("PNG"))
    places = [folder.place(row(image)) for image in (
        data("PNG"), {"bytes": data("PNG"), "path": None}, {"bytes": None, "path": str(tmp_path / "named.png")},
    )]  # fmt: skip
    assert len(set(places)) == 1
    assert folder.place(row(data("PNG", "black"))) not in places


@pytest.mark.parametrize(
    "image", [None, "text", {}, {"bytes": None, "path": "nowhere.png"}, {"bytes": b"", "path": None}]
)
def test_a_row_without_picture_is_named(tmp_path, image):
    with pytest.raises(VragError, match="set, corpus, row 3: 'image' holds no picture"):
        PictureFolder(tmp_path).place(row(image))
