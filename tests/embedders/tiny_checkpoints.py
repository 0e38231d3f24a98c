#!/usr/bin/env python3
"""Tiny checkpoints of every ColPali-style family, made with no hub: real processors, random weights, two layers.

    python tests/embedders/tiny_checkpoints.py FAMILY FOLDER

writes one that `vrag ingest FILES --model FOLDER --allow-random-weights` takes like a real one. The tokenizer
knows single bytes and the family's special tokens; pages are small (at most a few dozen patches).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vrag.embedders.colpali.repairs import with_old_places

HIDDEN = 64
TEXT = {"hidden_size": HIDDEN, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4}
GROUPED = {**TEXT, "num_key_value_heads": 2}
SIGLIP = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
ROPE = {"rope_type": "default", "mrope_section": [2, 3, 3], "rope_theta": 10000.0}
LONG = {"max_position_embeddings": 4096}
QWEN = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>"]
QWEN_VIDEO = "<|video_pad|>"
SENSES = ("audio", "vision")
CHAT = (
    "{% for m in messages %}<start>{{ m['role'] }}\n{% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}IMAGE{% elif c['type'] == 'text' %}{{ c['text'] }}{% endif %}"
    "{% endfor %}<end>\n{% endfor %}"
)
Parts = tuple[Any, Any]


def tokenizer(specials: list[str], **options: Any) -> Any:
    """A tokenizer of single bytes and `specials`."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = {letter: i for i, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    core = Tokenizer(models.BPE(vocab=letters, merges=[], unk_token=None))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    made = PreTrainedTokenizerFast(tokenizer_object=core, **options)
    made.add_special_tokens({"additional_special_tokens": specials})
    return made


def paligemma(processor: Any) -> Parts:
    """56 x 56 pixels, 4 x 4 patches, padding on the right."""
    import transformers as t

    words = tokenizer(["<image>"], pad_token="<pad>", eos_token="<eos>", bos_token="<bos>")
    pixels = t.SiglipImageProcessor(size={"height": 56, "width": 56})
    pixels.image_seq_length = 16
    made = processor(image_processor=pixels, tokenizer=words)
    text = {**TEXT, "model_type": "gemma", "num_key_value_heads": 1, "head_dim": 16, "vocab_size": len(words)}
    vision = {**SIGLIP, "model_type": "siglip_vision_model", "image_size": 56, "patch_size": 14}
    config = t.PaliGemmaConfig(
        image_token_index=words.convert_tokens_to_ids("<image>"),
        pad_token_id=words.pad_token_id,
        projection_dim=HIDDEN,
        hidden_size=HIDDEN,
        text_config={**text, "pad_token_id": words.pad_token_id},
        vision_config={**vision, "num_image_tokens": 16, "projection_dim": HIDDEN, "vision_use_head": False},
    )
    return config, made


def gemma3(processor: Any) -> Parts:
    """56 x 56 pixels, 4 x 4 patches averaged to 2 x 2 tokens."""
    import transformers as t

    marks = {"image_token": "<img>", "boi_token": "<boi>", "eoi_token": "<eoi>"}
    ends = {"pad_token": "<pad>", "eos_token": "<eos>", "bos_token": "<bos>"}
    words = tokenizer(["<start>", "<end>", *marks.values()], **ends, extra_special_tokens=marks)
    words.chat_template = CHAT.replace("IMAGE", "<boi>")
    pixels = t.Gemma3ImageProcessor(size={"height": 56, "width": 56})
    made = processor(image_processor=pixels, tokenizer=words, image_seq_length=4)
    ids = {f"{key.split('_')[0]}_token_index": words.convert_tokens_to_ids(mark) for key, mark in marks.items()}
    config = t.Gemma3Config(
        text_config={**GROUPED, **LONG, "head_dim": 16, "vocab_size": len(words), "pad_token_id": words.pad_token_id},
        vision_config={**SIGLIP, "image_size": 56, "patch_size": 14, "vision_use_head": False},
        mm_tokens_per_image=4,
        **ids,
    )
    return config, made


def idefics3(processor: Any) -> Parts:
    """Tiles of 64 x 64 pixels, 2 x 2 tokens each, at most 4 x 4 of them and the whole page."""
    import transformers as t

    words, pixels = _tile_parts(["<|im_start|>", "<|im_end|>"])
    made = processor(image_processor=pixels, tokenizer=words, image_seq_len=4, chat_template="{{messages}}")
    config = t.Idefics3Config(
        image_token_id=words.convert_tokens_to_ids("<image>"),
        scale_factor=2,
        pad_token_id=words.pad_token_id,
        text_config={
            **GROUPED,
            "model_type": "llama",
            "vocab_size": len(words),
            "pad_token_id": words.pad_token_id,
        },
        vision_config={**SIGLIP, "image_size": 64, "patch_size": 16},
    )
    return config, made


def modernvbert(processor: Any) -> Parts:
    """As `idefics3`, with an encoder that reads in both directions."""
    import transformers as t

    words, pixels = _tile_parts(["<|begin_of_text|>"])
    made = processor(image_processor=pixels, tokenizer=words, image_seq_len=4, chat_template="{{messages}}")
    pad = {"pad_token_id": words.pad_token_id, "eos_token_id": words.eos_token_id}
    text = {**TEXT, "model_type": "modernbert", "vocab_size": len(words), **pad}
    config = t.ModernVBertConfig(
        image_token_id=words.convert_tokens_to_ids("<image>"),
        pixel_shuffle_factor=2,
        text_config={**text, "bos_token_id": None, "cls_token_id": None, "sep_token_id": None},
        vision_config={**SIGLIP, "model_type": "siglip_vision_model", "image_size": 64, "patch_size": 16},
    )
    return config, made


def _tile_parts(extra: list[str]) -> Parts:
    import transformers as t

    places = [f"<row_{row}_col_{col}>" for row in range(1, 7) for col in range(1, 7)]
    marks = ["<end_of_utterance>", "<fake_token_around_image>", "<image>", "<global-img>"]
    words = tokenizer([*extra, *marks, *places], pad_token="<|endoftext|>", eos_token="<|im_end|>")
    return words, t.Idefics3ImageProcessor(size={"longest_edge": 4 * 64}, max_image_size={"longest_edge": 64})


def qwen2(processor: Any) -> Parts:
    """Patches of 14 pixels merged 2 x 2, at most 64 tokens a page."""
    import transformers as t

    words, made = _qwen_parts(processor, 14, t.Qwen2VLVideoProcessor())
    vision = {"depth": 2, "embed_dim": 32, "hidden_size": HIDDEN, "num_heads": 2, "mlp_ratio": 2, "patch_size": 14}
    return t.Qwen2VLConfig(text_config=_qwen_text(words), vision_config=vision, **_qwen_ids(words)), made


def qwen2_5(processor: Any) -> Parts:
    """As `qwen2`, with attention in windows in the first layer of the vision tower."""
    import transformers as t

    words, made = _qwen_parts(processor, 14, t.Qwen2VLVideoProcessor())
    return t.Qwen2_5_VLConfig(text_config=_qwen_text(words), vision_config=_windowed_vision(), **_qwen_ids(words)), made


def qwen3(processor: Any) -> Parts:
    """Patches of 16 pixels merged 2 x 2."""
    import transformers as t

    words, made = _qwen_parts(processor, 16, t.Qwen3VLVideoProcessor())
    text = {**_qwen_text(words), "head_dim": 16}
    return t.Qwen3VLConfig(text_config=text, vision_config=_deep_vision(), **_qwen_ids(words)), made


def qwen3_5(processor: Any) -> Parts:
    """As `qwen3`, with one layer of linear attention."""
    import transformers as t

    words, made = _qwen_parts(processor, 16, t.Qwen3VLVideoProcessor())
    linear = {f"linear_{key}": 16 for key in ("key_head_dim", "value_head_dim")}
    heads = {"linear_num_key_heads": 2, "linear_num_value_heads": 4}
    layers = {"layer_types": ["linear_attention", "full_attention"], "head_dim": 16, **linear, **heads}
    rope = {**ROPE, "partial_rotary_factor": 1.0}
    text = {**_qwen_text(words), **layers, "rope_parameters": rope}
    vision = {key: value for key, value in _deep_vision().items() if key != "deepstack_visual_indexes"}
    return t.Qwen3_5Config(text_config=text, vision_config=vision, **_qwen_ids(words)), made


def qwen_omni(processor: Any) -> Parts:
    """The thinker of Qwen2.5-Omni: `qwen2_5` with ears."""
    import transformers as t

    names = ("image", "audio", "video", "vision_bos", "vision_eos", "audio_bos", "audio_eos")
    marks = {f"{name}_token": f"<|{name.upper()}|>" for name in names}
    words = tokenizer(
        ["<start>", "<end>", *marks.values()],
        pad_token="<|endoftext|>",
        eos_token="<|im_end|>",
        extra_special_tokens=marks,
    )
    words.chat_template = CHAT.replace("IMAGE", "<|VISION_BOS|><|IMAGE|><|VISION_EOS|>")
    made = processor(
        image_processor=_qwen_pixels(14),
        video_processor=t.Qwen2VLVideoProcessor(),
        feature_extractor=t.WhisperFeatureExtractor(feature_size=16),
        tokenizer=words,
        chat_template=words.chat_template,
    )
    hearing = {"d_model": 32, "encoder_layers": 1, "encoder_attention_heads": 2, "encoder_ffn_dim": 32}
    ids = {f"{name}_token_id": words.convert_tokens_to_ids(marks[f"{name}_token"]) for name in names[:3]}
    starts = {f"{name}_start_token_id": words.convert_tokens_to_ids(marks[f"{name}_bos_token"]) for name in SENSES}
    config = t.Qwen2_5OmniThinkerConfig(
        text_config=_qwen_text(words),
        vision_config=_windowed_vision(),
        audio_config={**hearing, "num_mel_bins": 16, "output_dim": HIDDEN, "max_source_positions": 100},
        **{name.replace("_id", "_index"): value for name, value in ids.items()},
        **starts,
    )
    return with_old_places(config), made


def _qwen_parts(processor: Any, patch: int, video: Any) -> Parts:
    words = tokenizer([*QWEN, QWEN_VIDEO], pad_token="<|endoftext|>", eos_token="<|im_end|>")
    made = processor(
        image_processor=_qwen_pixels(patch), tokenizer=words, video_processor=video, chat_template="{{messages}}"
    )
    return words, made


def _qwen_pixels(patch: int) -> Any:
    from transformers import Qwen2VLImageProcessor

    area = (2 * patch) ** 2
    return Qwen2VLImageProcessor(patch_size=patch, min_pixels=4 * area, max_pixels=64 * area)


def _qwen_text(words: Any) -> dict[str, Any]:
    ends = {"bos_token_id": words.pad_token_id, "eos_token_id": words.eos_token_id, "pad_token_id": words.pad_token_id}
    return {**GROUPED, **LONG, "vocab_size": len(words), "rope_parameters": ROPE, **ends}


def _windowed_vision() -> dict[str, Any]:
    size = {"depth": 2, "hidden_size": 32, "out_hidden_size": HIDDEN, "num_heads": 2, "intermediate_size": 64}
    return {**size, "patch_size": 14, "window_size": 56, "fullatt_block_indexes": [1]}


def _deep_vision() -> dict[str, Any]:
    size = {"depth": 2, "hidden_size": 32, "out_hidden_size": HIDDEN, "num_heads": 2, "intermediate_size": 64}
    return {**size, "patch_size": 16, "num_position_embeddings": 64, "deepstack_visual_indexes": [0]}


def _qwen_ids(words: Any) -> dict[str, int]:
    marks = {"image": QWEN[5], "video": QWEN_VIDEO, "vision_start": QWEN[3], "vision_end": QWEN[4]}
    return {f"{name}_token_id": words.convert_tokens_to_ids(mark) for name, mark in marks.items()}


# Name -> what makes the config and the processor, and the two classes of colpali-engine.
FAMILIES: dict[str, tuple[Callable[[Any], Parts], str, str]] = {
    "colpali": (paligemma, "ColPali", "ColPaliProcessor"),
    "colidefics3": (idefics3, "ColIdefics3", "ColIdefics3Processor"),
    "colmodernvbert": (modernvbert, "ColModernVBert", "ColModernVBertProcessor"),
    "colgemma3": (gemma3, "ColGemma3", "ColGemmaProcessor3"),
    "colqwen2": (qwen2, "ColQwen2", "ColQwen2Processor"),
    "colqwen2_5": (qwen2_5, "ColQwen2_5", "ColQwen2_5_Processor"),
    "colqwen3": (qwen3, "ColQwen3", "ColQwen3Processor"),
    "colqwen3_5": (qwen3_5, "ColQwen3_5", "ColQwen3_5Processor"),
    "colqwen_omni": (qwen_omni, "ColQwen2_5Omni", "ColQwen2_5OmniProcessor"),
    "bipali": (paligemma, "BiPali", "ColPaliProcessor"),
    "bipaliproj": (paligemma, "BiPaliProj", "ColPaliProcessor"),
    "biidefics3": (idefics3, "BiIdefics3", "BiIdefics3Processor"),
    "bimodernvbert": (modernvbert, "BiModernVBert", "BiModernVBertProcessor"),
    "bigemma3": (gemma3, "BiGemma3", "BiGemmaProcessor3"),
    "biqwen2": (qwen2, "BiQwen2", "BiQwen2Processor"),
    "biqwen2_5": (qwen2_5, "BiQwen2_5", "BiQwen2_5_Processor"),
    "biqwen3": (qwen3, "BiQwen3", "BiQwen3Processor"),
    "biqwen3_5": (qwen3_5, "BiQwen3_5", "BiQwen3_5Processor"),
}


def make(family: str, folder: str | Path, seed: int = 0) -> Path:
    """Write a tiny checkpoint of `family` to `folder`: config, weights (float32), processor."""
    import colpali_engine.models as engine
    import torch

    from vrag.embedders.colpali.repairs import repaired_class

    parts, model_class, processor_class = FAMILIES[family]
    config, processor = parts(getattr(engine, processor_class))
    torch.manual_seed(seed)
    model = repaired_class(engine, model_class)(config).float().eval()
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return Path(folder)


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in FAMILIES:
        sys.exit(f"{__doc__}\nFamilies: {', '.join(FAMILIES)}")
    make(sys.argv[1], sys.argv[2])
