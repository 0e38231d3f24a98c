"""Words of a page as text for a language model."""

import numpy as np

from vrag.pages.page import Words
from vrag.pages.readable_text import readable_text

TABLE = [  # text, line, left, right
    ("Capital", 0, 0.10, 0.16), ("expenditures", 0, 0.17, 0.28), ("2025", 0, 0.60, 0.65), ("2024", 0, 0.80, 0.85),
    ("Notes", 1, 0.10, 0.15), (".......", 1, 0.16, 0.50), ("12", 1, 0.51, 0.53),
]  # fmt: skip


def test_cells_stand_apart_and_words_do_not():
    boxes = np.array([(left, 0.1 * line, right, 0.1 * line + 0.05) for _, line, left, right in TABLE], np.float32)
    words = Words(tuple(row[0] for row in TABLE), boxes, np.array([row[1] for row in TABLE], np.int32))
    assert readable_text(words) == "Capital expenditures | 2025 | 2024\nNotes ... 12"


def test_a_page_without_words_has_no_text():
    assert readable_text(Words()) == ""
