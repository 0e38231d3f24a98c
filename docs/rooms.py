"""Draws the rooms of vrag, floor by floor, with the imports between them, from the code itself.

    python docs/rooms.py            # writes docs/pictures/rooms.svg
    python docs/rooms.py --check    # fails when docs/pictures/rooms.svg is not what the code says

Floors are the layers of the import contract in pyproject.toml, a room's text is the first line of its package. An
arrow is an import, dashed where it passes floors; one that follows from others (a imports b, b imports c, a imports c)
is left out.
"""

from __future__ import annotations

import ast
import sys
import textwrap
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path

try:
    import tomllib
except ImportError:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "vrag"
DRAWING = ROOT / "docs" / "pictures" / "rooms.svg"
WIDTH, MARGIN, GAP, BETWEEN = 1240, 24, 18, 52  # pixels: of the drawing, around it, between rooms, between floors
LINE, PADDING = 17, 12
STYLE = """
text { font: 13px/1.3 system-ui, sans-serif; fill: #1d2733 }
.name { font-weight: 600; font-size: 15px }
rect { fill: #f4f7fb; stroke: #8fa3b8; rx: 6 }
path { fill: none; stroke: #5f7790; stroke-opacity: .55; stroke-width: 1.3; marker-end: url(#tip) }
.far { stroke-dasharray: 5 4 }
"""
Box = tuple[float, float, float, float]


def floors() -> list[list[str]]:
    """Rooms of every floor, the highest first, as the import contract has them."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    return [[room.strip() for room in layer.split("|")] for layer in layers]


def purpose(room: str) -> str:
    """The first line of a room's own description."""
    file = PACKAGE / room / "__init__.py"
    text = ast.get_docstring(ast.parse((file if file.exists() else PACKAGE / f"{room}.py").read_text())) or ""
    return text.splitlines()[0].split(": ", 1)[-1]


def imports() -> dict[str, set[str]]:
    """The rooms that each room imports from, lazily or not."""
    found: dict[str, set[str]] = {room: set() for floor in floors() for room in floor}
    for file in sorted(PACKAGE.rglob("*.py")):
        room = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if room in found:
            found[room] |= {other for other in _imported(file) if other != room and other in found}
    return found


def _imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "vrag":
            inside = node.module.split(".")[1:]
            yield from inside[:1] or [alias.name for alias in node.names]


def needed(edges: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """The edges without those that follow from others."""
    below: dict[str, set[str]] = {}
    for floor in reversed(floors()):
        for room in floor:
            below[room] = edges[room].union(*(below.get(other, set()) for other in edges[room]))
    return {
        room: {other for other in others if not any(other in below[third] for third in others)}
        for room, others in edges.items()
    }


def drawing() -> str:
    """The whole drawing as SVG."""
    boxes: dict[str, Box] = {}
    parts, top = [], float(MARGIN)
    for floor in floors():
        width = min(380.0, (WIDTH - 2 * MARGIN - GAP * (len(floor) - 1)) / len(floor))
        texts = {room: textwrap.wrap(purpose(room), int(width / 7.6)) for room in floor}
        height = 2 * PADDING + LINE * (1 + max(map(len, texts.values())))
        left = (WIDTH - len(floor) * width - GAP * (len(floor) - 1)) / 2
        for i, room in enumerate(floor):
            boxes[room] = x, y, _, _ = left + i * (width + GAP), top, width, height
            parts.append(f'<rect x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{height:.0f}"/>')
            lines = [f'<tspan class="name">{escape(room)}</tspan>', *map(escape, texts[room])]
            for n, line in enumerate(lines, 1):
                parts.append(f'<text x="{x + PADDING:.0f}" y="{y + PADDING - 4 + LINE * n:.0f}">{line}</text>')
        top += height + BETWEEN
    arrows = [_arrow(boxes[a], boxes[b]) for a, others in needed(imports()).items() for b in sorted(others)]
    tip = '<marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top - BETWEEN + MARGIN:.0f}">'
    defs = f'<defs>{tip}<path d="M0 0L8 4L0 8z" style="fill:#5f7790;stroke:none;marker-end:none"/></marker></defs>'
    return "\n".join([head, f"<style>{STYLE}</style>", defs, *arrows, *parts, "</svg>"]) + "\n"


def _arrow(start: Box, end: Box) -> str:
    """A curve from the foot of one box to the head of another, where they are nearest to each other."""
    x0, y0, w0, h0 = start
    x1, y1, w1, _ = end
    a = min(max(x1 + w1 / 2, x0 + 20), x0 + w0 - 20)
    b = min(max(x0 + w0 / 2, x1 + 20), x1 + w1 - 20)
    foot, bend = y0 + h0, (y1 - y0 - h0) / 2
    far = ' class="far"' if y1 - foot > BETWEEN else ""
    a, b = (a + 14, b + 14) if far else (a, b)  # beside the arrows from floor to floor
    return f'<path{far} d="M{a:.0f} {foot:.0f}C{a:.0f} {foot + bend:.0f} {b:.0f} {y1 - bend:.0f} {b:.0f} {y1:.0f}"/>'


if __name__ == "__main__":
    if "--check" in sys.argv and DRAWING.read_text(encoding="utf-8") != drawing():
        sys.exit(f"{DRAWING} is not what the code says: run python docs/rooms.py")
    DRAWING.write_text(drawing(), encoding="utf-8")
