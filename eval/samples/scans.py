"""Scanned pages: pictures of text without a text layer, slightly turned and noisy as scanners make them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_PAGES: tuple[tuple[str, str], ...] = (
    (
        "MAINTENANCE NOTICE 17 / 1987",
        """Water tower, Lindenau. To all attendants.

The pressure relief valve on pump number 3 opens at 6.5 bar and not at 8 bar as the brass plate says. \
The plate will be replaced. Until then hang the red tag on the handwheel.

Grease the main bearing every second Monday with two strokes of the gun. Do not grease it while the pump is running.

If the float in the upper tank sticks, strike the guide rod with the wooden mallet, never with iron.

Signed: K. Brandt, waterworks inspector
Lindenau, 9 November 1987""",
    ),
    (
        "HOUSE RULES OF THE BOAT CLUB",
        """1. Oars are returned to the rack dry.

2. Whoever takes the skiff Marianne after sunset carries a white lamp at the stern.

3. Children under twelve wear a cork vest on the jetty, even when they can swim.

4. The key to the tar shed hangs at the widow Petersen's, Harbour Street 4. Ask before eight in the evening.

5. Dogs do not sleep in boats.

Decided at the general meeting of 2 May 1961.""",
    ),
)


def write(path: Path) -> None:
    """Write the scans, one picture a page."""
    pages = [_scan(title, text, seed) for seed, (title, text) in enumerate(_PAGES, 1)]
    pages[0].save(path, "PDF", resolution=130, quality=60, save_all=True, append_images=pages[1:],
                  title="Scans", creationDate=None, modDate=None)  # fmt: skip


def _scan(title: str, text: str, seed: int) -> Image.Image:
    page = Image.new("L", (1075, 1520), 250)
    draw = ImageDraw.Draw(page)
    draw.text((130, 150), title, font=ImageFont.load_default(38), fill=35)
    y = 250
    for block in text.split("\n"):
        for line in _wrapped(draw, block):
            draw.text((130, y), line, font=ImageFont.load_default(27), fill=45)
            y += 42
    turned = page.rotate(0.8 if seed % 2 else -0.6, resample=Image.Resampling.BICUBIC, fillcolor=250)
    noise = np.random.default_rng(seed).normal(0, 7, (turned.height, turned.width))
    return Image.fromarray(np.clip(np.asarray(turned) + noise, 0, 255).astype(np.uint8))


def _wrapped(draw: ImageDraw.ImageDraw, text: str) -> list[str]:
    lines, current = [], ""
    for word in text.split():
        longer = f"{current} {word}".strip()
        if draw.textlength(longer, font=ImageFont.load_default(27)) > 830:
            lines, current = [*lines, current], word
        else:
            current = longer
    return [*lines, current]
