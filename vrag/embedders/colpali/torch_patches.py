"""The visual tokens of a batch: which rows of the model's output are patches, and where each lies on its page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from vrag.embedders.colpali.geometry import BoolArray, dynamic_grid, marked_grid, square_grid
from vrag.embedders.colpali.torch_families import PatchLayout
from vrag.errors import ModelError
from vrag.grid import Grid


class Patches:
    """Finds patches in what a family's processor gives for a batch of pages.

    Args:
        model: A model of colpali-engine; its config names the image token.
        processor: Its processor.
        layout: How the family lays out patches.
    """

    def __init__(self, model: Any, processor: Any, layout: PatchLayout) -> None:
        self._image_token = _image_token(model.config)
        self._vision = model.config.vision_config
        self._processor = processor
        self._layout = layout

    def masks(self, batch: Any) -> BoolArray:
        """Which tokens are visual: bool [b, length]. Prompt, padding and special tokens are not."""
        ids, attended = batch["input_ids"].numpy(), batch["attention_mask"].numpy()
        mask: BoolArray = (ids == self._image_token) & (attended == 1)
        return mask

    def grids(self, batch: Any) -> list[Grid]:
        """The grid of each page's visual tokens, in the order of the tokens.

        Raises:
            ModelError: The tokens do not fill a grid.
        """
        masks = self.masks(batch)
        return [self._grid(batch, page, mask) for page, mask in enumerate(masks)]

    def most_rows(self) -> int | None:
        """The most visual tokens a page can have under this processor's settings; None when it sets no bound."""
        pixels = self._processor.image_processor
        if self._layout is PatchLayout.TILES:
            side = math.ceil(pixels.size["longest_edge"] / pixels.max_image_size["longest_edge"])
            return int((side * side + 1) * self._processor.image_seq_len)
        if self._layout is PatchLayout.DYNAMIC:
            most = pixels.size["longest_edge"]
            return int(most // (pixels.patch_size * pixels.merge_size) ** 2)
        return int(self._processor.image_seq_length)

    def longest_side(self) -> int:
        """Pixels of a page's longest side that the processor can make use of, up to pages of 4 : 1.

        A fixed square needs its side of the page's shorter one, and pages of two to one are common.
        """
        size = self._processor.image_processor.size
        if self._layout is PatchLayout.TILES:
            return int(size["longest_edge"])
        if self._layout is PatchLayout.DYNAMIC:
            return int(2 * math.sqrt(size["longest_edge"]))
        return 2 * int(max(size["height"], size["width"]))

    def _grid(self, batch: Any, page: int, mask: BoolArray) -> Grid:
        tokens = int(mask.sum())
        if self._layout is PatchLayout.DYNAMIC:
            frames, rows, cols = (int(n) for n in batch["image_grid_thw"][page])
            return dynamic_grid(frames, rows, cols, int(self._processor.image_processor.merge_size), tokens)
        if self._layout is PatchLayout.TILES:
            return marked_grid(batch["input_ids"][page].numpy(), mask, self._text)
        if len(batch["pixel_values"]) != len(batch["input_ids"]):
            raise ModelError(
                f"The processor cut {len(batch['input_ids'])} pages into {len(batch['pixel_values'])} pictures.",
                "Switch off pan and scan in its preprocessor_config.json.",
            )
        height, width = (int(n) for n in batch["pixel_values"].shape[-2:])
        return square_grid((height, width), int(self._vision.patch_size), tokens)

    def _text(self, ids: Sequence[int] | npt.NDArray[np.int64]) -> str:
        text: str = self._processor.tokenizer.decode(ids, skip_special_tokens=False)
        return text


def _image_token(config: Any) -> int:
    for name in ("image_token_id", "image_token_index"):
        value = getattr(config, name, None)
        if value is not None:
            return int(value)
    raise ModelError("The model's config names no image token, so that patches cannot be told from text.")
