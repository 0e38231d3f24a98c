"""Image files as documents: PNG, JPEG, WebP, and TIFF with as many pages as it has."""

from __future__ import annotations

import warnings
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from vrag.errors import PageError
from vrag.grid import FloatArray
from vrag.pages.page import Words
from vrag.pages.reader import POINTS_PER_INCH, DocumentInfo

FORMATS = ("PNG", "JPEG", "TIFF", "WEBP")  # others may do more than decode: EPS is a program, for Ghostscript to run
MAX_PIXELS = 150_000_000  # an A4 page at 1,200 dpi; 450 MB once decoded
_DEFAULT_DPI = 144  # of files that do not say: one pixel of the file is one of the rendering
_DPI_RANGE = (144, 1200)  # scanners; less is what screens and cameras write, whatever the size
_ORIENTATION_TAG = 0x0112


class PictureReader:
    """An image file; every page is one picture."""

    def __init__(self, path: Path | BytesIO) -> None:
        """Open the file, or its bytes; nothing is decoded yet.

        Raises:
            UnidentifiedImageError: It is no picture of these formats.
            DecompressionBombError, PageError: It has too many pixels to decode.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # `_seek` has the limit
            self._image = Image.open(path, formats=FORMATS)

    def info(self) -> DocumentInfo:
        """Page count: the frames of a TIFF; other files are one page, animated or not."""
        frames = getattr(self._image, "n_frames", 1) if self._image.format == "TIFF" else 1
        return DocumentInfo(frames, "image", "image")

    def missing(self) -> int:
        """None: the frames of a TIFF are counted one by one."""
        return 0

    def size(self, number: int) -> tuple[float, float]:
        """Width and height in points, upright, from the file's own resolution where it is credible."""
        image = self._seek(number)
        dpi_x, dpi_y = map(float, image.info.get("dpi", (0, 0)))
        if not (_credible(dpi_x) and _credible(dpi_y)):
            dpi_x = dpi_y = _DEFAULT_DPI
        width, height = image.width / dpi_x * POINTS_PER_INCH, image.height / dpi_y * POINTS_PER_INCH
        lies_on_its_side = image.getexif().get(_ORIENTATION_TAG, 1) >= 5
        return (height, width) if lies_on_its_side else (width, height)

    def words(self, number: int) -> Words:
        """None: an image has no text layer."""
        return Words()

    def pictures(self, number: int) -> FloatArray:
        """One picture that is the whole page, float32 [1, 4]."""
        return np.array([[0, 0, 1, 1]], np.float32)

    def render(self, number: int, pixels: tuple[int, int]) -> Image.Image:
        """Upright RGB picture of exactly `pixels` (width, height), transparency on white."""
        upright = ImageOps.exif_transpose(self._seek(number))
        picture = to_rgb(upright)
        return picture if picture.size == pixels else picture.resize(pixels, Image.Resampling.LANCZOS)

    def close(self) -> None:
        """Release the file."""
        self._image.close()

    def _seek(self, number: int) -> Image.Image:
        self._image.seek(number - 1)
        width, height = self._image.size
        if width * height > MAX_PIXELS:
            raise PageError(
                f"the image has {width} x {height} pixels, more than the {MAX_PIXELS:,} that are decoded.",
                "Scale it down, or cut it into pages.",
            )
        return self._image


def _credible(dpi: float) -> bool:
    return _DPI_RANGE[0] <= dpi <= _DPI_RANGE[1]


def to_rgb(image: Image.Image) -> Image.Image:
    """Any mode as RGB: deep greys scaled to 8 bits, transparency put on white."""
    if image.mode.startswith("I") or image.mode == "F":
        return _shallow(image).convert("RGB")
    if image.has_transparency_data:
        clear = image.convert("RGBA")
        white = Image.new("RGBA", clear.size, "white")
        return Image.alpha_composite(white, clear).convert("RGB")
    return image.convert("RGB")


def _shallow(image: Image.Image) -> Image.Image:
    """Greys of more than 8 bits as 8 bits: 16-bit values by their range, other scales by their extremes."""
    values = np.asarray(image, np.float32)
    low, high = (0.0, 65535.0) if values.min() >= 0 and 255 < values.max() <= 65535 else (values.min(), values.max())
    return Image.fromarray(((values - low) * (255 / max(high - low, 1e-9))).astype(np.uint8))
