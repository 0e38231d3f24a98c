"""Whether a model sees is found out with a picture, once, and no question fails of it."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.llm.endpoint import PATIENCE_S, Reply, error
from vrag.errors import LlmError
from vrag.llm import sight
from vrag.llm.endpoint import Endpoint
from vrag.llm.sight import sees_images
from vrag.pages.ocr import read_words


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(sight.platformdirs, "user_cache_path", lambda name: tmp_path / "cache" / name)
    return tmp_path / "cache" / "vrag" / "sight"


def reading(asked):
    """What a model says that reads the picture, with words around it."""
    assert "Which digits" in asked.text
    (picture,) = asked.pictures
    return f"The digits are: {' '.join(''.join(read_words(picture).texts))}."


def sees(endpoint, **named):
    with Endpoint(endpoint.llm(**named)) as way:
        return sees_images(way)


def test_a_model_that_reads_pictures_is_known_to_from_then_on(endpoint, cache):
    endpoint.answering = reading
    assert sees(endpoint)
    assert len(endpoint.asked) == 1
    assert sees(endpoint)
    assert len(endpoint.asked) == 1
    assert len([*cache.iterdir()]) == 1
    endpoint.answering = lambda asked: "I see nothing."
    assert not sees(endpoint, model="another")
    assert len(endpoint.asked) == 2


@pytest.mark.parametrize(
    "reply",
    ["I cannot see pictures.", "12345", "", error("Invalid content type."), error("image input is not supported", 500),
     Reply(status=415), Reply(status=501)],
)  # fmt: skip
def test_one_that_does_not_is_known_too(endpoint, reply, monkeypatch):
    monkeypatch.setattr(sight.secrets, "choice", lambda digits: "7")  # or one that guesses were right now and then
    endpoint.will_say(reply)
    assert not sees(endpoint)
    assert not sees(endpoint)
    assert len(endpoint.asked) == 1


@pytest.mark.parametrize("age", [sight.KEPT_S + 1, -3600])
def test_it_is_found_out_anew_after_a_day_for_another_model_may_have_the_name(endpoint, cache, age):
    endpoint.will_say("I see nothing.")
    assert not sees(endpoint)
    endpoint.will_say()
    endpoint.answering = reading
    (file,) = cache.iterdir()
    made = file.stat().st_mtime
    os.utime(file, (made, made - sight.KEPT_S + 60))
    assert not sees(endpoint)
    os.utime(file, (made, made - age))  # or by a clock that was put back since
    assert sees(endpoint)
    assert len(endpoint.asked) == 2
    assert sees(endpoint)
    assert len(endpoint.asked) == 2


@pytest.mark.parametrize("reply", [Reply(status=503), Reply(status=429), Reply(status=401), Reply(cut=True)])
def test_a_fault_that_may_pass_says_nothing_of_the_model(endpoint, reply):
    endpoint.will_say(reply)
    assert not sees(endpoint)
    assert len(endpoint.asked) == 1
    endpoint.will_say()
    endpoint.answering = reading
    assert sees(endpoint)


def test_a_folder_that_cannot_be_written_and_a_file_of_something_else_are_no_matter(endpoint, cache):
    endpoint.answering = reading
    cache.parent.mkdir(parents=True)
    cache.write_text("no folder")
    assert sees(endpoint)
    cache.unlink()
    assert sees(endpoint)
    next(cache.iterdir()).write_bytes(b"\xff\x00")
    assert sees(endpoint)
    assert len(endpoint.asked) == 3


def test_two_may_find_it_out_at_once(endpoint, cache):
    both = threading.Barrier(2, timeout=PATIENCE_S)

    def answer(asked):
        both.wait()
        return reading(asked)

    endpoint.answering = answer
    with ThreadPoolExecutor(2) as threads:
        assert [*threads.map(lambda _: sees(endpoint), range(2))] == [True, True]
    assert [file.read_text() for file in cache.iterdir()] == ["images"]
    assert sees(endpoint)
    assert len(endpoint.asked) == 2


def test_where_there_is_no_model_that_is_said(endpoint):
    endpoint.models = []
    with pytest.raises(LlmError, match="lists no model"):
        sees(endpoint, model=None)
