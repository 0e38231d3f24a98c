"""What a model is shown of pages: pictures and words, the best first, as much as it has room for."""

import pytest

from tests.conftest import copy_index
from tests.llm.endpoint import MODEL, claims, error
from tests.pdfs import write_pdf
from vrag import Index
from vrag.ask.asking import NOTHING
from vrag.ask.showing import MOST_BYTES, MOST_PICTURES, SIDE, Room, show
from vrag.ask.writing import TOKENS, write
from vrag.errors import LlmError
from vrag.llm import sight
from vrag.llm.message import Picture
from vrag.pages.page import Words
from vrag.places.place import FolderPlace
from vrag.remote.remote_index import RemoteIndex
from vrag.serve.serving import serving

QUESTION = "How often is the oil filter of the diesel engine replaced?"
FENCE = "==== x ===="


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    """Three pages of many words, on each of which another thing is said at the top."""
    folder = tmp_path_factory.mktemp("long")
    lines = "\n".join(
        f"Line {i} of the pump station tells of valves and of the pressure that they bear" for i in range(40)
    )
    write_pdf(folder / "pumps.pdf", [f"The pump number {n} was built in Hall {n}\n{lines}" for n in range(3)])
    with Index.create(folder / "index") as opened:
        opened.ingest([folder / "pumps.pdf"])
        yield opened


def test_words_alone(index, endpoint):
    index.ask(QUESTION, k=2, llm=endpoint.llm(sees="text"))
    asked = endpoint.asked[0]
    assert asked.pictures == []
    assert asked.sources == [1, 2]
    assert asked.pages[0] == "Replace the oil filter of the diesel engine\nafter every 500 hours of operation."
    assert isinstance(asked.body["messages"][1]["content"], str)  # models without eyes take nothing else


def test_pictures_and_words_each_behind_its_label(index, endpoint):
    index.ask(QUESTION, k=2, llm=endpoint.llm(sees="both"))
    parts = endpoint.asked[0].body["messages"][1]["content"]
    kinds = ["picture" if part["type"] == "image_url" else part["text"].split()[0] for part in parts]
    assert kinds[:3] == ["Source", "====", "picture"]
    assert kinds[-1] == "The"  # question
    assert parts[0]["text"] == 'Source 1: "machines.pdf", page 1.'
    pages = [picture for picture in endpoint.asked[0].pictures if max(picture.size) == SIDE]
    assert [picture.size for picture in pages] == [(989, SIDE)] * 2


def test_pictures_alone(index, endpoint):
    answer = index.ask(QUESTION, k=1, llm=endpoint.llm(sees="images"))
    assert endpoint.asked[0].pages == []
    assert "Replace the oil" not in endpoint.asked[0].text
    assert len(endpoint.asked[0].pictures) >= 1
    assert not answer.found  # the stub quotes what it reads, and it was shown nothing to read


def test_the_region_that_answers_is_shown_as_sharp_as_it_was_drawn(long, endpoint):
    (hit,) = long.search("Who built the pump number 1?", 1)
    x0, y0, x1, y1 = hit.region
    long.ask("Who built the pump number 1?", k=1, llm=endpoint.llm(sees="images"))
    page, region = endpoint.asked[0].pictures
    assert page.size == (989, SIDE)
    assert region.width == pytest.approx((x1 - x0 + 0.04) * 1700, abs=40)
    assert region.height == pytest.approx((y1 - y0 + 0.04) * 2200, abs=40)
    assert "Source 1, the part of it" in endpoint.asked[0].text


def test_whether_it_sees_is_found_out_where_nobody_says(index, endpoint, tmp_path, monkeypatch):
    monkeypatch.setattr(sight.platformdirs, "user_cache_path", lambda name: tmp_path / name)
    index.ask(QUESTION, k=1, llm=endpoint.llm(sees="auto"))
    assert [len(asked.pictures) for asked in endpoint.asked] == [1, 0]
    monkeypatch.setattr(sight.secrets, "choice", lambda digits: "7")
    endpoint.answering = lambda asked: "77777" if "Which digits" in asked.text else claims(found=False)
    index.ask(QUESTION, k=1, llm=endpoint.llm(sees="auto", model="eyes"))
    assert endpoint.asked[3].pictures
    assert endpoint.asked[3].pages


def test_the_best_pages_are_shown_where_there_is_no_room_for_all(long):
    hits = long.search("Who built the pump number 1?", 3)
    everything, nothing_left_out = show(long, hits, "both", Room(TOKENS), FENCE)
    assert (len(everything), nothing_left_out) == (3, [])
    sources, left_out = show(long, hits, "text", Room(1800), FENCE)
    assert [source.hit for source in sources] == hits[:2]
    names = [f"pumps.pdf, page {hit.page}" for hit in hits]
    assert left_out == [
        f"Only the first words of {names[1]}, were shown to the model: there was no room for more.",
        "There was no room for 1 more page, which the model was not shown.",
    ]
    assert sources[1].parts[1].startswith(f"{FENCE}\nThe pump number")
    assert sources[1].parts[1].endswith(f"bear\n{FENCE}")  # whole lines
    assert len(sources[1].words) > 500  # a quote is looked for among all of them


def test_where_both_have_no_room_a_page_is_shown_as_words(long):
    hits = long.search("Who built the pump number 1?", 1)
    (source,), left_out = show(long, hits, "both", Room(1500), FENCE)
    assert not any(isinstance(part, Picture) for part in source.parts)
    assert left_out == [
        f"The picture of pumps.pdf, page {hits[0].page}, was not shown to the model: there was no room for it."
    ]


def test_pictures_of_pages_come_before_those_of_regions(long):
    hits = long.search("Who built the pump number 1?", 3)
    kinds = {}
    for most in (0, 1, 4, MOST_PICTURES):
        sources, left_out = show(long, hits, "both", Room(TOKENS, most), FENCE)
        counts = [sum(isinstance(part, Picture) for part in source.parts) for source in sources]
        kinds[most] = counts, len(left_out)
    assert kinds == {0: ([0, 0, 0], 3), 1: ([1, 0, 0], 2), 4: ([2, 1, 1], 0), 8: ([2, 2, 2], 0)}


def test_a_picture_is_smaller_where_there_is_little_room(long):
    hits = long.search("Who built the pump number 1?", 1)
    (source,), left_out = show(long, hits, "images", Room(1200), FENCE)
    assert left_out == []
    assert 1100 < source.parts[1].tokens <= 1200
    assert show(long, hits, "images", Room(700), FENCE)[0] == []  # nobody could read it


def test_a_model_that_takes_few_pictures_is_shown_few_and_that_is_remembered(long, endpoint):
    endpoint.answering = lambda asked: (
        error("At most 2 image(s) may be provided in one request.") if len(asked.pictures) > 2 else claims(found=False)
    )
    for asks in (2, 3):
        answer = long.ask("Who built the pump number 1?", k=3, llm=endpoint.llm(sees="both", model="few"))
        assert len(endpoint.asked) == asks
        assert len(endpoint.asked[-1].pictures) == 2
        assert len(answer.left_out) == 1
    endpoint.will_say(error("At most 2 image(s) may be provided in one request."))
    with pytest.raises(LlmError, match="At most 2"):
        long.ask("Who built the pump number 1?", k=3, llm=endpoint.llm(sees="both", model="few"))


def test_bytes_are_bounded_too(long):
    hits = long.search("Who built the pump number 1?", 3)
    (first,), _ = show(long, hits[:1], "images", Room(TOKENS), FENCE)
    size = sum(len(part.jpeg) for part in first.parts if isinstance(part, Picture))
    sources, left_out = show(long, hits, "images", Room(TOKENS, bytes=size), FENCE)
    assert [source.hit for source in sources] == hits[:1]
    assert len(left_out) == 2
    assert MOST_BYTES * 4 / 3 < 20_000_000


def test_the_room_is_what_the_endpoint_says(long, endpoint):
    endpoint.models = [{"id": MODEL, "max_model_len": 4800}]
    answer = long.ask("Who built the pump number 1?", k=3, llm=endpoint.llm())
    assert endpoint.asked[0].sources == [1, 2]
    assert len(answer.left_out) == 2


def test_a_model_that_has_less_room_than_was_thought_is_shown_less(long, endpoint):
    endpoint.answering = lambda asked: (
        error("maximum context length is 4096 tokens") if len(asked.text) > 8000 else claims(found=False)
    )
    answer = long.ask("Who built the pump number 1?", k=3, llm=endpoint.llm())
    lengths = [len(asked.text) for asked in endpoint.asked]
    assert len(lengths) == 2
    assert answer.left_out[0] == "The model has less room than was thought, so it was shown less."
    assert lengths[-1] <= 8000 < lengths[0]
    endpoint.will_say(error("maximum context length is 1 token"))
    endpoint.asked.clear()
    with pytest.raises(LlmError, match="context length"):
        long.ask("Who built the pump number 1?", llm=endpoint.llm())
    assert len(endpoint.asked) == 4


def test_an_endpoint_that_leaves_out_what_has_no_room_is_found_out(long, endpoint):
    assert long.ask("Who built the pump number 1?", llm=endpoint.llm()).left_out == ()
    endpoint.room = 1000
    (said,) = long.ask("Who built the pump number 1?", llm=endpoint.llm()).left_out
    assert said.startswith("The model has read 1,000 tokens, where it was shown ")


def test_a_page_whose_file_is_gone_is_shown_as_its_words(folder, tmp_path, endpoint):
    copy = write_pdf(tmp_path / "gone.pdf", ["The mill wheel turns once a minute."])
    with Index.create(tmp_path / "i") as index:
        index.ingest([copy])
        copy.unlink()
        answer = index.ask("How often does the mill wheel turn?", llm=endpoint.llm(sees="both"))
    assert answer.found
    assert endpoint.asked[0].pictures == []
    (said,) = answer.left_out
    assert said.startswith("The picture of gone.pdf, page 1, was not shown to the model: ")


def test_where_there_is_nothing_to_show_no_model_is_asked(index, endpoint):
    class Blank:
        """An index whose pages have no words."""

        search = index.search

        def page_words(self, doc, page):
            return Words()

    *_, answer = write(Blank(), endpoint.llm(), QUESTION, 1, (), ())
    assert (answer.found, answer.answer, answer.model) == (False, NOTHING, MODEL)
    assert answer.left_out == ("machines.pdf, page 1, was not shown to the model: it has no words.",)
    assert endpoint.asked == []


def test_an_index_that_a_service_holds_gives_the_same(indexed, tmp_path, endpoint):
    own = copy_index(indexed, tmp_path / "own")
    with Index.open(own) as index:
        here = index.ask(QUESTION, llm=endpoint.llm(sees="both"))
    with serving(FolderPlace(own)), Index.open(own) as index:
        assert isinstance(index, RemoteIndex)
        there = index.ask(QUESTION, llm=endpoint.llm(sees="both"))
    assert there == here
    assert here.found
    first, second = endpoint.asked
    assert [picture.size for picture in second.pictures] == [picture.size for picture in first.pictures]
    assert second.pages == first.pages
