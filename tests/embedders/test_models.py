from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest

from vrag.embedders import FAMILIES, MODELS, find_model, load_embedder
from vrag.embedders.base import Fingerprint
from vrag.embedders.builtin import BuiltinEmbedder
from vrag.errors import ModelError, UsageError


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


def test_the_canary_is_compared_as_numbers_and_everything_else_to_the_letter():
    def facts(canary, dim=128):
        return Fingerprint({"canary": canary, "dim": dim})

    mine = facts("0.10 -0.20")
    assert mine.differences(facts("0.11 -0.22")) == []
    assert mine.differences(facts("0.10 -0.24")) == ["canary: 0.10 -0.20 -> 0.10 -0.24"]
    assert len(mine.differences(facts("0.10 -0.20 0.30", dim=64))) == 2
    assert facts("3fa9 x").differences(facts("3fa8 x"))
    assert facts("abc").differences(facts("abd"))


@pytest.mark.parametrize("info", MODELS, ids=lambda info: info.name)
def test_records_are_complete(info):
    assert info.dim > 0
    assert info.megabytes > 0
    assert info.licence
    assert all(mean is None or 15 < mean < 100 for mean in info.vidore)
    assert (info.rows is None) == (info.name == "builtin")


def test_a_missing_extra_is_named_with_its_install_line(tmp_path):
    if importlib.util.find_spec("colpali_engine"):
        pytest.skip("the extra is installed here; the core environment runs this")
    from vrag.embedders.colpali.engine import import_engine

    with pytest.raises(ModelError, match=r'need torch, which is not installed\. .*"vrag-toolkit\[colpali\]"'):
        import_engine()
