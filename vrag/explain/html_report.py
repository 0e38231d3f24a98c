"""Explanations as pictures: a page under its heat as PNG, and a self-contained HTML report."""

from __future__ import annotations

import html
import io
import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vrag.explain.explanation import Explanation, WordMatch, word_matches
from vrag.explain.heatmap import RAMP, is_dark, overlay, paint, row_heat
from vrag.grid import Box, FloatArray
from vrag.runtime.data_url import data_url

if TYPE_CHECKING:
    from PIL.Image import Image

_TEMPLATE = Path(__file__).with_name("report_page.html")
_PAGE_SIDE = 1400  # pixels of the report's page picture, longest side
_HEAT_SIDE = 420  # pixels of its heat rasters, which the browser smooths
_NOTABLE = 0.2  # of the hottest match: weaker ones get no line around them


def heat_picture(explanation: Explanation, page: Image, tokens: Sequence[int] | None = None) -> Image:
    """The page under the heat of some of the query's tokens, their best matches framed.

    Args:
        explanation: From `Index.explain`.
        page: RGB picture of the page, any size.
        tokens: Which of the query's m rows, from 0; None for all.
    """
    heat = _heat(explanation)
    chosen = range(len(heat)) if tokens is None else tokens
    best = {j: float(heat[j, explanation.matches[j].row]) for j in chosen}
    framed = [j for j in chosen if best[j] > 0 and best[j] >= _NOTABLE * max(best.values())]
    raster = paint(heat[list(chosen)].sum(axis=0), explanation.grid, page.size)
    return overlay(page, raster, [explanation.matches[j].box for j in framed], _region(explanation))


def html_report(explanation: Explanation, page: Image) -> str:
    """One HTML document that needs no other file: the page, its heat a token, matches and stages.

    Args:
        explanation: From `Index.explain`.
        page: RGB picture of the page.
    """
    title = f"{explanation.doc}, page {explanation.page}"
    # "<" in a script element could end it; JSON has another spelling for it.
    data = json.dumps(_report_data(explanation, page), ensure_ascii=False).replace("<", "\\u003c")
    filled = {"title": html.escape(title), "data": data}
    return re.sub(r"{{(title|data)}}", lambda mark: filled[mark[1]], _TEMPLATE.read_text(encoding="utf-8"))


def _report_data(explanation: Explanation, page: Image) -> dict[str, Any]:
    shown = page.convert("RGB")
    shown.thumbnail((_PAGE_SIDE, _PAGE_SIDE))
    words, of_rows = word_matches(explanation), _heat(explanation)
    heat = [of_rows[list(word.rows)].sum(axis=0) for word in words]
    scale = _HEAT_SIDE / max(page.size)
    size = (max(1, round(page.width * scale)), max(1, round(page.height * scale)))
    rasters = [paint(row, explanation.grid, size) for row in heat]
    peak = max((float(raster.max()) for raster in rasters), default=0.0) or 1.0
    return {
        "query": explanation.query,
        "doc": explanation.doc,
        "page": explanation.page,
        "cascade": explanation.cascade,
        "standing": explanation.standing,
        "sums": explanation.sums,
        "region": _region(explanation),
        "stages": [
            {**asdict(stage), "standing": stage.standing, "outcome": stage.outcome} for stage in explanation.stages
        ],
        "matches": [_word_data(word, row) for word, row in zip(words, heat, strict=True)],
        "notable": _NOTABLE,
        "ramp": RAMP,
        "dark": is_dark(page),
        "image": _data_url(shown, "JPEG", quality=82),
        "size": size,
        # One scale for all tokens, so that the browser can add them up.
        "heat": [_data_url(_grey(raster / peak), "PNG", optimize=True) for raster in rasters],
    }


def _word_data(word: WordMatch, heat: FloatArray) -> dict[str, Any]:
    """A word as the report's script takes it."""
    data = {**asdict(word.best), "token": word.token, "contribution": word.contribution}
    return {**data, "counted": asdict(word.counted) if word.counted else None, "heat": float(heat[word.best.row])}


def _region(explanation: Explanation) -> Box | None:
    """Where the region lies that counted, if one did."""
    return explanation.counted.region if explanation.counted else None


def _heat(explanation: Explanation) -> FloatArray:
    return row_heat(explanation.similarities, explanation.weights, explanation.grid)


def _grey(raster: FloatArray) -> Image:
    """A raster of 0 to 1 as a grey picture."""
    from PIL import Image

    return Image.fromarray(np.rint(raster * 255).astype(np.uint8))


def _data_url(picture: Image, kind: str, **options: Any) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return data_url(buffer.getvalue(), kind.lower())
