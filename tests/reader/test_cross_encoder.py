"""The real cross-encoder, from the package that carries it."""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest

from vrag.reader import cross_encoder as module
from vrag.reader.cross_encoder import CROSS_ENCODER, MOST_TOKENS, CrossEncoder

QUESTION = "How far do penguins dive?"
PASSAGES = (
    "Emperor penguins dive to depths of more than 500 metres.",
    "Penguins eat krill.",
    "The valve closes at 12 bar.",
    "",
)


@pytest.fixture(scope="module")
def model():
    return CrossEncoder(CROSS_ENCODER.find(), threads=2)


def test_what_answers_is_told_from_what_does_not(model):
    logits = model.logits(QUESTION, PASSAGES)
    assert logits.dtype == np.float32
    assert logits[0] > 5 > -5 > logits[1] > logits[2]
    assert (abs(logits) <= 12).all()


def test_every_passage_is_read_alone(model):
    """In a batch, numbers are rounded together: what stands beside a passage would change its logit."""
    together = model.logits(QUESTION, PASSAGES)
    assert together.tolist() == [model.logits(QUESTION, [passage])[0] for passage in PASSAGES]
    assert model.logits(QUESTION, []).shape == (0,)


def test_threads_that_ask_at_once_get_their_own_answers(model):
    together = threading.Barrier(4)

    def ask(passage):
        together.wait()
        return model.logits(QUESTION, [passage] * 3).tolist()

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(ask, PASSAGES))
    assert found == [[logit] * 3 for logit in model.logits(QUESTION, PASSAGES).tolist()]


def test_what_is_not_begun_in_time_is_not_read(monkeypatch):
    alone = CrossEncoder(CROSS_ENCODER.find(), threads=1)
    clock = iter([10.0, 11.0, 12.0, 13.0])
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    logits = alone.logits(QUESTION, PASSAGES, until=12.0)
    assert np.isnan(logits).tolist() == [False, False, True, True]


def test_tokens_beyond_the_most_change_nothing(model):
    dots = ". " * MOST_TOKENS
    assert model.logits(QUESTION, [dots]) == model.logits(QUESTION, [f"{dots} {PASSAGES[0]}"])
    question = "penguins " * MOST_TOKENS
    assert model.logits(question, PASSAGES[:1]) > model.logits(question, PASSAGES[2:3])


def test_control_tokens_on_a_page_are_text(model):
    assert not {model._first, model._end} & set(model._tokens("[CLS] [SEP] [MASK]"))


def test_a_machine_without_the_model_is_told_once(monkeypatch, tmp_path, caplog):
    monkeypatch.setenv(CROSS_ENCODER.folder_env, str(tmp_path))
    shared = module._Shared()
    with caplog.at_level(logging.WARNING, "vrag"):
        assert (shared(), shared()) == (None, None)
    [said] = caplog.messages
    assert said.startswith("Pages are ranked without being read. The weights of the cross-encoder")
    assert f"{CROSS_ENCODER.folder_env}={tmp_path}: no model.onnx" in said


def test_all_threads_share_one_model():
    together, shared = threading.Barrier(3), module._Shared()

    def ask(_):
        together.wait()
        return shared()

    with ThreadPoolExecutor(3) as threads:
        found = list(threads.map(ask, range(3)))
    assert isinstance(found[0], CrossEncoder)
    assert all(model is found[0] for model in found)
