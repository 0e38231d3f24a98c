"""Finding checkpoints in folders, and what is said when there is none."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from vrag.embedders.hub_files import canonical_name, find_snapshot, is_hub_id
from vrag.errors import ModelError, UsageError


def test_a_folder_is_known_by_its_absolute_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model").mkdir()
    assert canonical_name("./model") == str(tmp_path / "model") == find_snapshot("model").name
    assert find_snapshot("model").revision == ""
    assert canonical_name("org/model") == "org/model"


@pytest.mark.parametrize(
    ("name", "is_id"), [("a/b", True), ("a", False), ("a/b/c", False), ("/a/b", False), ("", False)]
)
def test_hub_ids(name, is_id):
    assert is_hub_id(name) is is_id


def test_files_of_a_snapshot(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"a": 1}))
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "list.json").write_text("[]")
    save_file({"x.weight": np.zeros(2, np.float32)}, tmp_path / "model-1.safetensors")
    save_file({"y.weight": np.zeros(2, np.float32)}, tmp_path / "model-2.safetensors")
    snapshot = find_snapshot(str(tmp_path))
    assert snapshot.read_json("config.json") == {"a": 1}
    assert snapshot.read_json("none.json") is None
    assert snapshot.weight_names() == {"x.weight", "y.weight"}
    for name in ("broken.json", "list.json"):
        with pytest.raises(ModelError, match=name):
            snapshot.read_json(name)
    (tmp_path / "model-1.safetensors").write_bytes(b"damaged")
    with pytest.raises(ModelError, match=r"model-1\.safetensors is damaged"):
        snapshot.weight_names()


def test_a_folder_has_no_revision(tmp_path):
    with pytest.raises(UsageError, match="has no revision 'v1'"):
        find_snapshot(str(tmp_path), "v1")


def test_a_name_that_is_nothing(tmp_path):
    with pytest.raises(UsageError, match="no folder 'x/y/z'"):
        find_snapshot("x/y/z")


def test_offline_says_that_it_is_not_in_the_cache(tmp_path, monkeypatch):
    constants = pytest.importorskip("huggingface_hub.constants", reason="needs huggingface_hub (make test-colpali)")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelError, match=r"no/such cannot be fetched .* not in the cache"):
        find_snapshot("no/such")
