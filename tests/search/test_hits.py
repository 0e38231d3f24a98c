"""What a hit gives besides its facts, however the index that found it is open; and what a notebook shows of it."""

import copy
import dataclasses
import pickle
import re
from html.parser import HTMLParser

import pytest
from PIL.Image import Image

from tests.conftest import ANIMALS, copy_index
from tests.pdfs import write_pdf
from tests.store.backend import Backend
from tests.store.rest import rest_server
from vrag import Hit, Hits, Index
from vrag.errors import StoreError, UsageError
from vrag.places.place import FolderPlace
from vrag.remote.remote_index import RemoteIndex
from vrag.search.notebook import MOST_PICTURES, MOST_SHOWN
from vrag.serve.serving import serving

BEES = "how do bees communicate"


@pytest.fixture(scope="module")
def document(tmp_path_factory):
    """An index whose document has hostile words, and an hostile name."""
    folder = tmp_path_factory.mktemp("hostile")
    name = "<img src=x onerror=alert(1)>&\"'.pdf"
    write_pdf(folder / name, ["</td><script>alert('bees')</script> dance <b onclick=x> & honey"])
    with Index.create(folder / "index") as index:
        index.ingest([folder / name])
        yield index


@pytest.fixture(params=["embedded", "served", "server"])
def opened(request, own, folder):
    """An index held here, one that a service holds, and one on a Qdrant server."""
    if request.param == "server":
        with rest_server(Backend()) as url, Index.create([url]) as index:
            index.ingest([folder])
            yield index
        return
    if request.param == "embedded":
        with Index.open(own) as index:
            yield index
        return
    with serving(FolderPlace(own)), Index.open(own) as index:
        assert isinstance(index, RemoteIndex)
        yield index


@pytest.fixture
def own(indexed, tmp_path):
    return copy_index(indexed, tmp_path / "own")


def test_a_hit_has_words_passage_and_picture(opened):
    hit = opened.search(BEES, 2)[0]
    assert hit.text == ANIMALS[2] == opened.page_text("animals.pdf", 3)
    assert hit.snippet == opened.snippet(BEES, hit)
    assert "dance" in hit.snippet
    assert isinstance(hit.image(), Image)
    assert hit.image().size == opened.page_image("animals.pdf", 3).size
    assert hit.image(300).width == 300
    with pytest.raises(UsageError, match="wide"):
        hit.image(0)
    with pytest.raises(UsageError, match="No page 9 of 'animals.pdf'"):
        opened.page_text("animals.pdf", 9)


@pytest.mark.parametrize("cascade", ["exact", "best"])
def test_hits_of_a_page_and_of_a_picture_have_them_too(opened, cascade, tmp_path):
    like = opened.search_like("animals.pdf", 3, 3, cascade)
    assert all(hit.snippet and hit.text for hit in like)
    opened.page_image("animals.pdf", 3).save(tmp_path / "bees.png")
    seen = opened.search_image(tmp_path / "bees.png", 1, cascade)[0]
    assert seen.text == ANIMALS[2]
    assert bool(seen.snippet) == (cascade == "best")  # no words were looked for, and no region chosen


def test_the_pages_of_an_answer_have_them_too(opened):
    assert opened.ask(BEES, 2).pages[0].text == ANIMALS[2]
    assert [step.pages[0].snippet for step in opened.ask_stream(BEES, 1)] == [opened.search(BEES, 1)[0].snippet] * 2


def test_after_the_index_is_closed_a_hit_says_so(own):
    with Index.open(own) as index:
        hit = index.search(BEES, 1)[0]
    for read in (lambda: hit.text, lambda: hit.snippet, lambda: hit.image(100)):
        with pytest.raises(UsageError, match="The index that found this hit is closed. Read its text"):
            read()
    assert "is closed" in hit._repr_html_()


def test_after_it_has_let_go_of_a_served_index_a_hit_says_so(own):
    with serving(FolderPlace(own)):
        with Index.open(own) as index:
            hit = index.search(BEES, 1)[0]
        with pytest.raises(UsageError, match="The index that found this hit is closed"):
            _ = hit.text


def test_when_the_service_has_gone_a_hit_says_so(own):
    with serving(FolderPlace(own)):
        index = Index.open(own)
        hit = index.search(BEES, 1)[0]
    with pytest.raises(StoreError, match="does not answer any more"):
        _ = hit.text
    assert "does not answer any more" in index._repr_html_()


def test_a_page_that_was_removed_is_said(tmp_path):
    file = write_pdf(tmp_path / "a.pdf", ANIMALS)
    with Index.create(tmp_path / "i") as index:
        index.ingest([file])
        hit = index.search(BEES, 1)[0]
        index.remove(index.find_documents(["a.pdf"]))
        with pytest.raises(UsageError, match="No document called 'a.pdf'"):
            _ = hit.text
        assert hit.snippet == ""


def test_what_a_hit_is_bound_to_is_none_of_its_facts(index):
    hit = index.search(BEES, 1)[0]
    facts = dataclasses.asdict(hit)
    assert Hit(**{field.name: getattr(hit, field.name) for field in dataclasses.fields(hit)}) == hit
    for other in (pickle.loads(pickle.dumps(hit)), copy.deepcopy(hit), dataclasses.replace(hit)):
        assert other == hit
        assert repr(other) == repr(hit)
        assert dataclasses.asdict(other) == facts
        with pytest.raises(UsageError, match=r"is a copy, which knows no index. .*index.page_text\(hit.doc, hit.page"):
            _ = other.text
    assert len(pickle.dumps(hit)) < 2000


def test_hits_are_a_list_whose_parts_are_hits(index):
    hits = index.search(BEES, 3)
    assert isinstance(hits, list)
    assert isinstance(hits[:2], Hits)
    assert hits[:2] == list(hits)[:2]
    assert hits[:2].query == BEES
    assert pickle.loads(pickle.dumps(hits)) == hits


class Shown(HTMLParser):
    """What a browser would make of HTML."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.said, self.marked = [], [], "", []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]

    def handle_data(self, data):
        self.said += data
        if self.tags and self.tags[-1] == "mark":
            self.marked.append(data)


def test_a_notebook_shows_hits_with_pictures_and_marked_words(opened):
    hits = opened.search("bees dance", 2)
    shown = Shown(hits._repr_html_())
    assert shown.tags.count("img") == 2
    assert {"bees", "dance"} <= set(shown.marked)
    assert "animals.pdf, page 3" in shown.said
    assert "bees dance" in shown.said
    assert "Nothing found for" in opened.search("bees", where="page=99")._repr_html_()
    page = Shown(hits[0]._repr_html_())
    assert page.tags.count("img") == 1
    assert hits[0].snippet in page.said.replace("\n", " ")


def test_the_region_is_framed(index):
    hit = index.search("bees dance", 1)[0]
    assert hit.region
    plain, framed = hit.image(480).convert("RGB"), index.search("bees dance", 1, "exact")[0]
    assert framed.region is None
    orange = sum(red > 180 and 40 < green < 110 and blue < 60 for red, green, blue in _pixels(hit._repr_html_()))
    none = sum(red > 180 and 40 < green < 110 and blue < 60 for red, green, blue in plain.get_flattened_data())
    assert orange > 100 * (none + 1)


def _pixels(html):
    import io

    from PIL import Image as Images

    from vrag.runtime.data_url import data_in

    address = re.search(r'src="([^"]+)"', html)[1]
    return Images.open(io.BytesIO(data_in(address))).get_flattened_data()


def test_a_notebook_shows_an_index(opened):
    said = Shown(opened._repr_html_()).said
    assert opened.place.name in said
    for fact in ("documents2", "pages5", "modelbuiltin", "cascadebest"):
        assert fact in said


def test_documents_are_text_in_a_notebook(document):
    hits = document.search("</b><script>bees</script> honey dance", 1)
    for html in (hits._repr_html_(), hits[0]._repr_html_(), document._repr_html_()):
        shown = Shown(html)
        assert set(shown.tags) <= {"table", "caption", "tr", "td", "img", "br", "mark", "b", "figure", "figcaption"}
        assert set(shown.attributes) <= {"style", "src", "alt", "width", "height"}
    assert "<script>alert(’bees’)</script>" in Shown(hits._repr_html_()).said
    assert "<img src=x onerror=alert(1)>" in Shown(hits._repr_html_()).said


def test_what_a_notebook_shows_is_small(tmp_path):
    file = write_pdf(tmp_path / "many.pdf", [f"Bees dance {number}" for number in range(MOST_SHOWN + 2)])
    with Index.create(tmp_path / "i") as index:
        index.ingest([file])
        html = index.search("bees dance", MOST_SHOWN + 1)._repr_html_()
        file.unlink()
        gone = index.search("bees dance", 1)._repr_html_()
    assert html.count("<img") == MOST_PICTURES
    assert html.count("<tr>") == MOST_SHOWN
    assert "and 1 more hit<" in html
    assert len(html) < 100_000
    assert "the file is not there any more" in gone
    assert "<img" not in gone
