"""Checkpoints of ColPali and ColQwen2.5 with random weights, in their real size or tiny, made with no hub.

Speed does not depend on what a model has learnt. The tokenizer knows single bytes: a page's prompt has about twenty
tokens more than with the real one, beside some 750 or 1,024 of its picture.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vrag.embedders.colpali.torch_engine import choose_dtype, quiet

sys.path.append(str(Path(__file__).parents[1]))  # the tests know how to make a tokenizer without a hub
Parts = tuple[Any, Any]

# Configs of google/paligemma-3b-mix-448 and Qwen/Qwen2.5-VL-3B-Instruct, and of toys to try this program with.
SIGLIP = {"patch_size": 14, "vision_use_head": False, "model_type": "siglip_vision_model"}
PALIGEMMA: dict[str, dict[str, Any]] = {
    "real": {
        "side": 448,
        "text": {"hidden_size": 2048, "intermediate_size": 16384, "num_hidden_layers": 18, "head_dim": 256,
                 "num_attention_heads": 8, "num_key_value_heads": 1, "vocab_size": 257216},
        "vision": {"hidden_size": 1152, "intermediate_size": 4304, "num_hidden_layers": 27, "num_attention_heads": 16},
    },
    "tiny": {
        "side": 56,
        "text": {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "head_dim": 16,
                 "num_attention_heads": 4, "num_key_value_heads": 1, "vocab_size": 320},
        "vision": {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2},
    },
}  # fmt: skip
QWEN: dict[str, dict[str, Any]] = {
    "real": {
        "tokens": 768,
        "text": {"hidden_size": 2048, "intermediate_size": 11008, "num_hidden_layers": 36, "num_attention_heads": 16,
                 "num_key_value_heads": 2, "vocab_size": 151936, "max_position_embeddings": 128000,
                 "rope_parameters": {"rope_type": "default", "mrope_section": [16, 24, 24], "rope_theta": 1e6}},
        "vision": {"depth": 32, "hidden_size": 1280, "intermediate_size": 3420, "num_heads": 16,
                   "out_hidden_size": 2048, "window_size": 112, "fullatt_block_indexes": [7, 15, 23, 31]},
    },
    "tiny": {
        "tokens": 64,
        "text": {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4,
                 "num_key_value_heads": 2, "vocab_size": 320, "max_position_embeddings": 4096,
                 "rope_parameters": {"rope_type": "default", "mrope_section": [2, 3, 3], "rope_theta": 1e4}},
        "vision": {"depth": 2, "hidden_size": 32, "intermediate_size": 64, "num_heads": 2,
                   "out_hidden_size": 64, "window_size": 56, "fullatt_block_indexes": [1]},
    },
}  # fmt: skip


def paligemma(processor: Any, size: dict[str, Any]) -> Parts:
    """Config and processor of ColPali."""
    import transformers as t

    from tests.embedders.tiny_checkpoints import tokenizer

    words = tokenizer(["<image>"], pad_token="<pad>", eos_token="<eos>", bos_token="<bos>")
    side, width, patches = size["side"], size["text"]["hidden_size"], (size["side"] // SIGLIP["patch_size"]) ** 2
    pixels = t.SiglipImageProcessor(size={"height": side, "width": side})
    pixels.image_seq_length = patches
    fitting = {"image_size": side, "num_image_tokens": patches, "projection_dim": width}
    config = t.PaliGemmaConfig(
        image_token_index=words.convert_tokens_to_ids("<image>"),
        pad_token_id=words.pad_token_id,
        projection_dim=width,
        hidden_size=width,
        text_config={**size["text"], "model_type": "gemma", "pad_token_id": words.pad_token_id},
        vision_config={**size["vision"], **SIGLIP, **fitting},
    )
    return config, processor(image_processor=pixels, tokenizer=words)


def qwen2_5(processor: Any, size: dict[str, Any]) -> Parts:
    """Config and processor of ColQwen2.5."""
    import transformers as t

    from tests.embedders.tiny_checkpoints import QWEN as MARKS
    from tests.embedders.tiny_checkpoints import QWEN_VIDEO, tokenizer

    words = tokenizer([*MARKS, QWEN_VIDEO], pad_token="<|endoftext|>", eos_token="<|im_end|>")
    pixels = t.Qwen2VLImageProcessor(patch_size=14, min_pixels=4 * 28 * 28, max_pixels=size["tokens"] * 28 * 28)
    made = processor(
        image_processor=pixels,
        tokenizer=words,
        video_processor=t.Qwen2VLVideoProcessor(),
        chat_template="{{messages}}",
    )
    marks = {"image": MARKS[5], "video": QWEN_VIDEO, "vision_start": MARKS[3], "vision_end": MARKS[4]}
    ids = {f"{name}_token_id": words.convert_tokens_to_ids(mark) for name, mark in marks.items()}
    ends = {"bos_token_id": words.pad_token_id, "eos_token_id": words.eos_token_id, "pad_token_id": words.pad_token_id}
    config = t.Qwen2_5_VLConfig(
        text_config={**size["text"], **ends}, vision_config={**size["vision"], "patch_size": 14}, **ids
    )
    return config, made


# By class of colpali-engine: that of its processor, and what makes config and processor.
PROCESSORS = {"ColQwen2_5": "ColQwen2_5_Processor", "ColPali": "ColPaliProcessor"}
MAKERS: dict[str, tuple[Callable[[Any, dict[str, Any]], Parts], dict[str, dict[str, Any]]]] = {
    "ColQwen2_5": (qwen2_5, QWEN),
    "ColPali": (paligemma, PALIGEMMA),
}


def config_and_processor(model: str, size: str) -> Parts:
    """Both of a class of colpali-engine, "real" or "tiny"."""
    import colpali_engine.models as engine

    parts, sizes = MAKERS[model]
    return parts(getattr(engine, PROCESSORS[model]), sizes[size])


def write_checkpoint(model: str, size: str, device: str, folder: Path) -> int:
    """Write a checkpoint with random weights, as vrag will load it; its parameters in millions."""
    import colpali_engine.models as engine
    import torch

    config, processor = config_and_processor(model, size)
    usual = torch.get_default_dtype()
    torch.set_default_dtype(getattr(torch, choose_dtype("auto", device)))
    try:
        with torch.device(device):
            made = getattr(engine, model)(config)
    finally:
        torch.set_default_dtype(usual)
    with quiet():
        made.save_pretrained(folder)
        processor.save_pretrained(folder)
    return sum(weights.numel() for weights in made.parameters()) // 10**6
