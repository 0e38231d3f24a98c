"""Bar charts with intervals, as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

# Told apart also by people who see few colours: blue, orange, green, purple, gold, grey.
COLOURS = ("#2f6fde", "#e07a1f", "#1f9d6b", "#8d5bd1", "#c9a100", "#7d8794")
_WIDTH, _LEFT, _RIGHT = 900, 250, 150
_BAR, _GAP, _GROUP_GAP, _AXIS = 16, 4, 18, 26


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar.

    Args:
        group: Bars of one group stand together under one label.
        name: What the bar's colour stands for.
        value: Its length, in [0, 1].
        low: Lower end of its interval.
        high: Upper end of its interval.
    """

    group: str
    name: str
    value: float
    low: float
    high: float


def bar_chart(bars: Sequence[Bar], label: str) -> str:
    """A chart of horizontal bars, grouped, with a legend; `label` says what it shows to those who cannot see it."""
    names = list(dict.fromkeys(bar.name for bar in bars))
    groups = list(dict.fromkeys(bar.group for bar in bars))
    parts, top = [_legend(names)], _AXIS + 8.0
    start = top
    for group in groups:
        mine = [bar for bar in bars if bar.group == group]
        height = len(mine) * (_BAR + _GAP) - _GAP
        parts.append(_text(_LEFT - 12, top + height / 2 + 4, _short(group), "end", title=group))
        for number, bar in enumerate(mine):
            parts.append(_bar(bar, top + number * (_BAR + _GAP), COLOURS[names.index(bar.name) % len(COLOURS)]))
        top += height + _GROUP_GAP
    end = top - _GROUP_GAP + 8
    body = "".join([_grid(start - 6, end), *parts])
    return f'<svg viewBox="0 0 {_WIDTH} {end + 22:g}" role="img" aria-label="{escape(label)}">{body}</svg>'


def _bar(bar: Bar, top: float, colour: str) -> str:
    middle = top + _BAR / 2
    low, high = _x(bar.low), _x(bar.high)
    whisker = f"M{low:.1f} {middle - 4:g}v8M{low:.1f} {middle:g}H{high:.1f}M{high:.1f} {middle - 4:g}v8"
    tip = f"{bar.name}: {bar.value:.4f} [{bar.low:.4f}, {bar.high:.4f}]"
    return (
        f'<g><title>{escape(tip)}</title><rect x="{_LEFT}" y="{top:g}" width="{_x(bar.value) - _LEFT:.1f}" '
        f'height="{_BAR}" rx="2" fill="{colour}"/><path d="{whisker}" class="whisker"/>'
        f"{_text(max(high, _x(bar.value)) + 8, middle + 4, f'{bar.value:.3f}', 'start')}</g>"
    )


def _grid(top: float, bottom: float) -> str:
    lines = []
    for tenth in range(0, 11, 2):
        x = _x(tenth / 10)
        lines.append(f'<path d="M{x:.1f} {top:g}V{bottom:g}" class="grid"/>')
        lines.append(_text(x, bottom + 16, f"{tenth / 10:g}", "middle", "tick"))
    return "".join(lines)


def _legend(names: Sequence[str]) -> str:
    parts, x = [], float(_LEFT)
    for number, name in enumerate(names):
        colour = COLOURS[number % len(COLOURS)]
        parts.append(f'<rect x="{x:g}" y="4" width="12" height="12" rx="2" fill="{colour}"/>')
        parts.append(_text(x + 18, 14, _short(name), "start", title=name))
        x += 44 + 7.2 * len(_short(name))
    return "".join(parts)


def _text(x: float, y: float, text: str, anchor: str, kind: str = "", title: str = "") -> str:
    hover = f"<title>{escape(title)}</title>" if title and title != text else ""
    attributes = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"' + (f' class="{kind}"' if kind else "")
    return f"<text {attributes}>{hover}{escape(text)}</text>"


def _x(share: float) -> float:
    return _LEFT + min(max(share, 0.0), 1.0) * (_WIDTH - _LEFT - _RIGHT)


def _short(text: str, most: int = 36) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
