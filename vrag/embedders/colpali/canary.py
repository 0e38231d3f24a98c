"""What a model makes of one fixed page and query: tells models apart that call themselves the same.

Devices and number formats differ in the last digits, so that the numbers are compared with a tolerance
(`Fingerprint.differences`). On a CPU a page of a large model takes many seconds, therefore what was found is kept
in the user's cache, under everything it depends on.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import platformdirs

from vrag.embedders.colpali.engine import versions
from vrag.embedders.colpali.loading import Checkpoint, LoadedModel
from vrag.pages.page import Page

if TYPE_CHECKING:
    from vrag.embedders.colpali.embedder import ColpaliEmbedder

QUERY = "survey results of the western region"
_NUMBERS = 12  # of the page's mean, and of the query's


def canary_numbers(embedder: ColpaliEmbedder, loaded: LoadedModel, checkpoint: Checkpoint) -> str:
    """The first numbers of the mean vectors of the canary's page and query, as text with two decimals."""
    file = platformdirs.user_cache_path("vrag") / "canary" / _cache_key(loaded, checkpoint)
    with suppress(OSError):
        return file.read_text(encoding="ascii")
    text = _numbers(embedder)
    with suppress(OSError):  # without a writable cache it is computed at each start
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_suffix(".new")
        draft.write_text(text, encoding="ascii")
        draft.replace(file)
    return text


def processor_digest(processor: Any) -> str:
    """Hash of the processor's settings and prompt: 16 hexadecimal digits."""
    settings = processor.image_processor.to_dict()
    prompt = getattr(processor, "visual_prompt_prefix", None) or getattr(processor.tokenizer, "chat_template", None)
    facts = {"settings": settings, "prompt": prompt, "tokens": len(processor.tokenizer)}
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:16]


def canary_page() -> Page:
    """A picture of slopes and bars, 160 x 120 pixels: the same bytes on every machine."""
    from PIL import Image

    y, x = np.mgrid[0:120, 0:160]
    bars = np.where((x // 20 + y // 15) % 2 == 0, 200, 40)
    pixels = np.stack([bars, x, 2 * y], axis=2).astype(np.uint8)
    return Page(1, 160.0, 120.0, image=Image.fromarray(pixels))


def _numbers(embedder: ColpaliEmbedder) -> str:
    page, query = embedder.embed_pages([canary_page()])[0].full, embedder.token_rows(QUERY)
    means = np.concatenate([rows.mean(axis=0)[:_NUMBERS] for rows in (page, query)])
    return " ".join(f"{number:.2f}" for number in means)


def _cache_key(loaded: LoadedModel, checkpoint: Checkpoint) -> str:
    folders = {checkpoint.own.folder, checkpoint.base.folder}
    files = sorted(_identity(file) for folder in folders for file in folder.iterdir() if file.is_file())
    facts = {
        "files": files,
        "class": checkpoint.family.model_class,
        "device": loaded.device,
        "dtype": loaded.dtype,
        "processor": processor_digest(loaded.processor),
        **versions(),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]


def _identity(file: Path) -> str:
    stat = file.stat()
    return f"{file.resolve()}|{stat.st_size}|{stat.st_mtime_ns}"
