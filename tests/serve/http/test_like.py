"""Pages like a page, and like a picture, over a real socket."""

import io
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

from tests.serve.http.test_reading import assert_problem
from vrag import Index
from vrag.runtime.data_url import data_in, data_url
from vrag.search.query_picture import MOST_BYTES
from vrag.serve.http.request_shapes import LONGEST_PICTURE

LIKE, IMAGE = "/v1/search/like", "/v1/search/image"


@pytest.fixture(scope="module")
def picture(reader):
    """Page 2 of machines.pdf."""
    buffer = io.BytesIO()
    reader.service.index.page_image("machines.pdf", 2, width=1200).save(buffer, "PNG")
    return buffer.getvalue()


def places(answer):
    assert answer.status_code == 200, answer.text
    return [(hit["doc"], hit["page"]) for hit in answer.json()["hits"]]


def test_pages_like_a_page_by_name_and_by_id(reader, animals):
    by_name = reader.post(LIKE, json={"doc": "animals.pdf", "page": 1, "k": 3})
    by_id = reader.post(LIKE, json={"doc_id": animals["id"], "page": 1, "k": 3})
    assert places(by_name) == places(by_id)
    assert ("animals.pdf", 1) not in places(by_name)
    answer = by_name.json()
    assert answer["query"] == by_id.json()["query"] == "animals.pdf:1"
    first = answer["hits"][0]
    assert first["snippet"]
    assert reader.get(first["thumbnail_url"]).status_code == 200


def test_a_picture_finds_its_page(reader, picture):
    answer = reader.post(IMAGE, json={"image": data_url(picture, "png"), "k": 1, "include": ["snippet", "text"]})
    assert places(answer) == [("machines.pdf", 2)]
    assert answer.json()["query"] == "image"
    assert "QX-4471" in answer.json()["hits"][0]["text"]
    exact = reader.post(IMAGE, json={"image": data_url(picture, "png"), "k": 1, "cascade": "exact"})
    assert places(exact) == [("machines.pdf", 2)]


def test_hits_have_pictures_for_the_asking(reader):
    answer = reader.post(LIKE, json={"doc": "animals.pdf", "page": 1, "k": 1, "include": ["image"]})
    with Image.open(io.BytesIO(data_in(answer.json()["hits"][0]["image"]))) as drawn:
        assert drawn.format == "JPEG"
    assert_problem(reader.post(LIKE, json={"doc": "a", "page": 1, "k": 21, "include": ["image"]}), 404, "'a'")
    too_many = reader.post(LIKE, json={"doc": "animals.pdf", "page": 1, "k": 21, "include": ["image"]})
    assert_problem(too_many, 422, "k is 20 at most")


@pytest.mark.parametrize(
    ("asked", "status", "says"),
    [
        ({"page": 1}, 400, "Neither"),
        ({"doc": "animals.pdf", "doc_id": "0" * 64, "page": 1}, 400, "both name"),
        ({"doc": "none.pdf", "page": 1}, 404, "none.pdf"),
        ({"doc_id": "0" * 64, "page": 1}, 404, "no such document"),
        ({"doc": "animals.pdf", "page": 4}, 404, "no page 4"),
        ({"doc": "animals.pdf", "page": 0}, 422, "page"),
        ({"doc": "animals.pdf", "page": 1, "where": "doc=none.pdf"}, 400, "none.pdf"),
        ({"doc": "animals.pdf", "page": 1, "words": "typed"}, 422, "words"),
    ],
)
def test_a_page_that_cannot_be_asked_is_a_problem(reader, asked, status, says):
    assert_problem(reader.post(LIKE, json=asked), status, says)


@pytest.mark.parametrize(
    ("image", "status", "says"),
    [
        ("", 422, "image"),
        ("https://example.com/a.png", 400, "no data URI"),
        ("data:image/png,abc", 400, "no data URI"),
        ("data:image/png;base64,a!", 400, "no data URI"),
        ("data:image/png;base64,", 400, "The picture is empty"),
        ("data:image/png;base64,aGVsbG8=", 400, "it is no PNG"),
    ],
)
def test_a_picture_that_cannot_be_asked_is_a_problem(reader, image, status, says):
    assert_problem(reader.post(IMAGE, json={"image": image}), status, says)


def test_a_picture_may_be_as_long_as_it_is_told_and_no_longer(reader):
    longest = reader.post(IMAGE, json={"image": data_url(bytes(MOST_BYTES))})
    assert_problem(longest, 400, "it is no PNG")
    assert_problem(reader.post(IMAGE, json={"image": "x" * (LONGEST_PICTURE + 1)}), 422, "at most")
    assert_problem(reader.post(IMAGE, json={"image": "x" * (33 << 20)}), 413, "too long")


def test_another_process_asks_the_service(reader, picture):
    with Index.open(reader.url) as index:
        assert index.search_like("animals.pdf", 1) == reader.service.index.search_like("animals.pdf", 1)
        assert index.search_image(picture, 1) == reader.service.index.search_image(picture, 1)


def test_nobody_who_searches_waits_for_a_picture_to_be_read(reader, picture, monkeypatch):
    index, is_read, goes_on = reader.service.index, threading.Event(), threading.Event()
    real = index.read_image

    def slow(data):
        is_read.set()
        assert goes_on.wait(60)
        return real(data)

    monkeypatch.setattr(index, "read_image", slow)
    monkeypatch.setattr(reader.service, "_places", threading.BoundedSemaphore(1))
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(reader.post, IMAGE, json={"image": data_url(picture, "png"), "k": 1})
        try:
            assert is_read.wait(60)
            assert reader.post("/v1/search", json={"query": "honey bees", "k": 1}).status_code == 200
        finally:
            goes_on.set()
        assert places(asked.result()) == [("machines.pdf", 2)]
