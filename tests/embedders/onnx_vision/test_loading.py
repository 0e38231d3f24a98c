"""Checkpoints are told apart by what their files say, and loaded whole or not at all."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from tests.embedders.painting import noise
from tests.embedders.tiny_onnx import FAMILIES, make
from vrag.embedders.families import default_pipeline, load_embedder
from vrag.embedders.onnx_vision import onnx_engine as engine
from vrag.embedders.options import ModelOptions
from vrag.errors import ModelError, UsageError

CPU = ModelOptions(device="cpu", threads=1)
PAGES = [noise(100 + 10 * seed, 150, seed) for seed in range(7)]


def changed(folder, place, file, **changes):
    """A copy of a checkpoint with other values in one of its JSON files."""
    copy = shutil.copytree(folder, place)
    (copy / file).write_text(json.dumps({**json.loads((copy / file).read_text()), **changes}))
    return copy


@pytest.mark.parametrize("family", FAMILIES)
def test_the_kind_comes_from_the_files_and_brings_its_pipeline(family, checkpoint, tmp_path):
    folder = shutil.copytree(checkpoint(family), tmp_path / "some-name-that-says-colqwen")
    assert default_pipeline(str(folder)) == family
    assert load_embedder(str(folder), options=CPU).fingerprint().facts["class"].startswith("fastembed Qdrant/col")


def test_a_config_that_names_nothing_leaves_the_choice_to_the_processor(checkpoint, tmp_path):
    folder = changed(checkpoint("colpali"), tmp_path / "c", "config.json", model_type=None, architectures=None)
    assert default_pipeline(str(folder)) == "colpali"


def test_weights_for_torch_come_first(checkpoint, tmp_path):
    from safetensors.numpy import save_file

    folder = shutil.copytree(checkpoint("colpali"), tmp_path / "both")
    save_file({"custom_text_proj.weight": np.zeros(1, np.float32)}, folder / "model.safetensors")
    assert default_pipeline(str(folder)) == "colpali"
    with pytest.raises(ModelError, match=r"need torch|missing|cannot be loaded"):  # colpali-engine's loader answers
        load_embedder(str(folder), options=CPU)


@pytest.mark.parametrize(
    ("file", "changes", "says"),
    [
        ("config.json", {"model_type": "idefics3"}, r"of a kind that fastembed does not run \(idefics3"),
        ("preprocessor_config.json", {"image_processor_type": "Qwen2VLImageProcessor"}, "'Qwen2VLImageProcessor'"),
        ("preprocessor_config.json", {"size": {"shortest_edge": 64}}, "cannot be loaded|crops or pads"),
    ],
)
def test_what_is_not_known_is_refused(file, changes, says, checkpoint, tmp_path):
    folder = changed(checkpoint("colmodernvbert"), tmp_path / "c", file, **changes)
    with pytest.raises(ModelError, match=says):
        load_embedder(str(folder), options=CPU)


@pytest.mark.parametrize(
    "changes", [{"do_center_crop": True, "crop_size": 448}, {"size": {"shortest_edge": 448}}, {"do_pad": True}]
)
def test_a_processor_that_crops_or_pads_is_refused(changes, checkpoint, tmp_path):
    folder = changed(checkpoint("colpali"), tmp_path / "c", "preprocessor_config.json", **changes)
    with pytest.raises(ModelError, match="crops or pads pictures"):
        load_embedder(str(folder), options=CPU)


@pytest.mark.parametrize(
    ("missing", "says"),
    [
        ("model_v2.onnx", "neither a config.json|has no model_v2.onnx|no weights"),
        ("tokenizer.json", "not a whole ONNX checkpoint"),
        ("preprocessor_config.json", "not a whole ONNX checkpoint"),
        ("processor_config.json", "cannot be loaded"),
        ("tokenizer_config.json", "cannot be loaded"),
    ],
)
def test_a_file_that_is_missing_is_named(missing, says, checkpoint, tmp_path):
    folder = shutil.copytree(checkpoint("colmodernvbert"), tmp_path / "c")
    (folder / missing).unlink()
    with pytest.raises(ModelError, match=says):
        load_embedder(str(folder), options=CPU)


def test_a_graph_of_another_name_is_refused(checkpoint, tmp_path):
    folder = shutil.copytree(checkpoint("colmodernvbert"), tmp_path / "c")
    (folder / "model_v2.onnx").rename(folder / "model.onnx")
    with pytest.raises(ModelError, match=r"has no model_v2\.onnx"):
        load_embedder(str(folder), options=CPU)


def test_a_damaged_graph_is_one_sentence(checkpoint, tmp_path):
    folder = shutil.copytree(checkpoint("colpali"), tmp_path / "c")
    (folder / "model.onnx").write_bytes(b"damaged")
    with pytest.raises(ModelError, match=r"cannot be loaded: .*\. The checkpoint may be damaged"):
        load_embedder(str(folder), options=CPU)


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"device": "mps"}, UsageError, "do not run on 'mps'"),
        ({"device": "cuda"}, UsageError, "no CUDA"),
        ({"dtype": "bfloat16"}, UsageError, "cannot be run in bfloat16"),
        ({"revision": "v1"}, UsageError, "has no revision"),
    ],
)
def test_what_onnx_cannot_do_is_said(options, error, says, checkpoint):
    with pytest.raises(error, match=says):
        load_embedder(str(checkpoint("colpali")), options=ModelOptions(**options))


def test_a_missing_extra_is_named_with_its_install_line(checkpoint, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "fastembed", None)
    monkeypatch.setattr(engine, "version", lambda: None)
    line = r'need fastembed, which is not installed\. Install it with: pip install "vrag-toolkit\[onnx\]"'
    for name in (str(checkpoint("colpali")), "Qdrant/colpali-v1.3-fp16"):
        with pytest.raises(ModelError, match=line):
            load_embedder(name, options=CPU)
        with pytest.raises(ModelError, match=line):
            default_pipeline(name)


class Limited:
    """A session whose memory holds two pages."""

    def __init__(self, session, sizes):
        self.session, self.sizes = session, sizes

    def run(self, names, inputs):
        from onnxruntime.capi.onnxruntime_pybind11_state import RuntimeException

        self.sizes.append(len(inputs["input_ids"]))
        if self.sizes[-1] > 2:
            raise RuntimeException("BFCArena::AllocateRawInternal Failed to allocate memory for requested buffer")
        return self.session.run(names, inputs)


def test_running_out_of_memory_halves_the_batch_and_goes_on(checkpoint, embedder):
    model = load_embedder(str(checkpoint("colmodernvbert")), options=replace(CPU, batch_size=6))
    sizes = []
    model._model = replace(model._model, session=Limited(model._model.session, sizes))
    found = model.embed_pages(PAGES)
    assert sizes == [6, 3, 1, 1, 1, 1, 1, 1, 1]
    assert model.batch_size == 1
    for vectors, page in zip(found, PAGES, strict=True):
        np.testing.assert_allclose(vectors.full, embedder("colmodernvbert").embed_pages([page])[0].full, atol=1e-5)


class Spoilt:
    """A session that gives `value` for the last of its pages."""

    def __init__(self, session, value):
        self.session, self.value = session, value

    def run(self, names, inputs):
        (rows,) = self.session.run(names, inputs)
        rows[-1] = self.value
        return [rows]


@pytest.mark.parametrize(("value", "says"), [(float("nan"), "not numbers"), (0.0, "all zero")])
def test_rows_that_match_nothing_name_page_and_device(value, says, checkpoint):
    model = load_embedder(str(checkpoint("colmodernvbert")), options=replace(CPU, batch_size=2))
    model._model = replace(model._model, session=Spoilt(model._model.session, value))
    with pytest.raises(ModelError, match=rf"Page 7: vectors of .* are {says} on cpu"):
        model.embed_pages(PAGES[5:])


def test_weights_that_only_look_alike_are_told_apart_by_the_canary(checkpoint, tmp_path):
    one = load_embedder(str(checkpoint("colpali")), options=CPU).fingerprint()
    other = load_embedder(str(make("colpali", tmp_path / "other", seed=1)), options=CPU).fingerprint()
    assert [line.split(":")[0] for line in one.differences(other)] == ["canary", "model"]
