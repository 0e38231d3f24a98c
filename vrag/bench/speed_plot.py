"""Results as CSV and as a picture: queries a second, and how the cost of a query grows with the corpus."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from vrag.bench.measure import SpeedRow
from vrag.errors import UsageError

_GOOD = 0.98  # recall from which a point is filled


def write_csv(rows: Sequence[SpeedRow], file: Path) -> None:
    """One line a row, with a header."""
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, [field.name for field in fields(SpeedRow)])
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)


def write_plot(rows: Sequence[SpeedRow], file: Path) -> None:
    """Queries a second against pages, both logarithmic; hollow is what found less than 98 % of the exact top ten.

    Of one size there are bars instead of curves.

    Raises:
        UsageError: matplotlib is missing.
    """
    new_figure, new_canvas = matplotlib_classes()
    sizes = sorted({row.pages for row in rows})
    figure = new_figure(figsize=(13, 5.5) if len(sizes) > 1 else (9, 1.6 + 0.42 * len(rows)), layout="constrained")
    new_canvas(figure)
    if len(sizes) > 1:
        _draw_curves(figure, sizes, rows)
    else:
        _draw_bars(figure.subplots(), rows)
    figure.savefig(file, dpi=120)


def matplotlib_classes() -> tuple[Any, Any]:
    """Figure and canvas; no pyplot, which would look for a screen.

    Raises:
        UsageError: matplotlib is missing.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UsageError("A plot needs matplotlib.", 'Install it with: pip install "vrag-toolkit[bench]"') from error
    return Figure, FigureCanvasAgg


def _draw_bars(axes: Any, rows: Sequence[SpeedRow]) -> None:
    """Queries a second of each system, the fastest on top, with its recall beside it."""
    ranked = sorted(rows, key=lambda row: row.qps)
    bars = axes.barh([label_of(row) for row in ranked], [row.qps for row in ranked], edgecolor="tab:blue")
    for row, bar in zip(ranked, bars, strict=True):
        bar.set_facecolor("tab:blue" if row.recall_at_10 >= _GOOD else "white")
    axes.bar_label(bars, [f"{row.qps:.3g}  (recall {row.recall_at_10:.3f})" for row in ranked], padding=4)
    axes.set(xscale="log", xlabel="queries a second")
    axes.set_title(f"{rows[0].pages:,} pages; filled: at least 98 % of the exact top ten", fontsize="medium")
    axes.margins(x=0.5)
    axes.grid(axis="x", alpha=0.3)


def _draw_curves(figure: Any, sizes: Sequence[int], rows: Sequence[SpeedRow]) -> None:
    from matplotlib import colormaps

    speed, growth = figure.subplots(1, 2)
    tints = colormaps["tab20"](range(20))
    speed.set_prop_cycle(color=[*tints[::2], *tints[1::2]])  # as many systems as anybody has installed
    for label in dict.fromkeys(map(label_of, rows)):
        _curves(speed, growth, label, sorted((r for r in rows if label_of(r) == label), key=lambda row: row.pages))
    growth.plot(sizes, [size / sizes[0] for size in sizes], "--", color="black", linewidth=1, label="linear")
    for axes, said in ((speed, "queries a second"), (growth, f"cost of a query, {sizes[0]:,} pages = 1")):
        axes.set(xscale="log", yscale="log", xlabel="pages", ylabel=said)
        axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
        axes.minorticks_off()
        axes.grid(alpha=0.3)
    speed.set_title("Filled: at least 98 % of the exact top ten", fontsize="medium")
    growth.set_title("Below the dashed line: grows less than the corpus", fontsize="medium")
    growth.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize="small", frameon=False)


def _curves(speed: Any, growth: Any, label: str, rows: Sequence[SpeedRow]) -> None:
    """One system, its rows in order of size; ours drawn bolder."""
    width = 2.5 if label.startswith("vrag") else 1
    pages = [row.pages for row in rows]
    line = speed.plot(pages, [row.qps for row in rows], linewidth=width, label=label)[0]
    colour = line.get_color()
    for row in rows:
        speed.plot(
            row.pages, row.qps, "o", color=colour, markerfacecolor=colour if row.recall_at_10 >= _GOOD else "white"
        )
    growth.plot(
        pages, [row.median_ms / rows[0].median_ms for row in rows], "-o", color=colour, linewidth=width, label=label
    )


def label_of(row: SpeedRow) -> str:
    """System and cascade."""
    return f"{row.system} {row.cascade}".strip()
