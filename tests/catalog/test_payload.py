"""What is kept of a page comes back."""

import json
from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vrag.catalog.payload import page_grid, page_payload, page_words
from vrag.grid import Grid, Tile
from vrag.pages.page import Page, Words

texts = st.text(st.characters(exclude_categories=("Cs", "Cc", "Z")), min_size=1, max_size=12)


def a_page(words):
    boxes = np.random.default_rng(0).uniform(0, 1, (len(words), 4)).astype(np.float32)
    return Page(3, 612.0, 792.0, Words(tuple(words), boxes, np.arange(len(words), dtype=np.int32)), "layer")


@given(st.lists(texts, max_size=60))
def test_words_come_back(words):
    page = a_page(words)
    payload = json.loads(json.dumps(page_payload(page, page.words.grid(), "id")))
    back = page_words(payload)
    assert back.texts == tuple(words)
    np.testing.assert_allclose(back.boxes, page.words.boxes, atol=1e-5)
    np.testing.assert_array_equal(back.lines, page.words.lines)
    assert len(page_grid(payload)) == len(words)


def test_a_patch_grid_comes_back_exactly():
    grid = Grid.patches([Tile(2, 3, (0.0, 0.0, 1.0, 0.75)), Tile(1, 1, is_global=True)])
    back = page_grid(json.loads(json.dumps(page_payload(a_page(["a"]), grid, "id"))))
    assert back.tiles == grid.tiles
    np.testing.assert_array_equal(back.boxes, grid.boxes)


def test_a_grid_of_its_own_is_kept_beside_the_words():
    grid = Grid.free([[0.0, 0.0, 1.0, 1.0]])
    payload = page_payload(a_page(["a", "b"]), grid, "id")
    assert page_grid(payload).boxes.tolist() == [[0.0, 0.0, 1.0, 1.0]]
    assert len(page_words(payload)) == 2


def test_five_hundred_words_stay_small():
    words = [f"word{n}" for n in range(500)]
    payload = page_payload(a_page(words), a_page(words).words.grid(), "id")
    del payload["text"]  # the engine indexes it, so it stays as it is
    assert len(json.dumps(payload)) < 9_000


def test_the_crop_and_a_blank_page_are_told_and_nothing_else_is():
    page = replace(a_page(["a"]), crop=(0.1, 0.2, 0.9, 0.7), blank=True)
    payload = json.loads(json.dumps(page_payload(page, page.words.grid(), "id")))
    assert (payload["crop"], payload["blank"]) == ([0.1, 0.2, 0.9, 0.7], True)
    assert not {"crop", "blank"} & page_payload(a_page(["a"]), page.words.grid(), "id").keys()
