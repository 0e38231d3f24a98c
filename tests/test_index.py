"""The Python API on real pages with the real model."""

import json

import numpy as np
import pytest
from PIL import Image

from tests.conftest import ANIMALS, MACHINES
from tests.pdfs import write_pdf
from vrag import Index, VragError
from vrag.embedders.function_words import FUNCTION_WORDS
from vrag.errors import IndexMismatchError, StoreError, UsageError
from vrag.pages.load import PageLoader
from vrag.pages.page import PageSpec
from vrag.pipeline.pipeline import load_pipeline
from vrag.store.interface import Condition, Selection

PAGES = [("animals.pdf", 1), ("animals.pdf", 2), ("animals.pdf", 3), ("machines.pdf", 1), ("machines.pdf", 2)]


@pytest.fixture
def index(indexed):
    with Index.open(indexed) as index:
        yield index


def places(hits):
    return [(hit.doc, hit.page) for hit in hits]


@pytest.mark.parametrize("cascade", ["exact", "two-stage", "three-stage"])
@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("which animal hunts blue sheep", ("animals.pdf", 1)),
        ("birds on the ice in winter", ("animals.pdf", 2)),
        ("how do bees communicate", ("animals.pdf", 3)),
        ("oil filter change interval", ("machines.pdf", 1)),
        ("QX-4471", ("machines.pdf", 2)),
    ],
)
def test_the_right_page_is_on_top(index, query, place, cascade):
    assert places(index.search(query, cascade=cascade))[0] == place


def test_exact_equals_maxsim_over_the_stored_vectors(index):
    query = index.embed_query("penguins eat krill")
    scores = {place: float((query @ index.vectors(*place).T).max(axis=1).sum()) for place in PAGES}
    hits = index.search("penguins eat krill", cascade="exact")
    assert places(hits) == sorted(PAGES, key=lambda place: -scores[place])
    for hit in hits:
        assert hit.score == pytest.approx(scores[hit.doc, hit.page], rel=1e-3)


def test_stages_tell_the_score_in_each_of_them(index):
    hits = index.search("penguins", cascade="three-stage")
    for hit in hits:
        assert list(hit.stages) == ["global", "runs", "full"]
        assert hit.stages["full"] == hit.score
        pooled, query = index.vectors(hit.doc, hit.page, "runs"), index.embed_query("penguins")
        assert hit.stages["runs"] == pytest.approx(float((query @ pooled.T).max(axis=1).sum()), rel=2e-3)


def test_where_keeps_to_one_document(index):
    hits = index.search("oil filter", where="doc=animals.pdf")
    assert {hit.doc for hit in hits} == {"animals.pdf"}
    assert len(hits) == 3
    assert places(index.search("oil", where=["doc=machines.pdf", "page=2"])) == [("machines.pdf", 2)]


def test_hits_are_ranked_from_one_and_no_more_than_asked(index):
    hits = index.search("ice", k=2)
    assert [hit.rank for hit in hits] == [1, 2]
    assert hits[0].path.endswith("animals.pdf")
    assert [hit.doc_id for hit in hits] == [index.find_documents([hit.doc])[0].doc_id for hit in hits]


def test_vectors_are_unit_rows_of_words(index):
    full = index.vectors("animals.pdf", 1)
    assert full.dtype == np.float32
    content = [word for word in ANIMALS[0].split() if word.lower() not in FUNCTION_WORDS]
    assert full.shape == (len(content), index.embedder.dim)
    np.testing.assert_allclose(np.linalg.norm(full, axis=1), 1, atol=2e-3)
    assert index.vectors("animals.pdf", 1, "global").shape == (index.embedder.dim,)


def test_page_image_is_the_rendered_page(index):
    image = index.page_image("machines.pdf", 1)
    assert image.mode == "RGB"
    assert image.size == (1224, 1584)
    assert image.convert("L").getextrema()[0] < 100


def test_the_snippet_is_text_of_the_page(index):
    hit = index.search("bees dance")[0]
    assert "dance" in index.snippet("bees dance", hit)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"query": ""}, "empty"),
        ({"query": "   "}, "empty"),
        ({"query": "x", "k": 0}, "k must be a whole number from 1"),
        ({"query": "x", "cascade": "four-stage"}, "unknown cascade"),
        ({"query": "x", "where": "colour=red"}, "Unknown filter key 'colour'"),
        ({"query": "x", "where": "doc"}, "not KEY=VALUE"),
        ({"query": "x", "where": "doc=none.pdf"}, "No document called 'none.pdf'"),
        ({"query": "x", "where": "page=0"}, "page number from 1"),
    ],
)
def test_bad_arguments_are_sentences(index, arguments, says):
    with pytest.raises(UsageError, match=says):
        index.search(**arguments)


def test_a_query_has_the_length_of_a_question(index):
    with pytest.raises(UsageError, match="longer than 20000 characters"):
        index.search("penguin " * 10_000)


def test_bad_places_are_sentences(index):
    with pytest.raises(UsageError, match="No page 9 of 'animals.pdf'"):
        index.vectors("animals.pdf", 9)
    with pytest.raises(UsageError, match="No vector 'nope'"):
        index.vectors("animals.pdf", 1, "nope")


def test_strange_queries_are_answered(index):
    assert len(index.search("zzxqv wkqj")) == 5
    assert len(index.search("penguin " * 2_500)) == 5
    assert len(index.search("企鹅 \N{PENGUIN} \x00")) == 5


def test_a_second_ingest_does_nothing(tmp_path, folder):
    with Index.create(tmp_path / "i") as index:
        assert index.ingest([folder]).added == 5
        again = index.ingest([folder])
        assert (again.added, again.unchanged, again.pages, again.documents) == (0, 5, 5, 2)


def test_a_changed_file_replaces_its_pages(tmp_path):
    file = write_pdf(tmp_path / "d" / "a.pdf", ANIMALS)
    with Index.create(tmp_path / "i") as index:
        index.ingest([file])
        write_pdf(file, MACHINES)
        assert index.ingest([file]).added == 2
        assert index.page_count == 2
        assert places(index.search("oil filter"))[0] == ("a.pdf", 1)


def test_a_count_of_pages_from_before_a_change_is_not_kept(tmp_path):
    first, second = write_pdf(tmp_path / "a.pdf", ANIMALS), write_pdf(tmp_path / "b.pdf", MACHINES)
    with Index.create(tmp_path / "i") as index:
        index.ingest([first])
        count = index.documents.page_count

        def overtaken():
            """As a thread counts that is still at it when another one's ingest ends."""
            pages, index.documents.page_count = count(), count
            index.ingest([second])
            return pages

        index.documents.page_count = overtaken
        assert index.page_count == len(ANIMALS)
        assert index.page_count == len(ANIMALS) + len(MACHINES)
        index.remove(index.find_documents(["b.pdf"]))
        assert index.page_count == len(ANIMALS)


def test_a_copy_is_linked_and_not_embedded_again(tmp_path):
    write_pdf(tmp_path / "d" / "a.pdf", ANIMALS)
    write_pdf(tmp_path / "d" / "copy.pdf", ANIMALS)
    with Index.create(tmp_path / "i") as index:
        report = index.ingest([tmp_path / "d"])
        assert (report.added, report.documents, report.copies, index.page_count) == (3, 1, 1, 3)
        assert len(index.search("bees", where="doc=copy.pdf")) == 3


def test_equal_names_are_two_documents(tmp_path):
    write_pdf(tmp_path / "d" / "x" / "r.pdf", ANIMALS)
    write_pdf(tmp_path / "d" / "y" / "r.pdf", MACHINES)
    with Index.create(tmp_path / "i") as index:
        index.ingest([tmp_path / "d"])
        assert {hit.doc for hit in index.search("bees")} == {"x/r.pdf", "y/r.pdf"}
        assert {hit.doc for hit in index.search("bees", where="doc=y/r.pdf")} == {"y/r.pdf"}
        assert index.vectors("x/r.pdf", 3).shape[1] == index.embedder.dim


def test_equal_pages_are_ranked_the_same_way_each_time(tmp_path):
    for name in "cab":
        write_pdf(tmp_path / "d" / f"{name}.pdf", [ANIMALS[0], name])
    with Index.create(tmp_path / "i") as index:
        index.ingest([tmp_path / "d"])
        top = [places(index.search("snow leopard", k=k, cascade=c)) for k in (3, 2) for c in ("exact", "two-stage")]
        assert top[0] == top[1] == [("a.pdf", 1), ("b.pdf", 1), ("c.pdf", 1)]
        assert top[2] == top[3] == top[0][:2]


def test_an_image_is_a_document(tmp_path):
    folder = tmp_path / "d"
    folder.mkdir()
    Image.new("RGB", (300, 200), "white").save(folder / "blank.png")
    frames = [Image.new("L", (200, 300), 255) for _ in range(2)]
    frames[0].save(folder / "two.tiff", save_all=True, append_images=frames[1:])
    with Index.create(tmp_path / "i") as index:
        report = index.ingest([folder])
        assert (report.documents, report.pages, report.failed) == (2, 3, [])
        assert len(index.search("anything")) == 3


def test_a_blank_page_is_indexed_and_marked(tmp_path):
    write_pdf(tmp_path / "d" / "a.pdf", [ANIMALS[0], ""])
    with Index.create(tmp_path / "i") as index:
        assert index.ingest([tmp_path / "d"]).pages == 2
        pages = index.stored.store.scroll(Selection((Condition("kind", ("page",)),)))
        blank = {record.payload["page"]: record.payload.get("blank", False) for record in pages}
    assert blank == {1: False, 2: True}


def test_a_cropped_picture_is_what_page_image_shows(tmp_path):
    file = write_pdf(tmp_path / "d" / "a.pdf", ANIMALS)
    chosen = load_pipeline().with_page(crop={"border": 3})
    with Index.create(tmp_path / "i", chosen) as index:
        index.ingest([file])
    with Index.open(tmp_path / "i") as index:
        seen = PageLoader(index.pipeline.page_spec(PageSpec())).load(file, 1).image
        assert seen.height < 200
        assert index.page_image("a.pdf", 1).tobytes() == seen.tobytes()


def test_an_unfinished_index_is_made_anew(tmp_path):
    with Index.create(tmp_path / "i"):
        pass
    (tmp_path / "i" / "index.json").unlink()
    with Index.create(tmp_path / "i") as index:
        assert index.page_count == 0
        assert index.search("anything") == []
    with pytest.raises(UsageError, match="There is an index"):
        Index.create(tmp_path / "i")


def test_another_models_index_is_refused_unless_forced(tmp_path):
    Index.create(tmp_path / "i").close()
    file = tmp_path / "i" / "index.json"
    facts = json.loads(file.read_text())
    facts["fingerprint"]["model"] = "somebody/else"
    file.write_text(json.dumps(facts))
    with pytest.raises(IndexMismatchError, match="somebody/else") as caught:
        Index.open(tmp_path / "i")
    assert "--force" in caught.value.hint
    Index.open(tmp_path / "i", force=True).close()


@pytest.mark.parametrize("text", ["", "{}", '{"format": 99}', "[]"])
def test_a_damaged_index_file_is_a_sentence(tmp_path, text):
    Index.create(tmp_path / "i").close()
    (tmp_path / "i" / "index.json").write_text(text)
    with pytest.raises(VragError, match="damaged|format 99"):
        Index.open(tmp_path / "i")


def test_nobody_can_write_into_the_query_that_is_remembered(index):
    query = index.embed_query("penguins eat krill")
    with pytest.raises(ValueError, match="read-only"):
        query[0] = 0
    assert index.search("penguins eat krill", k=1)[0].page == 2


def test_pages_of_a_document_that_the_index_does_not_know_are_an_error(index, monkeypatch):
    """Nobody else writes to a folder: its record is lost."""
    monkeypatch.setattr(index.documents, "labels", lambda ids: {})
    with pytest.raises(StoreError, match="pages of a document it does not know"):
        index.search("penguins")
