"""NOTICE says what else is in the package, and whose weights are read."""

import re
from importlib import metadata
from pathlib import Path

import pytest

from vrag.embedders.multilingual.packed_model import MULTILINGUAL_FILES
from vrag.embedders.weights import FLOAT32, INT8
from vrag.reader.cross_encoder import CROSS_ENCODER

ROOT = Path(__file__).parent.parent
NOTICE = " ".join((ROOT / "NOTICE").read_text().split())
WEIGHTS = [INT8.files, FLOAT32.files, MULTILINGUAL_FILES, CROSS_ENCODER]


@pytest.mark.parametrize("files", WEIGHTS, ids=lambda files: files.distributions[0])
def test_weights_are_named_with_their_model_and_licences(files):
    model, form = files.origin.split(" in ")
    first, *others = files.distributions
    entry = re.search(rf"- {first} \(by [^)]+, (?P<licence>[\w.-]+)\)(?P<rest>.*?)(?= - |$)", NOTICE)
    assert entry, first
    known = metadata.metadata(first)
    assert entry["licence"] in (known["License-Expression"], known["License"])
    assert all(other in entry["rest"] for other in others)
    assert f"in {form}" in entry["rest"]
    assert f"{model} ({files.licence})" in NOTICE


def test_what_is_said_to_be_part_of_the_package_is_there():
    part = NOTICE.split("Part of this package")[1].split("Weights, read")[0]
    named = re.findall(r"- ([\w/.*-]+)", part)
    assert len(named) > 3
    assert all(list(ROOT.glob(pattern)) for pattern in named if "/" in pattern)


def test_no_file_of_a_model_is_left_out():
    """A graph, a vector or a vocabulary is made from a model of other people."""
    models = (ROOT / "vrag" / "embedders").rglob("minilm_*"), (ROOT / "vrag" / "embedders").rglob("e5_*")
    files = {file for found in models for file in found if file.suffix in (".onnx", ".npy", ".txt", ".json")}
    assert files
    patterns = {file for name in re.findall(r"[\w/.*]*(?:minilm|e5)_[\w.*]+", NOTICE)
                for file in (*ROOT.glob(name), *ROOT.glob(f"vrag/embedders/{name}"),
                             *ROOT.glob(f"vrag/embedders/multilingual/{name}"))}  # fmt: skip
    assert files <= patterns
