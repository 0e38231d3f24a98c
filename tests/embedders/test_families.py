"""A checkpoint's family follows from what it says of itself."""

import pytest

from vrag.embedders.colpali.torch_families import FAMILIES, find_family
from vrag.errors import ModelError
from vrag.pipeline.pipeline import list_pipelines

PROJECTION = {"custom_text_proj.weight"}


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.model_class)
def test_the_class_named_by_the_config_decides(family):
    config = {"architectures": [family.model_class], "model_type": "something-else"}
    assert find_family(config, None, set(), "x") is family


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.model_class)
def test_every_family_has_its_pipeline(family):
    assert family.pipeline in [pipeline.name for pipeline in list_pipelines()]


def test_the_class_named_by_the_adapter_comes_first():
    adapter = {"auto_mapping": {"base_model_class": "BiQwen2"}}
    assert find_family({"architectures": ["ColQwen2"]}, adapter, PROJECTION, "x").model_class == "BiQwen2"


@pytest.mark.parametrize(
    ("model_type", "weights", "expected"),
    [
        ("qwen2_5_vl", {"base_model.model.custom_text_proj.lora_A.weight"}, "ColQwen2_5"),
        ("qwen2_5_vl", {"base_model.model.layers.0.q_proj.lora_A.weight"}, "BiQwen2_5"),
        ("idefics3", {"linear.weight"}, "ColIdefics3"),
        ("idefics3", {"model.linear_attention.weight"}, "BiIdefics3"),
        ("qwen3_vl", PROJECTION, "ColQwen3"),
    ],
)
def test_on_a_plain_base_type_and_projection_decide(model_type, weights, expected):
    config = {"architectures": ["SomethingForConditionalGeneration"], "model_type": model_type}
    assert find_family(config, {"auto_mapping": None}, weights, "x").model_class == expected


def test_a_whole_omni_model_holds_the_part_that_embeds():
    config = {"model_type": "qwen2_5_omni", "thinker_config": {"model_type": "qwen2_5_omni_thinker"}}
    assert find_family(config, None, PROJECTION, "x").model_class == "ColQwen2_5Omni"


@pytest.mark.parametrize("config", [{}, {"model_type": "bert", "architectures": ["BertModel"]}])
def test_an_unknown_kind_is_refused_with_what_is_known(config):
    with pytest.raises(ModelError, match=r"my-model is of a kind .*ColQwen2_5, .*-hf"):
        find_family(config, None, PROJECTION, "my-model")
