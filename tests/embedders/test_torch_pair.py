"""A torch and a torchvision that do not belong together are named in one sentence, wherever they are met."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

SENTENCE = "torch 2.13.0 and torchvision 0.99.0 are not a matched pair: operator torchvision::nms does not exist."
REMEDY = "Reinstall both together from the same index: pip install --force-reinstall torch torchvision"


@pytest.fixture
def broken(tmp_path):
    """Environment in which torchvision fails as PyPI's does beside another build of torch."""
    site = tmp_path / "site"
    for name, version in (("torch", "2.13.0"), ("torchvision", "0.99.0"), ("colpali_engine", "0.3.18")):
        (site / name).mkdir(parents=True)
        (site / name / "__init__.py").write_text("")
        info = site / f"{name}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: {version}\n")
    failure = 'raise RuntimeError("operator torchvision::nms does not exist")\n'
    (site / "torchvision" / "__init__.py").write_text(failure)
    return {"PYTHONPATH": str(site), "COLUMNS": "200"}


@pytest.fixture
def checkpoint(tmp_path):
    """What is looked at before torch is."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "qwen2_vl", "architectures": ["ColQwen2"]}))
    save_file({"custom_text_proj.weight": np.zeros((2, 2), np.float32)}, folder / "model.safetensors")
    return folder


def test_doctor_explains_it(process, broken):
    done = process("doctor", "--json", env=broken)
    (check,) = (one for one in done.json["checks"] if one["name"] == "torch/torchvision pair")
    assert (check["ok"], check["found"], check["needed"]) == (False, SENTENCE, False)
    assert check["remedy"].startswith(REMEDY)
    assert SENTENCE in process("doctor", env=broken).out
    assert done.code == 0  # vrag itself works without


def test_the_loader_explains_it(process, broken, checkpoint, folder):
    done = process("ingest", folder, "--model", checkpoint, "--index", "i", "--json", env=broken)
    assert (done.code, done.json["error"]) == (1, SENTENCE)
    assert done.json["hint"].startswith(REMEDY)


def test_models_explains_it_and_lists_what_runs(process, broken):
    done = process("models", "--json", env=broken)
    rows = {row["name"]: row for row in done.json["models"]}
    assert rows["builtin"]["runs_here"] is True
    assert (rows["vidore/colSmol-256M"]["runs_here"], rows["vidore/colSmol-256M"]["how"]) == (False, SENTENCE)
    assert SENTENCE in process("models", env=broken).err
