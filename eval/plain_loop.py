"""The loop over pictures that colpali-engine's documentation shows, timed: what `vrag ingest` is compared with."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from random_checkpoints import PROCESSORS

from vrag.embedders.colpali.repairs import without_logits
from vrag.embedders.colpali.torch_engine import choose_dtype, quiet


class Plain:
    """The loop of colpali-engine's documentation, timed.

    ColPali goes without its layer that predicts words, and without the labels for it, here too: transformers 5 never
    loads that layer, so that the loop would fail as it stands there.

    Args:
        model: Its class.
        folder: Of the checkpoint.
        device: Where it runs.
    """

    def __init__(self, model: str, folder: Path, device: str) -> None:
        import colpali_engine.models as engine
        import torch
        from transformers.utils.import_utils import is_flash_attn_2_available

        attention = "flash_attention_2" if device.startswith("cuda") and is_flash_attn_2_available() else None
        dtype = getattr(torch, choose_dtype("auto", device))
        with quiet():
            loaded = getattr(engine, model).from_pretrained(folder, dtype=dtype, attn_implementation=attention)
            self._processor = getattr(engine, PROCESSORS[model]).from_pretrained(folder)
        self._model, self._device = without_logits(loaded).to(device).eval(), device
        self.attention = str(loaded.config._attn_implementation)

    def embed(self, images: Sequence[Any]) -> tuple[float, float]:
        """Seconds of preparing and of embedding the pictures."""
        import torch

        started = time.perf_counter()
        prepared = self._processor.process_images(images)
        prepared.pop("labels", None)
        between = time.perf_counter()
        with torch.inference_mode():
            list(torch.unbind(self._model(**prepared.to(self._device)).to("cpu")))
        return between - started, time.perf_counter() - between

    def run(self, images: Sequence[Any], most: int, batch: int) -> Iterator[tuple[int, float, float]]:
        """Embed the pictures again and again; after each batch the pages so far and the seconds of both stages."""
        preparing = embedding = 0.0
        for start in range(0, most, batch):
            chosen = [images[i % len(images)] for i in range(start, min(start + batch, most))]
            prepared, embedded = self.embed(chosen)
            preparing, embedding = preparing + prepared, embedding + embedded
            yield start + len(chosen), preparing, embedding
