"""Image files as pages."""

import numpy as np
import pytest
from PIL import Image

from vrag.errors import PageError
from vrag.pages import pictures
from vrag.pages.pictures import PictureReader, to_rgb

QUARTERS = np.array([[0, 80], [160, 240]], np.uint8)  # one grey a quarter: tells every turn from every other


def quarters(side=20):
    return np.kron(QUARTERS, np.ones((side, side), np.uint8))


@pytest.fixture
def reader_of(tmp_path):
    """Saves an image and opens it."""
    opened = []

    def open_it(image, name="x.png", **options):
        image.save(tmp_path / name, **options)
        opened.append(PictureReader(tmp_path / name))
        return opened[-1]

    yield open_it
    for reader in opened:
        reader.close()


@pytest.mark.parametrize("suffix", ["png", "tiff", "webp"])
def test_every_kind_is_one_page(reader_of, suffix):
    reader = reader_of(Image.new("RGB", (60, 30), "red"), f"x.{suffix}")
    assert (reader.info().pages, reader.info().kind, reader.info().renderer) == (1, "image", "image")
    assert reader.render(1, (60, 30)).getpixel((30, 15))[0] > 250
    assert len(reader.words(1)) == 0
    assert reader.pictures(1).tolist() == [[0, 0, 1, 1]]


def test_a_tiff_has_pages(reader_of):
    frames = [Image.new("RGB", (10 * number, 20), colour) for number, colour in enumerate(("red", "lime", "blue"), 1)]
    reader = reader_of(frames[0], "x.tif", save_all=True, append_images=frames[1:])
    assert reader.info().pages == 3
    assert [reader.render(number, (1, 1)).getpixel((0, 0)) for number in (3, 1, 2)] == [
        (0, 0, 255),
        (255, 0, 0),
        (0, 255, 0),
    ]
    assert [reader.size(number)[0] for number in (1, 2, 3)] == [5, 10, 15]


def test_an_animation_is_one_page(reader_of):
    frames = [Image.new("RGB", (10, 10), colour) for colour in ("red", "blue")]
    assert reader_of(frames[0], "x.webp", save_all=True, append_images=frames[1:]).info().pages == 1


@pytest.mark.parametrize(("orientation", "turns"), [(1, 0), (3, 2), (6, 3), (8, 1)])
def test_a_photo_is_shown_upright(reader_of, orientation, turns):
    stored = Image.fromarray(np.rot90(quarters(), -turns)).resize((80, 40) if turns % 2 else (40, 80))
    exif = Image.Exif()
    exif[0x0112] = orientation
    reader = reader_of(stored, "x.jpg", exif=exif, quality=100)
    assert reader.size(1) == (20, 40)
    shown = np.asarray(reader.render(1, (20, 40)).convert("L"))
    assert np.allclose(shown[[10, 10, 30, 30], [5, 15, 5, 15]].reshape(2, 2), QUARTERS, atol=12)


def test_the_files_own_resolution_counts_where_it_is_credible(reader_of):
    letter = Image.new("L", (1700, 2200))
    assert reader_of(letter, dpi=(200, 200)).size(1) == pytest.approx((612, 792), rel=0.01)
    assert reader_of(letter, dpi=(72, 72)).size(1) == (850, 1100)
    assert reader_of(letter).size(1) == (850, 1100)


MODES = {
    "1": Image.fromarray(quarters()).convert("1", dither=Image.Dither.NONE),
    "L": Image.fromarray(quarters()),
    "P": Image.fromarray(quarters()).convert("P"),
    "CMYK": Image.fromarray(quarters()).convert("CMYK"),
    "RGBA": Image.fromarray(quarters()).convert("RGBA"),
    "I;16": Image.fromarray(quarters().astype(np.uint16) * 257),
    "F": Image.fromarray(quarters().astype(np.float32) / 240),
}


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_becomes_the_same_rgb(mode):
    image = to_rgb(MODES[mode])
    expected = {"1": [0, 0, 255, 255], "F": [0, 85, 170, 255]}.get(mode, QUARTERS.ravel().tolist())
    assert image.mode == "RGB"
    assert [image.getpixel(place)[0] for place in ((5, 5), (30, 5), (5, 30), (30, 30))] == pytest.approx(
        expected, abs=2
    )


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA", "P"])
def test_transparency_is_white(mode):
    clear = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
    image = clear.convert(mode) if mode != "P" else clear.quantize(2)
    assert to_rgb(image).getpixel((1, 1)) == (255, 255, 255)


def test_too_many_pixels_are_not_decoded(reader_of, monkeypatch):
    monkeypatch.setattr(pictures, "MAX_PIXELS", 99)
    reader = reader_of(Image.new("1", (10, 10)))
    for ask in (reader.size, lambda number: reader.render(number, (5, 5))):
        with pytest.raises(PageError, match="10 x 10 pixels, more than the 99"):
            ask(1)
