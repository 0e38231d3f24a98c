"""Results as CSV and as a picture."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path

from vrag.bench.measure import Row
from vrag.errors import UsageError

_GOOD = 0.98  # recall from which a point is filled


def write_csv(rows: Sequence[Row], file: Path) -> None:
    """One line a row, with a header."""
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, [field.name for field in fields(Row)])
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)


def write_plot(rows: Sequence[Row], file: Path) -> None:
    """Queries a second against pages, both logarithmic; hollow points found less than 98 % of the exact top ten.

    Raises:
        UsageError: matplotlib is missing.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UsageError("A plot needs matplotlib.", 'Install it with: pip install "vrag-toolkit[bench]"') from error
    figure = Figure(figsize=(9, 5.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(xscale="log", yscale="log")
    for label in dict.fromkeys(map(label_of, rows)):
        points = sorted((row.pages, row.qps, row.recall_at_10) for row in rows if label_of(row) == label)
        line = axes.plot([p for p, _, _ in points], [q for _, q, _ in points], linewidth=1, label=label)[0]
        for pages, qps, recall in points:
            fill = line.get_color() if recall >= _GOOD else "white"
            axes.plot(pages, qps, "o", color=line.get_color(), markerfacecolor=fill)
    sizes = sorted({row.pages for row in rows})
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.minorticks_off()
    axes.set_xlabel("pages")
    axes.set_ylabel("queries a second")
    axes.set_title("Filled: at least 98 % of the exact top ten", fontsize="medium")
    axes.grid(alpha=0.3)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize="small", frameon=False)
    figure.savefig(file, dpi=120)


def label_of(row: Row) -> str:
    """System and kind of cascade, the same at every size."""
    stages = [stage.split(":")[0].strip() for stage in row.cascade.split(">")]
    return f"{row.system} {' > '.join(stages)}".strip()
