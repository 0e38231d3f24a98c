"""Bar charts with intervals, as HTML: text keeps its size on every screen, which it does not in a scaled picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

# Told apart also by people who see few colours: blue, orange, green, purple, gold, grey.
COLOURS = ("#2f6fde", "#e07a1f", "#1f9d6b", "#8d5bd1", "#c9a100", "#7d8794")


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar.

    Args:
        group: Bars of one group stand together under one label.
        name: What the bar's colour stands for.
        value: Its length, in [0, 1].
        low: Lower end of its interval.
        high: Upper end of its interval.
        label: The value as it is written beside it.
    """

    group: str
    name: str
    value: float
    low: float
    high: float
    label: str


def bar_chart(bars: Sequence[Bar], label: str) -> str:
    """A chart of horizontal bars from 0 to 1, grouped; `label` says what it shows to those who cannot see it."""
    names = list(dict.fromkeys(bar.name for bar in bars))
    parts = []
    for group in dict.fromkeys(bar.group for bar in bars):
        mine = [_bar(bar, COLOURS[names.index(bar.name) % len(COLOURS)]) for bar in bars if bar.group == group]
        parts.append(f"<dt>{escape(group)}</dt><dd>{''.join(mine)}</dd>")
    return f'<dl class="chart" role="group" aria-label="{escape(label)}">{"".join(parts)}</dl>'


def _bar(bar: Bar, colour: str) -> str:
    low, high = _percent(bar.low), _percent(bar.high)
    whisker = f'<s style="left:{low:.2f}%;width:{max(high - low, 0):.2f}%"></s>'
    body = f'<i style="width:{_percent(bar.value):.2f}%;background:{colour}"></i>{whisker}'
    return (
        f'<p><span class="name">{escape(bar.name)}</span><span class="track" aria-hidden="true">{body}</span>'
        f'<span class="value">{escape(bar.label)}</span></p>'
    )


def _percent(share: float) -> float:
    return 100 * min(max(share, 0.0), 1.0)
