"""The visual tokens of a batch, from what the model was really given: which rows are patches, and where each lies."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from vrag.embedders.colpali.geometry import BoolArray, marked_grid, square_grid
from vrag.embedders.hub_files import CONFIG, Snapshot
from vrag.embedders.onnx_vision.onnx_engine import Inputs
from vrag.embedders.onnx_vision.onnx_families import PREPROCESSOR, PROCESSOR, GraphLayout
from vrag.errors import ModelError
from vrag.grid import Grid

_IMAGE = "<image>"  # the token that both families put in the place of a patch


class OnnxPatches:
    """Finds patches in the inputs of a batch of pages.

    Args:
        snapshot: The checkpoint's files.
        layout: How its family lays out patches.
        tokenizer: Its tokenizer, as it is used.

    Raises:
        ModelError: The processor crops or pads pictures, so that cells would not lie where they seem to; or no
            token stands for a patch.
    """

    def __init__(self, snapshot: Snapshot, layout: GraphLayout, tokenizer: Any) -> None:
        self._pixels = snapshot.read_json(PREPROCESSOR) or {}
        self._processor = snapshot.read_json(PROCESSOR) or {}
        self._layout, self._tokenizer = layout, tokenizer
        self._image_token = _image_token(snapshot.read_json(CONFIG) or {}, tokenizer, snapshot.name)
        if not _stretches(self._pixels, layout):
            raise ModelError(
                f"{PREPROCESSOR} of {snapshot.name} crops or pads pictures: the places of patches would be wrong.",
                "Use a checkpoint whose processor stretches the whole page.",
            )

    def masks(self, inputs: Inputs) -> BoolArray:
        """Which tokens are visual: bool [b, length]. Prompt, padding and special tokens are not."""
        mask: BoolArray = (inputs["input_ids"] == self._image_token) & (inputs["attention_mask"] == 1)
        return mask

    def grids(self, inputs: Inputs) -> list[Grid]:
        """The grid of each page's visual tokens, in the order of the tokens.

        Raises:
            ModelError: The tokens do not fill a grid, or are cut off.
        """
        return [self._grid(inputs, page, mask) for page, mask in enumerate(self.masks(inputs))]

    def most_rows(self) -> int | None:
        """The most visual tokens a page can have under this processor's settings; None when they do not say."""
        if self._layout is GraphLayout.TILES:
            tile = int(self._pixels.get("max_image_size", {}).get("longest_edge", 512))
            side = math.ceil(self._pixels["size"]["longest_edge"] / tile)
            return int((side * side + 1) * self._processor.get("image_seq_len", 64))
        found = self._pixels.get("image_seq_length")
        return None if found is None else int(found)

    def longest_side(self) -> int:
        """Pixels of a page's longest side that the processor can make use of."""
        size = self._pixels["size"]
        # A fixed square needs its side of the page's shorter one, and pages of two to one are common.
        return int(
            size["longest_edge"] if self._layout is GraphLayout.TILES else 2 * max(size["height"], size["width"])
        )

    def _grid(self, inputs: Inputs, page: int, mask: BoolArray) -> Grid:
        pixels, tokens = inputs["pixel_values"][page], int(mask.sum())
        if self._layout is GraphLayout.SQUARE:
            height, width = pixels.shape[-2:]
            side = math.isqrt(tokens) or 1
            return square_grid((height, width), max(height, width) // side or 1, tokens)
        grid = marked_grid(inputs["input_ids"][page], mask, self._text)
        tiles = int(pixels.any(axis=(1, 2, 3)).sum())  # the batch is filled up with tiles of zeros
        if len(grid.tiles) != tiles:
            raise ModelError(
                f"The page has {tiles} tiles and tokens for {len(grid.tiles)} of them: their places are unknown.",
                "Is model_max_length in its tokenizer_config.json too small?",
            )
        return grid

    def _text(self, ids: Any) -> str:
        text: str = self._tokenizer.decode([int(token) for token in ids], skip_special_tokens=False)
        return text


def _image_token(config: Mapping[str, Any], tokenizer: Any, name: str) -> int:
    for found in (config.get("image_token_id"), config.get("image_token_index"), tokenizer.token_to_id(_IMAGE)):
        if found is not None:
            return int(found)
    raise ModelError(f"{name} names no image token, so that patches cannot be told from text.")


def _stretches(pixels: Mapping[str, Any], layout: GraphLayout) -> bool:
    """Whether equal shares of the processor's picture are equal shares of the page."""
    size = pixels.get("size") or {}
    if layout is GraphLayout.TILES:
        return "longest_edge" in size
    fixed = "height" in size and size.get("height") == size.get("width")
    return fixed and bool(pixels.get("do_resize")) and not pixels.get("do_center_crop") and not pixels.get("do_pad")
