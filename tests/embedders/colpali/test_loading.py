"""Checkpoints are told apart by what they say of themselves, and loaded whole or not at all."""

import json
import shutil

import numpy as np
import pytest

from tests.embedders.painting import noise
from tests.embedders.tiny_checkpoints import FAMILIES
from vrag.embedders.colpali.loading import find_checkpoint
from vrag.embedders.families import default_pipeline, load_embedder
from vrag.embedders.options import ModelOptions
from vrag.errors import ModelError, UsageError
from vrag.pipeline.pipeline import load_pipeline

PAGE = noise(200, 300)
CPU = ModelOptions(device="cpu")


@pytest.mark.parametrize("family", FAMILIES)
def test_the_class_comes_from_the_config_and_brings_its_pipeline(family, checkpoint, tmp_path):
    folder = shutil.copytree(checkpoint(family), tmp_path / "some-name-that-says-colpali")
    assert find_checkpoint(str(folder), ModelOptions()).family.model_class == FAMILIES[family][1]
    pipeline = load_pipeline(default_pipeline(str(folder)))
    assert (len(pipeline.vectors) == 0) == family.startswith("bi")


def without(folder, place, *weights):
    """A copy of a checkpoint that lacks some weights."""
    from safetensors.torch import load_file, save_file

    copy = shutil.copytree(folder, place)
    tensors = load_file(copy / "model.safetensors")
    kept = {name: tensor for name, tensor in tensors.items() if not name.startswith(weights)}
    assert len(kept) < len(tensors)
    save_file(kept, copy / "model.safetensors", {"format": "pt"})
    return copy


@pytest.mark.parametrize(
    ("family", "weight"),
    [("colqwen2", "custom_text_proj"), ("colidefics3", "linear"), ("colpali", "custom_text_proj"),
     ("colqwen3", "model.language_model.layers.1.mlp"), ("bimodernvbert", "model.vision_model.encoder.layers.0")],
)  # fmt: skip
def test_missing_weights_are_refused_unless_allowed(family, weight, checkpoint, tmp_path):
    folder = without(checkpoint(family), tmp_path / "copy", weight)
    with pytest.raises(ModelError, match=r"missing from .*copy and would be random: .*allow-random-weights"):
        load_embedder(str(folder), options=CPU)
    loaded = load_embedder(str(folder), options=ModelOptions(device="cpu", allow_random_weights=True))
    assert len(loaded.embed_pages([PAGE])[0].full) > 0


def adapter(base, place, targets, **options):
    """A LoRA adapter with random weights over a checkpoint, and the model that it makes."""
    import torch
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(7)
    model = load_embedder(str(base), options=ModelOptions(device="cpu", allow_random_weights=True))._loaded.model
    config = LoraConfig(r=2, init_lora_weights=False, target_modules=targets, **options)
    changed = get_peft_model(model, config)
    changed.save_pretrained(place)
    written = json.loads((place / "adapter_config.json").read_text())
    (place / "adapter_config.json").write_text(json.dumps({**written, "base_model_name_or_path": str(base)}))
    return changed.eval()


def rows_of(model, folder):
    """Visual rows of the page under a model that peft wrapped."""
    import torch
    from colpali_engine.models import ColQwen2Processor

    batch = ColQwen2Processor.from_pretrained(folder).process_images([PAGE.image])
    with torch.inference_mode():
        output = model(**batch)
    return output[0][batch["input_ids"][0] == model.config.image_token_id].numpy()


ATTENTION = r".*language_model.*(q_proj|v_proj)"


def test_an_adapter_loads_on_its_base(checkpoint, tmp_path):
    base = checkpoint("colqwen2")
    model = adapter(base, tmp_path / "adapter", ATTENTION + "|.*custom_text_proj")
    loaded = load_embedder(str(tmp_path / "adapter"), options=CPU)
    vectors = loaded.embed_pages([PAGE])[0].full
    np.testing.assert_allclose(vectors, rows_of(model, base), atol=1e-5)
    assert np.abs(vectors - load_embedder(str(base), options=CPU).embed_pages([PAGE])[0].full).max() > 0.01


def test_an_adapter_may_bring_the_projection_that_its_base_lacks(checkpoint, tmp_path):
    base = without(checkpoint("colqwen2"), tmp_path / "base", "custom_text_proj")
    model = adapter(base, tmp_path / "adapter", ATTENTION, modules_to_save=["custom_text_proj"])
    config = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps({**config, "architectures": ["Qwen2VLForConditionalGeneration"]}))
    written = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    (tmp_path / "adapter" / "adapter_config.json").write_text(json.dumps({**written, "auto_mapping": None}))
    loaded = load_embedder(str(tmp_path / "adapter"), options=CPU)
    np.testing.assert_allclose(loaded.embed_pages([PAGE])[0].full, rows_of(model, base), atol=1e-5)


def test_an_adapter_without_the_projection_is_refused(checkpoint, tmp_path):
    base = without(checkpoint("colqwen2"), tmp_path / "base", "custom_text_proj")
    adapter(base, tmp_path / "adapter", ATTENTION)
    with pytest.raises(ModelError, match="custom_text_proj"):
        load_embedder(str(tmp_path / "adapter"), options=CPU)


def test_an_adapter_in_the_folder_of_its_base(checkpoint, tmp_path):
    both = shutil.copytree(checkpoint("colqwen2"), tmp_path / "both")
    model = adapter(checkpoint("colqwen2"), both, ATTENTION)
    loaded = load_embedder(str(both), options=CPU)
    np.testing.assert_allclose(loaded.embed_pages([PAGE])[0].full, rows_of(model, both), atol=1e-5)


def test_an_adapter_whose_base_is_gone(checkpoint, tmp_path):
    adapter(checkpoint("colqwen2"), tmp_path / "adapter", ATTENTION)
    written = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    (tmp_path / "adapter" / "adapter_config.json").write_text(
        json.dumps({**written, "base_model_name_or_path": str(tmp_path / "gone")})
    )
    with pytest.raises(ModelError, match=r"base model .*gone of .*adapter cannot be found"):
        find_checkpoint(str(tmp_path / "adapter"), ModelOptions())


def test_a_damaged_checkpoint_is_one_sentence(checkpoint, tmp_path):
    folder = shutil.copytree(checkpoint("colqwen2"), tmp_path / "copy")
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match=r"model\.safetensors is damaged"):
        find_checkpoint(str(folder), ModelOptions())
    (folder / "model.safetensors").write_bytes(whole)
    (folder / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_embedder(str(folder), options=CPU)


def test_a_device_that_is_not_there(checkpoint):
    with pytest.raises(UsageError, match="torch sees 0 CUDA devices"):
        load_embedder(str(checkpoint("colqwen2")), options=ModelOptions(device="cuda:7"))


def test_weights_that_only_look_alike_are_told_apart_by_the_canary(checkpoint, tmp_path):
    from tests.embedders.tiny_checkpoints import make

    one = load_embedder(str(checkpoint("colqwen2")), options=CPU).fingerprint()
    half = load_embedder(str(checkpoint("colqwen2")), options=ModelOptions(device="cpu", dtype="bfloat16"))
    assert one.differences(half.fingerprint()) == []
    other = load_embedder(str(make("colqwen2", tmp_path / "other", seed=1)), options=CPU).fingerprint()
    assert [line.split(":")[0] for line in one.differences(other)] == ["canary", "model"]
