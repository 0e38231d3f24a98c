from __future__ import annotations

import subprocess
import sys

import pytest

from vrag.embedders import FAMILIES, MODELS, find_model, load_embedder
from vrag.embedders.builtin import BuiltinEmbedder
from vrag.errors import UsageError


def test_unknown_models_are_refused_with_the_known_ones():
    with pytest.raises(UsageError, match=r"'no-such'.*builtin"):
        load_embedder("no-such")


def test_names_are_unique_and_every_family_has_a_loader():
    assert len({model.name for model in MODELS}) == len(MODELS)
    assert {model.family for model in MODELS} <= FAMILIES.keys()


def test_facts_agree_with_the_embedder():
    info = find_model("builtin")
    assert (BuiltinEmbedder.name, BuiltinEmbedder.dim) == (info.name, info.dim)


def test_facts_are_read_without_loading_an_engine():
    code = "import sys, vrag.embedders; print({'onnxruntime', 'onnx', 'torch', 'tokenizers'} & sys.modules.keys())"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "set()"
