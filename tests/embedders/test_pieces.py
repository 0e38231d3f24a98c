from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vrag.embedders.pieces import WordPieces
from vrag.embedders.weights import FLOAT32


@pytest.fixture(scope="module")
def tokenizer() -> WordPieces:
    return WordPieces()


def test_words_become_the_pieces_of_bert(tokenizer):
    pieces = tokenizer.split(["Unbelievably", "10-K"])
    assert tokenizer.texts(pieces.ids) == ("un", "##bel", "##ie", "##va", "##bly", "10", "-", "k")
    assert pieces.starts.tolist() == [0, 5]


@given(words=st.lists(st.text(), min_size=1, max_size=20))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_word_has_a_piece(tokenizer, words):
    pieces = tokenizer.split(words)
    assert len(pieces.starts) == len(words)
    assert pieces.starts[0] == 0
    assert np.all(np.diff(pieces.starts, append=len(pieces)) >= 1)


def test_words_that_leave_nothing_are_unknown(tokenizer):
    assert tokenizer.texts(tokenizer.split(["\x00", "a", "\u200b"]).ids) == ("[UNK]", "a", "[UNK]")


def test_control_tokens_on_a_page_are_text(tokenizer):
    assert tokenizer.texts(tokenizer.split(["[CLS]"]).ids) == ("[", "cl", "##s", "]")


def test_lone_surrogates_are_read_as_question_marks(tokenizer):
    assert tokenizer.texts(tokenizer.split(["\ud800"]).ids) == ("?",)


def test_a_word_of_absurd_length_is_read_at_its_start(tokenizer):
    assert len(tokenizer.split(["-" * 1_000_000])) == 256


def test_no_words_no_pieces(tokenizer):
    assert len(tokenizer.split([])) == 0


def test_pieces_are_those_of_the_models_own_tokenizer(tokenizer):
    from tokenizers import Tokenizer

    own = Tokenizer.from_file(str(FLOAT32.files.find() / "tokenizer.json"))
    own.no_truncation()
    own.no_padding()
    words = [
        "Ünïcödé",
        "東京",
        "can't",
        "3.14%",
        "é",
        "\xad",
        "ﬁne",
        "#tag",
        "☃",
        "naïve",
        "—",
        "x_y",
        "A.B.",
        "qqqqzzzz",
    ]
    expected = own.encode(words, is_pretokenized=True, add_special_tokens=False)
    assert tokenizer.split([word for word in words if word != "\u00ad"]).ids.tolist() == expected.ids
