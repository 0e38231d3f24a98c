"""The look of the sample documents: fonts, colours, small building blocks."""

from __future__ import annotations

import io
from collections.abc import Sequence

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from reportlab.lib import colors
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import cm
from reportlab.platypus import Flowable, Image, Paragraph, Spacer, Table, TableStyle

INK = colors.HexColor("#1d2733")
ACCENT = colors.HexColor("#0b6e6e")
PALE = colors.HexColor("#e3efee")

BODY = ParagraphStyle("body", fontName="Times-Roman", fontSize=11, leading=15.5, textColor=INK, spaceAfter=8)
SMALL = ParagraphStyle("small", parent=BODY, fontSize=9.2, leading=11.6, spaceAfter=5)
TITLE = ParagraphStyle("title", fontName="Helvetica-Bold", fontSize=26, leading=31, textColor=ACCENT, spaceAfter=14)
HEADING = ParagraphStyle("heading", fontName="Helvetica-Bold", fontSize=15, leading=19, textColor=ACCENT, spaceAfter=8)
SUBHEADING = ParagraphStyle(
    "subheading", fontName="Helvetica-Bold", fontSize=10.5, leading=13, textColor=ACCENT, spaceAfter=4, keepWithNext=1
)
CAPTION = ParagraphStyle("caption", fontName="Helvetica-Oblique", fontSize=9, leading=11, textColor=INK, spaceAfter=10)


def paragraphs(text: str, style: ParagraphStyle = BODY) -> list[Flowable]:
    """One paragraph for each block of text between empty lines."""
    return [Paragraph(" ".join(block.split()), style) for block in text.strip().split("\n\n")]


def table(rows: Sequence[Sequence[str]], caption: str, widths: Sequence[float] | None = None) -> list[Flowable]:
    """A table whose first row is its head, with a caption; widths in centimetres."""
    made = Table([list(row) for row in rows], colWidths=[w * cm for w in widths] if widths else None, hAlign="LEFT")
    made.setStyle(
        TableStyle(
            [
                ("FONT", (0, 0), (-1, 0), "Helvetica-Bold", 9.5),
                ("FONT", (0, 1), (-1, -1), "Helvetica", 9.5),
                ("TEXTCOLOR", (0, 0), (-1, -1), INK),
                ("BACKGROUND", (0, 0), (-1, 0), PALE),
                ("ALIGN", (1, 0), (-1, -1), "RIGHT"),
                ("LINEBELOW", (0, 0), (-1, 0), 0.8, ACCENT),
                ("LINEBELOW", (0, -1), (-1, -1), 0.8, ACCENT),
                ("ROWBACKGROUNDS", (0, 1), (-1, -1), [colors.white, colors.HexColor("#f6f9f9")]),
            ]
        )
    )
    return [made, Spacer(1, 4), Paragraph(caption, CAPTION)]


def bars(labels: Sequence[str], values: Sequence[float], unit: str, width: float = 15, height: float = 6.5) -> Flowable:
    """A bar chart; width and height in centimetres."""
    figure, axes = plt.subplots(figsize=(width / 2.54, height / 2.54))
    drawn = axes.bar(labels, values, color="#0b6e6e", width=0.6)
    axes.bar_label(drawn, fontsize=8, padding=2)
    axes.set_ylabel(unit, fontsize=9)
    return _picture(figure, axes, width, height)


def curves(
    x: Sequence[float],
    lines: dict[str, Sequence[float]],
    xlabel: str,
    ylabel: str,
    width: float = 15,
    height: float = 6.5,
) -> Flowable:
    """A line chart with a legend; width and height in centimetres."""
    figure, axes = plt.subplots(figsize=(width / 2.54, height / 2.54))
    for (name, y), colour in zip(lines.items(), ("#0b6e6e", "#d2691e", "#4b5fa8"), strict=False):
        axes.plot(x, y, marker="o", markersize=3.5, color=colour, label=name)
    axes.set_xlabel(xlabel, fontsize=9)
    axes.set_ylabel(ylabel, fontsize=9)
    axes.legend(fontsize=8, frameon=False)
    return _picture(figure, axes, width, height)


def _picture(figure: plt.Figure, axes: plt.Axes, width: float, height: float) -> Flowable:
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(y=0.15)
    figure.tight_layout()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=130, metadata={"Software": None})
    plt.close(figure)
    buffer.seek(0)
    return Image(buffer, width * cm, height * cm, hAlign="LEFT")
