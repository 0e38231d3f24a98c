"""Pictures that are kept, and drawn once however many ask."""

import threading
from pathlib import Path

import pytest
from PIL import Image

from vrag.catalog.documents import Document
from vrag.errors import PageError
from vrag.serve.http import drawn_pages
from vrag.serve.http.drawn_pages import Pictures

DOCUMENT = Document("0" * 64, ("/a.pdf",), 9)


class Drawing:
    """An index that draws, slowly when it is told to."""

    def __init__(self):
        self.drawn, self.error = [], None
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.go_on.set()

    def draw(self, file, document, page, width):
        self.drawn.append(page)
        self.begun.set()
        assert self.go_on.wait(30)
        if self.error is not None:
            raise self.error
        return Image.effect_noise((width, 80), page)


def get(pictures, page, width=64):
    return pictures.get(Path("/a.pdf"), DOCUMENT, page, width, "png")


def test_many_who_ask_for_a_page_at_once_have_it_drawn_once():
    drawing = Drawing()
    pictures, found = Pictures(drawing), []
    drawing.go_on.clear()
    asking = [threading.Thread(target=lambda: found.append(get(pictures, 1))) for _ in range(8)]
    for one in asking:
        one.start()
    assert drawing.begun.wait(30)
    drawing.go_on.set()
    for one in asking:
        one.join()
    assert drawing.drawn == [1]
    assert len(found) == 8
    assert set(found) == {get(pictures, 1)}


def test_only_so_many_bytes_are_kept_those_used_last():
    drawing = Drawing()
    size = len(get(Pictures(drawing), 1))
    pictures = Pictures(drawing, most=size * 5 // 2)
    drawing.drawn.clear()
    for page in (1, 2, 1, 3, 1):
        get(pictures, page)
    assert drawing.drawn == [1, 2, 3]
    get(pictures, 2)
    assert drawing.drawn == [1, 2, 3, 2]


def test_a_page_that_cannot_be_drawn_is_not_tried_again_at_once(monkeypatch):
    drawing = Drawing()
    pictures = Pictures(drawing)
    drawing.error = PageError("it took longer than 120 s.", "Wait.")
    for _ in range(2):
        with pytest.raises(PageError, match="longer than 120 s"):
            get(pictures, 1)
    assert drawing.drawn == [1]
    drawing.error = None
    assert get(pictures, 2)
    monkeypatch.setattr(drawn_pages, "FAILED_S", 0.0)
    assert get(pictures, 1)
