"""Damage is found, named, and repaired from the files."""

import uuid
from dataclasses import replace

import numpy as np
import pytest

from tests.conftest import ANIMALS
from tests.pdfs import write_pdf
from vrag import Index
from vrag.catalog.contexts import context_id
from vrag.catalog.kinds import ARRIVING, PAGE
from vrag.catalog.page_record import without_sums
from vrag.errors import StoreError
from vrag.pipeline.pipeline import CONTEXT
from vrag.store.interface import Condition, Record, Selection


@pytest.fixture
def index(tmp_path):
    write_pdf(tmp_path / "d" / "a.pdf", ANIMALS)
    with Index.create(tmp_path / "index") as index:
        index.ingest([tmp_path / "d"], workers=1)
        yield index


def page_of(index, number):
    record_id = index.documents.page_record("a.pdf", number).id
    return index.stored.store.fetch([record_id], index.pipeline.vector_names)[record_id]


def lose(index):
    index.stored.store.delete(Selection(ids=frozenset([page_of(index, 2).id])))


def lose_a_vector(index):
    page = page_of(index, 2)
    index.stored.store.upsert([Record(page.id, page.payload, {"full": page.vectors["full"]})])


def cut_vectors(index):
    page = page_of(index, 2)
    index.stored.store.upsert([Record(page.id, page.payload, {**page.vectors, "full": page.vectors["full"][:2]})])


def write(index, **changed):
    """Page 2 with other vectors under the sums of those that were written."""
    page = page_of(index, 2)
    index.stored.store.upsert([Record(page.id, page.payload, {**page.vectors, **changed})])


def swap_rows(index):
    write(index, full=page_of(index, 2).vectors["full"][::-1].copy())


def take_anothers_vectors(index):
    write(index, runs=page_of(index, 1).vectors["runs"])


def turn_a_sign(index):
    vector = page_of(index, 2).vectors["global"].copy()
    vector[7] = -vector[7]
    write(index, **{"global": vector})


def lose_the_terms(index):
    page = page_of(index, 2)
    index.stored.store.upsert([Record(page.id, page.payload, page.vectors)])


def flip_an_exponent_of_a_page_without_sums(index):
    page = page_of(index, 2)
    full = page.vectors["full"].copy()
    full[1, np.argmax(np.abs(full[1]))] *= 4
    index.stored.store.upsert([Record(page.id, without_sums(page.payload), {**page.vectors, "full": full})])


def change_a_word(index):
    page = page_of(index, 2)
    text = page.payload["text"].replace("penguins", "qenguins")
    index.stored.store.set_payload(Selection(ids=frozenset([page.id])), {"text": text})


def damage_words(index):
    index.stored.store.set_payload(Selection(ids=frozenset([page_of(index, 2).id])), {"boxes": "!!!"})


def lose_a_word(index):
    page, other = page_of(index, 2), page_of(index, 1)
    index.stored.store.set_payload(Selection(ids=frozenset([page.id])), {"text": other.payload["text"]})


def hide(index):
    index.stored.store.set_payload(Selection(ids=frozenset([page_of(index, 2).id])), {"kind": ARRIVING})


def misnumber(index):
    page = page_of(index, 2)
    index.stored.store.set_payload(Selection(ids=frozenset([page.id])), {"page": 99})


def renumber(index):
    page = page_of(index, 2)
    index.stored.store.set_payload(Selection(ids=frozenset([page.id])), {"page": 3})


def orphan(index):
    payload = {**page_of(index, 1).payload, "doc_id": "0" * 64, "kind": PAGE}
    index.stored.store.upsert([Record(str(uuid.uuid4()), payload, page_of(index, 1).vectors)])


def forget_metadata(index):
    index.stored.store.set_payload(Selection(ids=frozenset([page_of(index, 2).id])), {"meta": {"year": 1}})


def interrupt(index):
    (document,) = index.documents.all()
    index.documents.put(replace(document, complete=False))
    lose(index)


DAMAGE = [
    (lose, 2, "it is missing"),
    (lose_a_vector, 2, "vector runs has nothing"),
    (cut_vectors, 2, "it has 2 vectors for"),
    (swap_rows, 2, "vector full is not what was written"),
    (take_anothers_vectors, 2, "vector runs is not what was written"),
    (turn_a_sign, 2, "vector global is not what was written"),
    (flip_an_exponent_of_a_page_without_sums, 2, "vector full has rows that are not of unit length"),
    (lose_the_terms, 2, "its terms are not those that were written"),
    (change_a_word, 2, "its words are not those that were written"),
    (damage_words, 2, "words or boxes are damaged"),
    (lose_a_word, 2, "another number of boxes than of words"),
    (hide, 2, "not as visible"),
    (misnumber, 99, "no page 99, only 3"),
    (renumber, 3, "made by another model"),
    (orphan, None, "a document that is not known"),
    (forget_metadata, 2, "metadata is not its document's"),
    (interrupt, 2, "it was not indexed yet"),
]


@pytest.mark.parametrize(("damage", "page", "says"), DAMAGE)
def test_damage_is_found_and_repaired(index, damage, page, says):
    assert index.verify() == []
    before = {n: page_of(index, n).vectors for n in (1, 2, 3)}
    damage(index)
    problems = index.verify()
    assert any(p.page == page and says in p.problem for p in problems), problems
    assert index.verify(repair=True) == problems
    assert index.verify() == []
    assert index.page_count == 3
    for number, vectors in before.items():
        for name, array in vectors.items():
            step = 0 if name == "full" else 1e-3  # what is derived again comes from numbers of 16 bits
            np.testing.assert_allclose(page_of(index, number).vectors[name], array, rtol=0, atol=step)


def test_pooled_vectors_are_made_again_without_the_file(index, tmp_path):
    (tmp_path / "d" / "a.pdf").unlink()
    lose_a_vector(index)
    assert len(index.verify(repair=True)) == 1
    assert index.verify() == []
    hits = index.search("penguins", cascade="text")
    assert [hit.page for hit in hits] == [2]


def test_pooled_vectors_of_many_pages_are_made_again_a_few_at_a_time(index, monkeypatch):
    for number in range(1, len(ANIMALS) + 1):
        page = page_of(index, number)
        index.stored.store.upsert([Record(page.id, page.payload, {"full": page.vectors["full"]})])
    fetch, held = type(index.stored.store).fetch, []

    def counted(store, ids, vectors=()):
        ids = list(ids)
        held.extend([len(ids)] if "full" in vectors else [])
        return fetch(store, ids, vectors)

    monkeypatch.setattr(type(index.stored.store), "fetch", counted)
    monkeypatch.setattr("vrag.upkeep.verify._AT_ONCE", 2)
    assert len(index.verify(repair=True)) == len(ANIMALS) == 3
    assert held == [2, 1]
    assert index.verify() == []


def test_damaged_bits_are_named_and_made_again(index, tmp_path):
    before = index.search("penguins on the ice", cascade="best")
    index.stored.store.bits.flush(index.stored.store)
    (file,) = (tmp_path / "index" / "cache" / "bits").glob("full.*.bits")
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    (problem,) = index.verify(repair=True)
    assert "bits, which are made from the pages, are damaged" in problem.problem
    assert index.verify() == []
    assert index.search("penguins on the ice", cascade="best") == before


def test_pages_without_their_payload_are_a_sentence_and_come_back(index):
    page = page_of(index, 2)
    index.search("penguins", cascade="best")  # the bits know the page
    lost = Record(page.id, {"kind": PAGE}, page.vectors, page.sparse)
    index.stored.store.upsert([lost])
    with pytest.raises(StoreError, match="lost what"):
        index.search("penguins", cascade="exact")
    assert index.verify(repair=True)
    assert index.verify() == []


def test_a_damaged_context_is_named_and_made_again(index, tmp_path):
    (document,) = index.documents.all()
    point = context_id(document.doc_id)
    before = index.stored.store.fetch([point], [CONTEXT])[point]
    index.stored.store.upsert([Record(point, before.payload, {CONTEXT: -before.vectors[CONTEXT]})])
    (tmp_path / "d" / "a.pdf").unlink()
    (problem,) = index.verify(repair=True)
    assert "what its name and title say is not what was written" in problem.problem
    assert index.verify() == []
    after = index.stored.store.fetch([point], [CONTEXT])[point]
    np.testing.assert_array_equal(after.vectors[CONTEXT], before.vectors[CONTEXT])


@pytest.mark.parametrize(
    ("payload", "found"),
    [(None, ["is missing"]), ({"kind": CONTEXT}, ["of a document that is not known", "is missing"])],
)
def test_a_context_that_was_lost_is_missed_and_made_again(index, tmp_path, payload, found):
    (document,) = index.documents.all()
    point = context_id(document.doc_id)
    before = index.stored.store.fetch([point], [CONTEXT])[point]
    index.stored.store.delete(Selection(ids=frozenset([point])))
    if payload:
        index.stored.store.upsert([Record(point, payload, before.vectors)])
    (tmp_path / "d" / "a.pdf").unlink()
    problems = [problem.problem for problem in index.verify(repair=True)]
    assert len(problems) == len(found)
    assert all(says in problem for says, problem in zip(found, problems, strict=True))
    assert index.verify() == []
    assert index.stored.store.fetch([point])[point].payload == before.payload


def test_a_page_that_no_filter_finds_though_it_is_there_is_indexed_again(index, tmp_path):
    page = page_of(index, 2)
    index.stored.store.set_payload(Selection(ids=frozenset([page.id])), {"kind": "?"})  # as if its index were damaged
    index.close()
    with Index.open(tmp_path / "index", incomplete=True) as again:
        assert "it is missing" in [problem.problem for problem in again.verify(repair=True)]
        assert again.verify() == []
        assert [hit.page for hit in again.search("emperor penguins", k=1)] == [2]


def test_what_cannot_be_repaired_for_want_of_its_file_stays_a_problem(index, tmp_path):
    (tmp_path / "d" / "a.pdf").unlink()
    lose(index)
    index.verify(repair=True)
    assert [problem.problem for problem in index.verify()] == ["it was not indexed yet"]
    assert len(index.search("penguins")) == 2


def test_values_that_are_not_finite_are_found(index, monkeypatch):
    scroll = type(index.stored.store).scroll

    def spoiled(store, selection, vectors=(), **rest):
        for record in scroll(store, selection, vectors, **rest):
            if record.payload.get("page") == 2:
                record.vectors["full"][0, 0] = np.inf
            yield record

    monkeypatch.setattr(type(index.stored.store), "scroll", spoiled)
    assert [(p.page, p.problem) for p in index.verify()] == [
        (2, "vector full has values that are not finite"),
        (2, "it is missing"),
    ]


def test_a_known_failure_is_no_missing_page(index):
    from vrag.catalog.failures import Failure, Failures

    lose(index)
    (document,) = index.documents.all()
    Failures(index.stored.store).add(Failure(document.paths[0], 2, "too dark"), document.doc_id)
    assert index.verify() == []
    assert index.stored.store.count(Selection((Condition("kind", ("failure",)),))) == 1


def test_closing_releases_the_lock_whatever_fails(index, tmp_path, monkeypatch):
    def fail():
        raise OSError(28, "No space left on device")

    close = index.stored.store.close
    monkeypatch.setattr(index.stored.store, "close", lambda: (close(), fail()))
    monkeypatch.setattr(index._drawer, "close", fail)
    with pytest.raises(OSError, match="No space"):
        index.close()
    monkeypatch.undo()
    Index.open(tmp_path / "index").close()
