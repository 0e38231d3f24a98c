"""Slides: a talk on keeping bees on city roofs."""

from __future__ import annotations

from pathlib import Path

from house_style import ACCENT, INK, PALE, bars, curves
from reportlab.lib.units import cm
from reportlab.pdfgen.canvas import Canvas

_SIZE = (33.87 * cm, 19.05 * cm)
_SLIDES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "Bees on the roof",
        ("What three summers with forty hives taught us", "Roof Honey Cooperative, open evening in March"),
    ),
    (
        "Where the hives stand",
        ("Forty hives on eleven roofs: schools, a bakery, the town library",
         "South-east corner, wind screen of reed mats",
         "Flat roofs need a load check: a full hive weighs 85 kg"),
    ),
    (
        "What bees find in the city",
        ("Lime trees in June give half of the harvest", "Ivy in September feeds the winter bees",
         "Within 900 metres of a roof we counted 214 flowering species"),
    ),
    ("Harvest by year", ()),
    (
        "The varroa mite",
        ("Count mites every two weeks: a sticky board under the hive for 48 hours",
         "More than ten mites a day in July: treat with formic acid", "Winter treatment with oxalic acid at 5 degrees"),
    ),
    ("A hive's weight through the year", ()),
    (
        "What a hive costs",
        ("Hive and frames 240 euros, colony 150 euros", "Jars, sugar and treatment 95 euros a year",
         "A hive pays for itself in the third summer"),
    ),
    (
        "Join us",
        ("Beginners' course: six Saturdays from 18 April", "Bring a hat, no perfume, no bananas",
         "Sign up at the library desk"),
    ),
)  # fmt: skip


def write(path: Path) -> None:
    """Write the slides, eight pages."""
    canvas = Canvas(str(path), pagesize=_SIZE, invariant=1)
    canvas.setTitle("Bees on the roof")
    for number, (title, points) in enumerate(_SLIDES, 1):
        _slide(canvas, number, title, points)
        canvas.showPage()
    canvas.save()


def _slide(canvas: Canvas, number: int, title: str, points: tuple[str, ...]) -> None:
    canvas.setFillColor(PALE)
    canvas.rect(0, _SIZE[1] - 3.6 * cm, _SIZE[0], 3.6 * cm, stroke=0, fill=1)
    canvas.setFillColor(ACCENT)
    canvas.setFont("Helvetica-Bold", 38)
    canvas.drawString(2 * cm, _SIZE[1] - 2.4 * cm, title)
    canvas.setFillColor(INK)
    canvas.setFont("Helvetica", 23)
    for line, point in enumerate(points):
        y = _SIZE[1] - (6.2 + 2.2 * line) * cm
        canvas.circle(2.3 * cm, y + 0.28 * cm, 0.14 * cm, fill=1)
        canvas.drawString(3.1 * cm, y, point)
    _chart(canvas, title)
    canvas.setFont("Helvetica", 12)
    canvas.drawRightString(_SIZE[0] - 1.5 * cm, 1 * cm, str(number))


def _chart(canvas: Canvas, title: str) -> None:
    if title == "Harvest by year":
        picture = bars(("2023", "2024", "2025"), (412, 655, 538), "kilograms of honey", 24, 12)
        note = "A cold June in 2025 cost us the lime blossom on six roofs."
    elif title == "A hive's weight through the year":
        weights = {"library roof": (31, 30, 29, 33, 45, 68, 82, 61, 57, 52, 47, 44)}
        picture = curves(range(1, 13), weights, "month", "kilograms", 24, 12)
        note = "The scale under the library hive reports every ten minutes; honey is taken at the end of July."
    else:
        return
    picture.drawOn(canvas, 4 * cm, 2.6 * cm)
    canvas.setFont("Helvetica", 17)
    canvas.drawString(4 * cm, 1.5 * cm, note)
