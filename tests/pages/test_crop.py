"""Margins go, content stays, and nothing is ever cropped to nothing."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from tests.pages.builder import Sheet, make_pdf, rectangle, text
from vrag.grid import WHOLE_PAGE, Grid, Tile
from vrag.pages.crop import CropRules, content_pixels, crop, is_blank
from vrag.pages.load import PageLoader
from vrag.pages.page import PageSpec

RULES = CropRules(border=0)
SIZE = (200, 300)


def paper(*black, colour="white"):
    image = Image.new("RGB", SIZE, colour)
    for x0, y0, x1, y1 in black:
        ImageDraw.Draw(image).rectangle((x0, y0, x1 - 1, y1 - 1), fill="black")
    return image


def naive(gray, rules):
    """The same by the book: line after line from each edge, pixel by pixel."""
    y0, y1, x0, x1 = 0, gray.shape[0], 0, gray.shape[1]

    def is_margin(line, whole, least):
        ink = sum(int(value) <= rules.white for value in line) / len(line)
        return ink <= max(least, 1 - rules.white_share) + 1e-7 or np.std(whole.astype(float)) <= rules.uniform

    for axis in ("rows", "columns", "rows"):
        if axis == "rows":
            left = [y for y in range(y0, y1) if not is_margin(gray[y, x0:x1], gray[y], rules.content)]
        else:
            left = [x for x in range(x0, x1) if not is_margin(gray[y0:y1, x], gray[:, x], rules.sides)]
        if not left:
            return None
        if axis == "rows":
            y0, y1 = left[0], left[-1] + 1
        else:
            x0, x1 = left[0], left[-1] + 1
    return x0, y0, x1, y1


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.5, 0.9, 0.99, 1.0]), st.sampled_from([0.0, 3.0, 60.0]))
def test_content_is_what_a_loop_over_the_lines_finds(seed, white_share, uniform):
    rng = np.random.default_rng(seed)
    gray = np.full(rng.integers(1, 20, 2), 255, np.uint8)
    for _ in range(rng.integers(0, 4)):
        top, left = rng.integers(0, gray.shape[0]), rng.integers(0, gray.shape[1])
        gray[top : top + rng.integers(1, 9), left : left + rng.integers(1, 9)] = rng.integers(0, 256)
    rules = CropRules(white_share=white_share, uniform=uniform)
    assert content_pixels(Image.fromarray(gray), rules) == naive(gray, rules)


@given(st.integers(0, 2**32 - 1))
def test_no_crop_is_empty_or_too_flat(seed):
    rng = np.random.default_rng(seed)
    x0, y0 = rng.integers(0, SIZE[0]), rng.integers(0, SIZE[1])
    x1, y1 = x0 + rng.integers(1, 100), y0 + rng.integers(1, 100)
    picture, box = crop(paper((x0, y0, x1, y1)), CropRules(border=int(rng.integers(0, 5))))
    assert picture.width >= SIZE[0] // 10
    assert picture.height >= SIZE[1] // 10
    assert box[0] * SIZE[0] <= x0 + 1e-6
    assert box[1] * SIZE[1] <= y0 + 1e-6
    assert box[2] * SIZE[0] >= min(x1, SIZE[0]) - 1e-6
    assert box[3] * SIZE[1] >= min(y1, SIZE[1]) - 1e-6
    assert picture.size == (round((box[2] - box[0]) * SIZE[0]), round((box[3] - box[1]) * SIZE[1]))


def test_the_border_is_kept():
    picture, box = crop(paper((60, 90, 140, 240), (70, 100, 80, 110)), CropRules(border=10))
    assert picture.size == (100, 170)
    assert box == (50 / 200, 80 / 300, 150 / 200, 250 / 300)


@pytest.mark.parametrize("colour", ["white", "black", "navy", (250, 250, 247)])
def test_a_page_of_one_colour_is_blank_and_stays_whole(colour):
    page = paper(colour=colour)
    assert is_blank(page)
    assert crop(page, RULES) == (page, WHOLE_PAGE)


def test_a_full_page_stays_whole():
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (30, 20, 3), np.uint8))
    assert crop(noise, RULES) == (noise, WHOLE_PAGE)


def test_black_edges_of_a_scan_are_margin():
    page = paper((0, 0, 200, 12), (0, 0, 7, 300), (50, 100, 150, 200), (60, 90, 70, 220))
    assert content_pixels(page, RULES) == (50, 90, 150, 220)


def test_a_page_number_goes_when_asked_and_only_at_the_foot():
    page = paper((40, 60, 160, 250), (60, 50, 80, 255), (98, 290, 104, 296))
    assert content_pixels(page, RULES)[3] == 296
    assert content_pixels(page, replace(RULES, page_number=True)) == (40, 50, 160, 255)
    high = paper((40, 60, 160, 200), (60, 50, 80, 205), (98, 240, 104, 246))
    assert content_pixels(high, replace(RULES, page_number=True))[3] == 246


def test_a_page_is_cropped_and_its_words_stay_where_they_are(tmp_path):
    pdf = make_pdf(tmp_path / "a.pdf", [Sheet(text("Alpha beta gamma delta epsilon") + rectangle(300, 350, 100, 50))])
    whole = PageLoader(PageSpec()).load(pdf, 1)
    page = PageLoader(PageSpec(crop=CropRules())).load(pdf, 1)
    assert whole.crop == WHOLE_PAGE
    assert not page.blank
    x0, y0, x1, y1 = page.crop
    assert 0 < x0 < page.words.boxes[0, 0] < 0.1
    assert 0 < y0 < page.words.boxes[0, 1] < 0.15
    assert page.words.boxes.tolist() == whole.words.boxes.tolist()
    assert page.image.size == (round((x1 - x0) * whole.image.width), round((y1 - y0) * whole.image.height))
    assert PageLoader(PageSpec(crop=CropRules())).render(pdf, 1).tobytes() == page.image.tobytes()
    black = np.asarray(page.image.convert("L")) < 10
    rows, cols = np.nonzero(black[page.image.height // 2 :])
    patches = Grid.patches([Tile(page.image.height, page.image.width)]).within(page.crop)
    lowest = patches.boxes.reshape(page.image.height, page.image.width, 4)[rows.max() + page.image.height // 2, cols[0]]
    assert lowest[3] == pytest.approx(1 - 350 / 792, abs=2e-3)


@pytest.mark.parametrize("spec", [PageSpec(), PageSpec(image=False), PageSpec(words=False, crop=CropRules())])
def test_blank_pages_are_told_from_pages_without_words(tmp_path, spec):
    pdf = make_pdf(tmp_path / "a.pdf", [Sheet(), Sheet(rectangle(100, 100, 50, 50)), Sheet(text("one word"))])
    assert [PageLoader(spec).load(pdf, number).blank for number in (1, 2, 3)] == [True, False, False]
