#!/usr/bin/env python3
"""Tiny ONNX checkpoints of the image models that fastembed runs: real graphs, tokenizers and processor settings.

    python tests/embedders/tiny_onnx.py FAMILY FOLDER

writes one that `vrag ingest FILES --model FOLDER` takes like a real one. The graph averages the pixels of each patch,
projects them, and mixes the mean over all attended tokens into every row: padding that leaked in would show.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

DIM = 128  # fastembed reshapes its own output to it
TABLE = 61  # rows of the table that text tokens are looked up in
TILE = 64
PALIGEMMA_IMAGE = 257152  # what fastembed's ColPali writes into its inputs
MARKS = ["<fake_token_around_image>", "<global-img>", "<image>", "<end_of_utterance>", "<|begin_of_text|>"]
PLACES = [f"<row_{row}_col_{col}>" for row in range(1, 7) for col in range(1, 7)]
BYTES = 256
Json = dict[str, Any]


def tokenizer(specials: dict[str, int], folder: Path, limit: int, side: str, **ends: str) -> None:
    """A tokenizer of single bytes and `specials` with their ids, as transformers lays one down."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    letters = {letter: i for i, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    core = Tokenizer(models.BPE(vocab={**letters, **specials}, merges=[], unk_token=None))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    core.add_special_tokens([AddedToken(token, special=True) for token in specials])
    core.save(str(folder / "tokenizer.json"))
    write(folder, "tokenizer_config.json", {"model_max_length": limit, "padding_side": side, **ends})
    write(folder, "special_tokens_map.json", dict(ends))


def write(folder: Path, name: str, content: Json) -> None:
    (folder / name).write_text(json.dumps(content), encoding="utf-8")


def colpali(folder: Path, seed: int) -> None:
    """448 x 448 pixels, 32 x 32 patches, six tokens of prompt after them."""
    size = {"height": 448, "width": 448}
    scale = {"do_rescale": True, "do_normalize": True, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    pixels = {"image_processor_type": "SiglipImageProcessor", "do_resize": True, "size": size, **scale}
    write(folder, "preprocessor_config.json", {**pixels, "image_seq_length": 1024})
    write(folder, "config.json", {"model_type": "paligemma", "architectures": ["ColPali"], "pad_token_id": 257})
    specials = {"<s>": 256, "<pad>": 257, "<image>": PALIGEMMA_IMAGE}
    tokenizer(specials, folder, 512, "right", pad_token="<pad>", bos_token="<s>")
    graph(folder / "model.onnx", PALIGEMMA_IMAGE, 14, [3, 448, 448], seed)


def colmodernvbert(folder: Path, seed: int) -> None:
    """Tiles of 64 x 64 pixels, 2 x 2 tokens each, at most 4 x 4 of them and the whole page; padding on the left."""
    size, tile = {"longest_edge": 4 * TILE}, {"longest_edge": TILE}
    scale = {"do_rescale": True, "do_normalize": True, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    resized = {"do_resize": True, "size": size, "do_image_splitting": True, "max_image_size": tile, "resample": 1}
    write(folder, "preprocessor_config.json", {"image_processor_type": "Idefics3ImageProcessor", **resized, **scale})
    write(folder, "processor_config.json", {"image_seq_len": 4})
    specials = {token: BYTES + i for i, token in enumerate([*MARKS, *PLACES, "<pad>"])}
    vision = {"image_size": TILE, "patch_size": 16}
    config = {"model_type": "modernvbert", "vision_config": vision, "image_token_id": specials["<image>"]}
    write(folder, "config.json", {**config, "pad_token_id": specials["<pad>"]})
    tokenizer(specials, folder, 4096, "left", pad_token="<pad>")
    graph(folder / "model_v2.onnx", specials["<image>"], TILE // 2, ["tiles", 3, TILE, TILE], seed)


def graph(path: Path, image_token: int, cell: int, picture: list[int | str], seed: int) -> None:
    """Write the model: input_ids, attention_mask [b, n] and pixel_values [b, ...] become rows [b, n, DIM]."""
    rng = np.random.default_rng(seed)
    constants = {
        "project": rng.normal(size=(3, DIM)).astype(np.float32),
        "lift": rng.normal(size=DIM).astype(np.float32),
        "table": rng.normal(size=(TABLE, DIM)).astype(np.float32),
        "table_size": np.array(TABLE),
        "image_token": np.array(image_token),
        "one": np.array(1),
        "zero": np.array(0),
        "axis_1": np.array([1]),
        "axis_2": np.array([2]),
        "share": np.array(0.2, np.float32),
        "tile_shape": np.array([-1, *picture[-3:]]),
        "flat": np.array([0, 0, -1]),
        "wide": np.array([1, 1, DIM]),
    }
    nodes = [
        # Patches: [b, p, DIM] in the order of the tokens.
        ("Reshape", ["pixel_values", "tile_shape"], "tiles", {}),
        ("AveragePool", ["tiles"], "cells", {"kernel_shape": [cell, cell], "strides": [cell, cell]}),
        ("Reshape", ["cells", "flat"], "columns", {}),
        ("Transpose", ["columns"], "colours", {"perm": [0, 2, 1]}),
        ("MatMul", ["colours", "project"], "projected", {}),
        ("Add", ["projected", "lift"], "lifted", {}),
        ("Shape", ["input_ids"], "batch", {"start": 0, "end": 1}),
        ("Concat", ["batch", "rest"], "by_page", {"axis": 0}),
        ("Reshape", ["lifted", "by_page"], "patches", {}),
        # Which of them each image token takes.
        ("Equal", ["input_ids", "image_token"], "is_image", {}),
        ("Cast", ["is_image"], "counted", {"to": TensorProto.INT64}),
        ("CumSum", ["counted", "one"], "rank", {}),
        ("Sub", ["rank", "one"], "index", {}),
        ("Max", ["index", "zero"], "safe", {}),
        ("Unsqueeze", ["safe", "axis_2"], "tall", {}),
        ("Expand", ["tall", "wide"], "chosen", {}),
        ("GatherElements", ["patches", "chosen"], "seen", {"axis": 1}),
        # Text, and the mean over everything attended.
        ("Mod", ["input_ids", "table_size"], "row", {}),
        ("Gather", ["table", "row"], "read", {}),
        ("Unsqueeze", ["is_image", "axis_2"], "where", {}),
        ("Where", ["where", "seen", "read"], "tokens", {}),
        ("Cast", ["attention_mask"], "attended", {"to": TensorProto.FLOAT}),
        ("Unsqueeze", ["attended", "axis_2"], "mask", {}),
        ("Mul", ["tokens", "mask"], "kept", {}),
        ("ReduceSum", ["kept", "axis_1"], "sum", {}),
        ("ReduceSum", ["mask", "axis_1"], "count", {}),
        ("Div", ["sum", "count"], "mean", {}),
        ("Mul", ["mean", "share"], "some", {}),
        ("Add", ["tokens", "some"], "mixed", {}),
        ("LpNormalization", ["mixed"], "unit", {"axis": -1, "p": 2}),
        ("Mul", ["unit", "mask"], "embeddings", {}),
    ]
    constants["rest"] = np.array([-1, DIM])
    made = helper.make_graph(
        [helper.make_node(op, inputs, [output], **options) for op, inputs, output, options in nodes],
        "tiny",
        [
            helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["b", "n"]),
            helper.make_tensor_value_info("attention_mask", TensorProto.INT64, ["b", "n"]),
            helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, ["b", *picture]),
        ],
        [helper.make_tensor_value_info("embeddings", TensorProto.FLOAT, ["b", "n", DIM])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    save(helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


FAMILIES: dict[str, Callable[[Path, int], None]] = {"colpali": colpali, "colmodernvbert": colmodernvbert}


def make(family: str, folder: str | Path, seed: int = 0) -> Path:
    """Write a tiny checkpoint of `family` to `folder`."""
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    FAMILIES[family](place, seed)
    return place


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in FAMILIES:
        sys.exit(f"{__doc__}\nFamilies: {', '.join(FAMILIES)}")
    make(sys.argv[1], sys.argv[2])
