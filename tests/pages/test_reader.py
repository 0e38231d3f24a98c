"""How many pixels a page gets."""

from hypothesis import given
from hypothesis import strategies as st

from vrag.pages.reader import pixel_size

points = st.floats(0.01, 20_000)


def test_a_letter_page_at_its_resolution():
    assert pixel_size((612, 792), dpi=144, max_side=2048) == (1224, 1584)


def test_a_huge_page_is_capped():
    assert pixel_size((14_400, 7_200), dpi=144, max_side=2048) == (2048, 1024)


@given(points, points, st.integers(18, 600), st.integers(1, 4096))
def test_sides_are_within_bounds(width, height, dpi, max_side):
    pixels = pixel_size((width, height), dpi, max_side)
    assert min(pixels) >= 1
    assert max(pixels) <= max_side


@given(st.floats(100, 2000), st.floats(100, 2000), st.integers(72, 300))
def test_the_shape_of_the_page_is_kept(width, height, dpi):
    columns, rows = pixel_size((width, height), dpi, 2048)
    assert abs(columns * height - rows * width) <= max(width, height)
