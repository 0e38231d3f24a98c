from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vrag.embedders.builtin import WINDOW, BuiltinEmbedder
from vrag.embedders.function_words import FUNCTION_WORDS
from vrag.embedders.options import ModelOptions
from vrag.embedders.protocol import Embedder
from vrag.embedders.weights import FLOAT32, INT8
from vrag.errors import UsageError
from vrag.pages.page import Page, Words

SHORT = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
LONG = [f"word{i}" for i in range(3 * WINDOW)]


def page(words: list[str]) -> Page:
    boxes = np.linspace(0, 1, 4 * len(words), dtype=np.float32).reshape(-1, 4)
    return Page(1, 600, 800, Words(tuple(words), boxes, np.zeros(len(words), np.int32)), "layer")


def test_it_is_an_embedder(builtin):
    embedder: Embedder = builtin
    assert (embedder.name, embedder.dim) == ("builtin", 384)
    assert embedder.page_spec.words
    assert not embedder.page_spec.image


@given(words=st.lists(st.text(min_size=1), min_size=1, max_size=40))
@SHORT
def test_rows_are_unit_vectors_of_words_with_their_boxes(builtin, words):
    source = page(words)
    vectors = builtin.embed_pages([source])[0]
    assert vectors.full.dtype == np.float32
    assert len(vectors.full) == len(vectors.grid) <= len(words)
    np.testing.assert_allclose(np.linalg.norm(vectors.full, axis=1), 1, atol=1e-5)
    boxes = {tuple(box) for box in source.words.boxes.tolist()}
    assert {tuple(box) for box in vectors.grid.boxes.tolist()} <= boxes


def test_function_words_have_no_row(builtin):
    source = page(["The", "revenue", "of", "the", "bank"])
    vectors = builtin.embed_pages([source])[0]
    np.testing.assert_array_equal(vectors.grid.boxes, source.words.boxes[[1, 4]])


def test_function_words_are_read_all_the_same(builtin):
    with_them, without = (builtin.embed_pages([page(w.split())])[0].full for w in ("not the bank", "bank"))
    assert with_them.shape == without.shape
    assert np.abs(with_them - without).max() > 0.01


def test_a_page_of_function_words_keeps_them_all(builtin):
    words = sorted(FUNCTION_WORDS)
    assert len(builtin.embed_pages([page(words)])[0].full) == len(words)


def test_a_page_without_words_is_one_row_of_zeros_over_the_page(builtin):
    vectors = builtin.embed_pages([page([])])[0]
    assert vectors.full.shape == (1, 384)
    assert not vectors.full.any()
    assert vectors.grid.boxes.tolist() == [[0, 0, 1, 1]]


def test_a_batch_equals_its_pages_one_by_one(builtin):
    pages = [page(LONG), page(["one"]), page([]), page(LONG[:200])]
    for together, source in zip(builtin.embed_pages(pages), pages, strict=True):
        np.testing.assert_allclose(together.full, builtin.embed_pages([source])[0].full, atol=1e-5)


def test_words_far_away_do_not_matter_and_near_ones_do(builtin):
    changed = [*LONG]
    changed[-1] = "banana"
    a, b = (builtin.embed_pages([page(words)])[0].full for words in (LONG, changed))
    np.testing.assert_allclose(a[: WINDOW // 2], b[: WINDOW // 2], atol=1e-5)
    assert np.abs(a[-2] - b[-2]).max() > 0.001


def test_the_same_word_is_found_in_another_order(builtin):
    full = builtin.embed_pages([page(["Bees", "dance", "while", "machines", "press", "metal"])])[0].full
    query = builtin.embed_query("metal").vectors
    assert int((full @ query[0]).argmax()) == len(full) - 1


def test_a_query_is_its_pieces_and_the_whole(builtin):
    query = builtin.embed_query("What is a valve?")
    assert query.tokens == ("what", "is", "a", "valve", "?", "(whole query)")
    np.testing.assert_allclose(np.linalg.norm(query.vectors, axis=1), [1, 1, 1, 1, 1, 1.25], atol=1e-5)


@pytest.mark.parametrize("text", ["", " ", "\n\t"])
def test_an_empty_query_is_refused(builtin, text):
    with pytest.raises(UsageError, match="empty"):
        builtin.embed_query(text)


def test_a_very_long_query_is_read_at_its_start(builtin):
    query = builtin.embed_query("valve " * 10_000)
    assert len(query.vectors) == len(query.tokens) == WINDOW + 1


@pytest.mark.parametrize("text", ["\ud800", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢", "नमस्ते", "\u200b", "qqqqzzzz", "-" * 10_000, "[MASK]"])
def test_queries_of_unknown_words_work(builtin, text):
    vectors = builtin.embed_query(text).vectors
    assert np.isfinite(vectors).all()
    assert len(vectors) >= 2


def test_fingerprint_is_the_same_whatever_the_threads(builtin):
    assert builtin.fingerprint() == BuiltinEmbedder(ModelOptions(threads=1)).fingerprint()
    assert builtin.fingerprint().facts["dim"] == 384


def test_the_canary_of_float32_is_far_from_a_rounding_boundary(old):
    steps = old.canary_numbers() * 1000
    assert np.abs(steps - np.floor(steps) - 0.5).min() > 0.1, f"choose another text than {old.canary!r}"


@pytest.fixture(scope="module")
def old() -> BuiltinEmbedder:
    return BuiltinEmbedder(ModelOptions(weights=FLOAT32.digest))


def test_the_fingerprint_tells_the_precision(builtin, old):
    """An index of before has the facts of float32, word by word; new ones say that they have 8 bits."""
    assert builtin.fingerprint().facts["precision"] == "int8 by token+float32"
    assert builtin.fingerprint().facts["weights"] == INT8.digest
    assert old.fingerprint().facts == {
        "model": "sentence-transformers/all-MiniLM-L6-v2",
        "weights": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        "tokenizer": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
        "dim": 384,
        "window": 126,
        "overlap": 16,
        "sentence_weight": 0.25,
        "vectors": 1,
        "canary": "110baa15c9bff46d",
    }
    assert any(one.startswith("precision: ") for one in old.fingerprint().differences(builtin.fingerprint()))


@pytest.mark.parametrize(
    ("options", "weights"),
    [
        (ModelOptions(dtype="float32"), FLOAT32),
        (ModelOptions(dtype="bfloat16"), INT8),
        (ModelOptions(dtype="float32", weights=INT8.digest), INT8),  # an index goes on with its own
        (ModelOptions(weights=FLOAT32.digest), FLOAT32),
    ],
)
def test_float32_is_for_new_indexes_that_ask_for_it(options, weights, caplog):
    assert BuiltinEmbedder(options).fingerprint().facts["weights"] == weights.digest
    is_asked_in_vain = options.dtype == "float32" and weights is INT8
    assert caplog.text.count("goes on with the weights of 8 bits") == is_asked_in_vain


def test_words_without_a_row_are_not_read_but_as_context(builtin, old):
    """The rows of a page in 8 bits are those of float32, over several windows."""
    source = page(["the", *LONG, "of", "unbelievably", "the"])
    ours, theirs = (model.embed_pages([source])[0] for model in (builtin, old))
    np.testing.assert_array_equal(ours.grid.boxes, theirs.grid.boxes)
    assert (ours.full * theirs.full).sum(axis=1).mean() > 0.99
