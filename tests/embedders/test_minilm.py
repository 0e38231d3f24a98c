from __future__ import annotations

import numpy as np
import pytest

from vrag.embedders.minilm import MiniLM
from vrag.embedders.weights import find_weights

SENTENCE = [101, 1996, 3007, 1997, 2605, 2003, 3000, 1012, 102]  # [CLS] the capital of france is paris. [SEP]
CANONICAL = {  # row: its first components, from transformers 5.24 with torch 2.13
    0: [0.35043, 0.08958, 0.39861, -0.27865, 0.44058, -0.15349],
    4: [0.01087, 0.16784, -0.00733, -0.58233, 0.73177, -0.26457],
    6: [0.53798, 0.58792, -0.18820, -0.42044, 0.30948, -0.19347],
    8: [0.45566, 0.02698, 0.28223, 0.01720, 0.38653, -0.20083],
}


@pytest.fixture(scope="module")
def model() -> MiniLM:
    return MiniLM(find_weights().weights, threads=2)


def random_ids(count: int, length: int) -> np.ndarray:
    return np.random.default_rng(length).integers(1000, 30000, (count, length))


@pytest.mark.parametrize("length", [1, 2, 9, 512])
def test_shape_and_type(model, length):
    vectors = model.token_vectors(random_ids(2, length))
    assert vectors.shape == (2, length, 384)
    assert vectors.dtype == np.float32


def test_canonical_vectors(model):
    vectors = model.token_vectors(np.array([SENTENCE]))[0]
    np.testing.assert_allclose(vectors[list(CANONICAL), :6], list(CANONICAL.values()), atol=2e-5)


def test_a_batch_equals_its_sequences_one_by_one(model):
    ids = random_ids(5, 70)
    alone = np.concatenate([model.token_vectors(row[None]) for row in ids])
    np.testing.assert_allclose(model.token_vectors(ids), alone, atol=1e-5)


def test_threads_do_not_change_the_vectors(model):
    ids = random_ids(2, 40)
    np.testing.assert_allclose(
        MiniLM(find_weights().weights, 1).token_vectors(ids), model.token_vectors(ids), atol=1e-5
    )


@pytest.mark.reference
@pytest.mark.parametrize("length", [1, 9, 254, 512])
def test_equals_transformers(model, length):
    needs = "needs the reference implementation: pip install torch transformers"
    torch = pytest.importorskip("torch", reason=needs)
    transformers = pytest.importorskip("transformers", reason=needs)
    reference = transformers.BertModel.from_pretrained(find_weights().weights.parent, torch_dtype=torch.float32).eval()
    ids = random_ids(3, length)
    with torch.inference_mode():
        expected = reference(input_ids=torch.from_numpy(ids)).last_hidden_state.numpy()
    np.testing.assert_allclose(model.token_vectors(ids), expected, atol=2e-5)
