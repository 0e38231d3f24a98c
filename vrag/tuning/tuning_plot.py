"""The plot of a tuning: what each cascade finds against the time it takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vrag.errors import UsageError
from vrag.tuning.tune import Measured, Tuning

_FRONT, _OTHER, _CHOSEN = "#b3122f", "#9a9ca3", "#0b6e6e"


def plot(tuning: Tuning, file: Path, title: str) -> None:
    """Write a PNG: recall against median latency, the Pareto front as a line, the chosen cascade marked.

    Args:
        tuning: From `vrag.tuning.tune.tune`.
        file: The picture.
        title: Printed above it.

    Raises:
        UsageError: matplotlib is not installed.
    """
    figure_class, canvas_class = _matplotlib()
    figure = figure_class(figsize=(9, 5.5), dpi=120, layout="constrained")
    canvas_class(figure)
    axes = figure.add_subplot()
    front = [row for row in tuning.rows if row.pareto]
    axes.plot([r.median_ms for r in front], [r.recall for r in front], color=_FRONT, linewidth=1, zorder=1)
    for row in tuning.rows:
        _point(axes, row, row is tuning.chosen)
    axes.axhline(tuning.keep, color=_CHOSEN, linewidth=1, linestyle=":")
    axes.annotate(
        f"{tuning.keep:.0%}",
        (0, tuning.keep),
        xycoords=("axes fraction", "data"),
        color=_CHOSEN,
        ha="left",
        va="bottom",
    )
    axes.set(xscale="log", xlabel="median latency, ms", ylabel="recall of the reference's top 10", title=title)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.margins(x=0.15)
    axes.grid(visible=True, which="both", color="#e6e4de", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, format="png")


def _point(axes: Any, row: Measured, chosen: bool) -> None:
    colour = _CHOSEN if chosen else _FRONT if row.pareto else _OTHER
    low, high = row.recall - row.interval.low, row.interval.high - row.recall
    errors = [[max(low, 0)], [max(high, 0)]]
    axes.errorbar(row.median_ms, row.recall, errors, fmt="o", color=colour, ecolor=colour, elinewidth=0.6, zorder=2)
    if row.pareto or chosen:
        weight = "bold" if chosen else "normal"
        place = {"xytext": (7, -11), "textcoords": "offset points", "fontsize": 8}
        axes.annotate(row.cascade, (row.median_ms, row.recall), color=colour, weight=weight, **place)


def _matplotlib() -> tuple[Any, Any]:
    """Figure and canvas; no pyplot, which would look for a screen."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UsageError("--plot needs matplotlib.", 'Install it with: pip install "vrag-toolkit[bench]"') from error
    return Figure, FigureCanvasAgg


def check_plot(file: Path) -> None:
    """Raise `UsageError` when the picture cannot be made, before the work is done."""
    _matplotlib()
    if file.is_dir() or not file.absolute().parent.is_dir():
        raise UsageError(f"{file} cannot be written: {'it is a' if file.is_dir() else 'there is no such'} folder.")
