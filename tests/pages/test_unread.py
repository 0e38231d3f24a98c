"""Cutting out what the text layer does not tell."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from vrag.pages.page import Words
from vrag.pages.unread import coverage, is_blank, on_page, unread_part

edges = st.tuples(st.floats(0, 1, width=32), st.floats(0, 1, width=32)).map(sorted)


def boxes(*rows):
    return np.array(rows, np.float32).reshape(-1, 4)


def words_at(*rows):
    return Words(("word",) * len(rows), boxes(*rows), np.zeros(len(rows), np.int32))


def picture(colour="white", *black):
    image = Image.new("RGB", (200, 100), colour)
    for x0, y0, x1, y1 in black:
        ImageDraw.Draw(image).rectangle((x0, y0, x1 - 1, y1 - 1), fill="black")
    return image


WHOLE = boxes([0, 0, 1, 1])


def test_what_the_layer_tells_is_painted_over_in_the_colour_around_it():
    part, box = unread_part(picture("teal", (20, 20, 60, 40)), words_at([0.1, 0.2, 0.3, 0.4]), WHOLE)
    assert is_blank(part)
    assert part.getpixel((30, 30)) == (0, 128, 128)
    assert box == (0, 0, 1, 1)


def test_what_the_layer_lacks_stays():
    part, _ = unread_part(picture("white", (20, 20, 60, 40)), words_at([0.6, 0.2, 0.8, 0.4]), WHOLE)
    assert not is_blank(part)


def test_only_the_regions_are_cut_out():
    page = picture("white", (0, 0, 10, 100), (100, 50, 120, 60))
    part, box = unread_part(page, Words(), boxes([0.4, 0.4, 0.7, 0.8], [0.8, 0.9, 0.9, 1.0]))
    assert part.size == (100, 60)
    assert box == pytest.approx((0.4, 0.4, 0.9, 1.0))
    assert part.getpixel((25, 15)) == (0, 0, 0)  # ink of a region


def test_between_regions_it_is_white():
    part, _ = unread_part(picture("black"), Words(), boxes([0, 0, 0.2, 1], [0.8, 0, 1, 1]))
    assert part.getpixel((100, 50)) == (255, 255, 255)
    assert part.getpixel((10, 50)) == (0, 0, 0)


@given(edges, edges)
def test_a_region_always_has_a_pixel(xs, ys):
    region = boxes([xs[0], ys[0], xs[1], ys[1]])
    part, box = unread_part(picture(), words_at(region[0]), region)
    assert min(part.size) >= 1
    assert box[0] <= xs[0] + 1e-6
    assert box[3] >= ys[1] - 1e-6


@given(edges, edges)
def test_words_of_a_part_land_where_it_was_cut_out(xs, ys):
    box = (xs[0], ys[0], xs[1] + 0.01, ys[1] + 0.01)
    placed = on_page(words_at([0, 0, 1, 1], [0.5, 0.5, 0.5, 0.5]), box).boxes
    assert np.allclose(placed[0], box, atol=1e-6)
    assert np.allclose(placed[1], [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2] * 2, atol=1e-6)


def test_overlapping_pictures_cover_the_page_once():
    assert coverage(boxes()) == 0
    assert coverage(boxes([0, 0, 0.5, 1], [0.25, 0, 0.5, 1])) == 0.5
    assert coverage(WHOLE) == 1


@pytest.mark.parametrize(("grey", "blank"), [(250, True), (200, False)])
def test_noise_is_blank_and_ink_is_not(grey, blank):
    image = picture()
    image.putpixel((3, 3), (grey, grey, grey))
    assert is_blank(image) is blank
