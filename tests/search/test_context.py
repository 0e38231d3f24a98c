"""The document's own context: made once a document, made again when it is renamed, left out within one document."""

import threading

import numpy as np
import pytest

from tests.pdfs import write_pdf
from vrag import Index
from vrag.catalog.contexts import context_id, context_words, refresh_contexts
from vrag.search.context import Contexts
from vrag.store.interface import Record, Selection

FILLER = "\n".join(["Nothing of interest stands on this line of the page"] * 20)


def indexed_in(folder):
    """A new index of two documents in `pdfs`, which differ in nothing but their names."""
    for name in ("Walrus Holdings 2021", "Penguin Holdings 2021"):
        write_pdf(folder / "pdfs" / f"{name}.pdf", [f"Cover sheet\n{FILLER}", f"Total assets were 17\n{FILLER}"])
    with (folder / "pdfs" / "Penguin Holdings 2021.pdf").open("ab") as file:
        file.write(b"% so that its bytes are others\n")
    index = Index.create(folder / "index")
    index.ingest([folder / "pdfs"])
    return index


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """For all tests that change nothing."""
    with indexed_in(tmp_path_factory.mktemp("contexts")) as index:
        yield index


@pytest.fixture
def own(tmp_path):
    """The same in `tmp_path`, for a test that changes it."""
    with indexed_in(tmp_path) as index:
        yield index


def contexts(index):
    """The records of contexts by file name."""
    names = {d.doc_id: d.paths[0].rsplit("/", 1)[1] for d in index.documents.all()}
    return {name: index.stored.store.fetch([context_id(doc_id)], ["context"]) for doc_id, name in names.items()}


def test_words_come_from_the_name_and_the_opening():
    words = context_words(["name", "opening", "head"], "/a/ACME_2020-10K.pdf", "", [str(n) for n in range(60)])
    assert words == ["ACME", "2020", "10K", *(str(n) for n in range(40))]
    assert context_words(["title"], "/a/x.pdf", "Annual Report", []) == ["Annual", "Report"]
    assert context_words([], "/a/x.pdf", "Annual Report", ["a"]) == []


def test_every_document_has_one(index):
    for name, found in contexts(index).items():
        (record,) = found.values()
        assert record.payload["words"].startswith(f"{name.split()[0]} Holdings 2021 Cover sheet")
        assert record.vectors["context"].shape[1] == index.embedder.dim


@pytest.mark.parametrize("name", ["Walrus", "Penguin"])
@pytest.mark.parametrize("cascade", ["best", "best-exact"])
def test_the_documents_name_decides_between_equal_pages(index, name, cascade):
    hits = index.search(f"{name} total assets", k=2, cascade=cascade)
    assert hits[0].doc == f"{name} Holdings 2021.pdf"
    assert hits[0].page == 2


def test_within_one_document_it_tells_nothing(index):
    cascades = ("full@regions+context", "full@bits@regions+context")
    for cascade in cascades:
        hits = index.search("Walrus total", k=2, cascade=cascade, where="doc=Walrus Holdings 2021.pdf")
        alone = index.search("Walrus total", k=2, cascade=cascade, where="doc=Penguin Holdings 2021.pdf")
        assert [hit.score for hit in hits] == pytest.approx([hit.score for hit in alone], rel=0.02)


def test_a_renamed_file_gets_another_without_embedding_its_pages_again(own, tmp_path):
    old = tmp_path / "pdfs" / "Walrus Holdings 2021.pdf"
    old.rename(tmp_path / "pdfs" / "Ibex Holdings 2021.pdf")
    report = own.ingest([tmp_path / "pdfs"])
    assert report.added == 0
    assert own.search("Ibex total assets", k=1)[0].doc == "Ibex Holdings 2021.pdf"
    words = {record.payload["words"].split()[0] for found in contexts(own).values() for record in found.values()}
    assert words == {"Ibex", "Penguin"}


def test_contexts_that_are_there_cost_one_request(own, tmp_path, monkeypatch):
    monkeypatch.setattr("vrag.catalog.contexts.page_words", lambda _: pytest.fail("a document was read again"))
    report = own.ingest([tmp_path / "pdfs"])
    assert report.unchanged == 4


def test_documents_without_a_context_answer_nothing(index):
    answers = Contexts(index.stored.store).answers(np.ones((2, index.embedder.dim), np.float32), ["unknown"])
    assert np.isneginf(answers).all()


@pytest.mark.parametrize("most", [4096, 1])
def test_a_search_answers_although_another_thread_makes_it_read_again(index, monkeypatch, most):
    monkeypatch.setattr("vrag.search.context._CACHED", most)
    walrus, penguin = (d.doc_id for d in sorted(index.documents.all(), key=lambda d: "Penguin" in d.paths[0]))
    query = index.embed_query("Walrus")
    contexts, fetch = Contexts(index.stored.store), index.stored.store.fetch
    expected = Contexts(index.stored.store).answers(query, [walrus, penguin, walrus])

    def then_forgotten(*arguments):
        found = fetch(*arguments)
        ingest = threading.Thread(target=contexts.forget)
        ingest.start()
        ingest.join(10)
        return found

    contexts.answers(query, [walrus])
    monkeypatch.setattr(index.stored.store, "fetch", then_forgotten)
    assert np.array_equal(contexts.answers(query, [walrus, penguin, walrus]), expected)


def test_a_context_read_before_a_change_is_not_kept(own, monkeypatch):
    (doc_id, other) = (document.doc_id for document in own.documents.all())
    query, contexts, fetch = own.embed_query("Walrus"), Contexts(own.stored.store), own.stored.store.fetch
    changed = Record(context_id(doc_id), {"kind": "context"}, {"context": query[:1] / np.linalg.norm(query[0])})

    def then_changed(*arguments):
        found = fetch(*arguments)
        monkeypatch.undo()
        own.stored.store.upsert([changed])
        contexts.forget()
        return found

    monkeypatch.setattr(own.stored.store, "fetch", then_changed)
    before = contexts.answers(query, [doc_id, other])[:, 0]
    after = contexts.answers(query, [doc_id])[:, 0]
    assert before[0] < after[0] == pytest.approx(0.9, abs=1e-3)


def test_a_hit_says_where_its_region_lies(index):
    hit = index.search("total assets", k=1)[0]
    x0, y0, x1, y1 = hit.region
    assert 0 <= x0 < x1 <= 1
    assert 0 <= y0 < y1 <= 1
    assert "assets" in index.snippet("total assets", hit)
    assert index.search("total assets", k=1, cascade="exact")[0].region is None


@pytest.mark.parametrize("cascade", ["full@bits@regions+context", "full@regions+context"])
def test_a_hit_says_which_words_the_context_answered(index, cascade):
    hit = index.search("Walrus 2021's total assets?", k=1, cascade=cascade)[0]
    assert hit.page == 2
    assert "Walrus" in hit.context_words
    assert set(hit.context_words) <= {"Walrus", "2021's"}


def test_without_a_context_no_word_is_answered_by_it(index):
    assert index.search("Walrus assets", k=1, cascade="full@regions")[0].context_words == ()
    assert index.search("Walrus assets", k=1, where="doc=Walrus Holdings 2021.pdf")[0].context_words == ()


def test_a_first_page_that_comes_later_is_part_of_it(own):
    document = own.documents.all()[0]
    record_id = own.documents.page_record(document.paths[0].rsplit("/", 1)[1], 1).id
    page = own.stored.store.fetch([record_id], [*own.pipeline.vector_names])[record_id]
    before = contexts(own)
    own.stored.store.delete(Selection(ids=frozenset([record_id, context_id(document.doc_id)])))

    def refreshed():
        return refresh_contexts(own.stored, own.embedder)

    assert [refreshed(), refreshed()] == [1, 0]
    (there,) = own.stored.store.fetch([context_id(document.doc_id)]).values()
    assert "Cover sheet" not in there.payload["words"]
    own.stored.store.upsert([page])
    assert [refreshed(), refreshed()] == [1, 0]
    for name, records in contexts(own).items():
        for (key, now), was in zip(records.items(), before[name].values(), strict=True):
            assert (key, now.payload) == (was.id, was.payload)
            np.testing.assert_array_equal(now.vectors["context"], was.vectors["context"])
