"""What retrievers hand out of a page, whatever the framework."""

import json
import subprocess
import sys

import numpy as np
import pytest

from tests.conftest import ANIMALS, copy_index
from tests.integrations.conftest import Changed
from vrag import Index
from vrag.errors import PageError, UsageError
from vrag.integrations.retrieval import Retrieval, check_index
from vrag.pages.page import Words
from vrag.search.hits_json import hits_json

QUERY = "Where do honey bees find nectar?"


def test_a_page_has_its_words_and_what_json_has_of_its_hit(index):
    (page,) = Retrieval(k=1).run(index, QUERY)
    (hit,) = index.search(QUERY, 1)
    assert page.text == ANIMALS[2]
    wanted = {**hits_json([hit])[0], "snippet": index.snippet(QUERY, hit)}
    assert page.metadata == json.loads(json.dumps(wanted))
    assert page.metadata["snippet"]
    assert page.image == ""


def test_cells_of_a_table_stand_apart(index):
    words = Words(("Revenue", "42"), np.array([(0.1, 0, 0.2, 0.1), (0.7, 0, 0.8, 0.1)], np.float32), np.zeros(2, int))
    (page,) = Retrieval(k=1).run(Changed(index, page_words=lambda *_: words), QUERY)
    assert page.text == "Revenue | 42"


def test_the_text_may_be_the_snippet(index):
    (page,) = Retrieval(k=1, text="snippet").run(index, QUERY)
    assert page.text == page.metadata["snippet"] != ""


def test_what_a_search_can_be_told_is_passed_on(index):
    pages = Retrieval(k=9, cascade="exact", where="doc=machines.pdf", words="exact").run(index, "oil filter")
    assert [(page.hit.doc, page.hit.page) for page in pages] == [("machines.pdf", 1)]
    assert list(pages[0].metadata["stages"]) == ["full"]
    assert Retrieval(k=2).run(index, "oil filter")[1:]  # without them there are others


def test_pages_that_are_not_relevant_are_left_out(index):
    relevant = Retrieval(k=1).run(index, QUERY)[0].metadata["relevance"]
    asked = "Which insurance covers volcanic eruptions?"
    assert len(Retrieval().run(index, asked)) == 5
    assert Retrieval(min_relevance=relevant).run(index, asked) == []
    assert [page.hit.page for page in Retrieval(min_relevance=relevant - 1e-3).run(index, QUERY)] == [3]


def test_a_service_is_asked_the_same_way(served, index):
    settings = Retrieval(k=2, image_width=200)
    assert settings.run(served, QUERY)[0].text == settings.run(index, QUERY)[0].text
    assert settings.run(served, QUERY)[0].image


def test_a_page_that_is_removed_between_search_and_reading_is_left_out(indexed, tmp_path):
    with Index.open(copy_index(indexed, tmp_path / "own")) as own:

        def search(*arguments):
            hits = own.search(*arguments)
            own.remove(own.find_documents(["animals.pdf"]))
            return hits

        pages = Retrieval(k=5).run(Changed(own, search=search), "oil filter")
    assert {page.hit.doc for page in pages} == {"machines.pdf"}
    assert len(pages) == 2


def test_a_page_that_cannot_be_drawn_says_so_and_keeps_its_words(index):
    def page_image(*_, **__):
        raise PageError("animals.pdf, page 3: the file is not there any more.", "Ingest it again.")

    (page,) = Retrieval(k=1, image_width=300).run(Changed(index, page_image=page_image), QUERY)
    assert (page.text, page.image) == (ANIMALS[2], "")
    assert page.metadata["image_missing"] == "animals.pdf, page 3: the file is not there any more. Ingest it again."


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"text": "words"}, "A page has no text 'words'. It is one of: page, snippet."),
        ({"words": "all"}, "words cannot be 'all'. They are one of: plain, typed, exact."),
        ({"image_width": 0}, "A page is drawn 1 to 4,400 pixels wide, not 0."),
        ({"k": 0}, "0"),
        ({"where": "doc=none.pdf"}, "none.pdf"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(index, settings, said):
    with pytest.raises(UsageError) as refused:
        Retrieval(**settings).run(index, QUERY)
    assert said in str(refused.value)


def test_the_folder_of_an_index_is_no_index():
    with pytest.raises(UsageError, match=r"wants an open index, not 'my-index'\. Open it first"):
        check_index("my-index")


@pytest.mark.parametrize(
    ("module", "package", "extra"),
    [("langchain", "langchain_core", "langchain"), ("llama_index", "llama_index.core", "llamaindex")],
)
def test_without_its_framework_a_retriever_says_how_to_get_it(module, package, extra):
    code = f"import sys; sys.modules[{package!r}] = None; import vrag.integrations.{module}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.splitlines()[-1].endswith(f'Get it with: pip install "vrag-toolkit[{extra}]"')
