from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from vrag.embedders import minilm
from vrag.embedders.minilm import MiniLM
from vrag.embedders.multilingual import e5
from vrag.embedders.sequences import TokenSequence
from vrag.embedders.weights import FLOAT32, INT8
from vrag.runtime.machine import multiplies_bytes_exactly

PROGRAM = Path(__file__).parents[2] / "eval" / "minilm_graphs.py"
SENTENCE = [101, 1996, 3007, 1997, 2605, 2003, 3000, 1012, 102]  # [CLS] the capital of france is paris. [SEP]
CANONICAL = {  # row: its first components, from transformers 5.24 with torch 2.13
    0: [0.35043, 0.08958, 0.39861, -0.27865, 0.44058, -0.15349],
    4: [0.01087, 0.16784, -0.00733, -0.58233, 0.73177, -0.26457],
    6: [0.53798, 0.58792, -0.18820, -0.42044, 0.30948, -0.19347],
    8: [0.45566, 0.02698, 0.28223, 0.01720, 0.38653, -0.20083],
}


@pytest.fixture(scope="module", params=[FLOAT32, INT8], ids=["float32", "int8"])
def model(request) -> MiniLM:
    return MiniLM(request.param, threads=2)


@pytest.fixture(scope="module")
def exact() -> MiniLM:
    return MiniLM(FLOAT32, threads=2)


def random_ids(count: int, length: int) -> np.ndarray:
    return np.random.default_rng(length).integers(1000, 30000, (count, length))


def whole(ids) -> TokenSequence:
    return TokenSequence(np.array(ids), np.arange(len(ids)))


@pytest.mark.parametrize("length", [1, 2, 9, 512])
def test_shape_and_type(model, length):
    for vectors in model.read([whole(ids) for ids in random_ids(2, length)]):
        assert vectors.shape == (length, 384)
        assert vectors.dtype == np.float32


def test_canonical_vectors(exact):
    vectors = exact.read([whole(SENTENCE)])[0]
    np.testing.assert_allclose(vectors[list(CANONICAL), :6], list(CANONICAL.values()), atol=2e-5)


def test_eight_bits_are_near_float32(exact):
    ids = [101, *SENTENCE[1:-1] * 15, 102]
    a, b = (m.read([whole(ids)])[0] for m in (exact, MiniLM(INT8)))
    cosines = (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    assert cosines[1:-1].mean() > 0.999
    assert cosines[1:-1].min() > 0.995


def test_a_batch_equals_its_sequences_one_by_one(model):
    sequences = [whole(random_ids(1, length)[0]) for length in (70, 3, 128, 70, 41)]
    for together, one in zip(model.read(sequences), sequences, strict=True):
        np.testing.assert_array_equal(together, model.read([one])[0])


@pytest.mark.parametrize("weights", [FLOAT32, INT8])
def test_threads_do_not_change_the_vectors(weights):
    sequences = [whole(ids) for ids in random_ids(3, 40)]
    one, three = (MiniLM(weights, threads).read(sequences) for threads in (1, 3))
    np.testing.assert_array_equal(np.stack(one), np.stack(three))


def test_only_wanted_rows_are_given(exact):
    ids = random_ids(1, 50)[0]
    rows = np.array([3, 7, 49])
    np.testing.assert_allclose(exact.read([TokenSequence(ids, rows)])[0], exact.read([whole(ids)])[0][rows], atol=1e-5)


def test_where_sums_of_bytes_are_cut_off_they_are_made_the_slow_way(monkeypatch):
    """On a processor whose sums are exact both ways give the same numbers, but for the order of sums elsewhere."""
    fast = MiniLM(INT8).read([whole(SENTENCE)])[0]
    monkeypatch.setattr(minilm, "multiplies_bytes_exactly", lambda: False)
    slow = MiniLM(INT8).read([whole(SENTENCE)])[0]
    if multiplies_bytes_exactly():
        np.testing.assert_allclose(slow, fast, atol=1e-5)
    cosines = (slow * fast).sum(axis=1) / np.linalg.norm(slow, axis=1) / np.linalg.norm(fast, axis=1)
    assert cosines.min() > 0.95


def test_the_shipped_graphs_are_those_that_the_program_makes(tmp_path):
    files = [INT8.file, FLOAT32.file]
    subprocess.run([sys.executable, PROGRAM, *files, "--output", tmp_path], check=True, timeout=300)
    for graph in (INT8.graph, INT8.crooked, FLOAT32.graph, e5.GRAPH):
        made = tmp_path / graph.relative_to(INT8.graph.parent)
        assert graph.read_bytes() == made.read_bytes(), "run: python eval/minilm_graphs.py"


def test_a_file_of_weights_that_is_not_there_is_an_error_in_words(tmp_path):
    arguments = [sys.executable, PROGRAM, INT8.file, tmp_path / "none", "--output", tmp_path]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=300)
    assert done.returncode == 2
    assert f"there is no file {tmp_path / 'none'}" in done.stderr
    assert "Traceback" not in done.stderr


def test_floats_at_odd_addresses_are_not_read_in_place():
    """What the session would map is asked of its graph: every float of the file lies at a multiple of four."""
    onnx = pytest.importorskip("onnx", reason="the graph is read with onnx: pip install onnx")
    for weights in (INT8, FLOAT32):
        tensors = onnx.load(weights.graph, load_external_data=False).graph.initializer
        external = [(t, {e.key: e.value for e in t.external_data}) for t in tensors if t.external_data]
        mapped = [(t, int(at["offset"])) for t, at in external if at["location"] == weights.file.name]
        handed = {t.name for t, at in external if at["location"] == "memory"}
        assert mapped
        assert all(offset % 4 == 0 for t, offset in mapped if t.data_type == onnx.TensorProto.FLOAT)
        assert handed == set(json.loads(weights.crooked.read_text()) if weights.crooked else ())


@pytest.mark.reference
@pytest.mark.parametrize("length", [1, 9, 254, 512])
def test_equals_transformers(exact, length):
    needs = "needs the reference implementation: pip install torch transformers"
    torch = pytest.importorskip("torch", reason=needs)
    transformers = pytest.importorskip("transformers", reason=needs)
    folder = FLOAT32.files.find()
    reference = transformers.BertModel.from_pretrained(folder, torch_dtype=torch.float32).eval()
    ids = random_ids(3, length)
    with torch.inference_mode():
        expected = reference(input_ids=torch.from_numpy(ids)).last_hidden_state.numpy()
    np.testing.assert_allclose(np.stack(exact.read([whole(row) for row in ids])), expected, atol=2e-5)
