"""A paper in two columns: a small study of drying timber with solar air, invented but sensible."""

from __future__ import annotations

from pathlib import Path

from house_style import CAPTION, SMALL, SUBHEADING, TITLE, bars, curves, paragraphs, table
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import cm
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, FrameBreak, NextPageTemplate, PageTemplate, Paragraph

_MARGIN, _GAP = 1.8 * cm, 0.8 * cm
_WIDTH = (A4[0] - 2 * _MARGIN - _GAP) / 2
_HEAD = 5.2 * cm

_SECTIONS: tuple[tuple[str, str], ...] = (
    (
        "Abstract",
        """Small sawmills dry boards in the open air, which takes months, or in gas-fired kilns, which costs more than
        the boards are worth. We built a kiln of 12 cubic metres heated by air from a black metal roof and compared it
        with open-air stacks over two summers. Oak boards 27 millimetres thick reached 12 percent moisture after 41
        days instead of 163. Checks were fewer than in a gas kiln. The whole kiln cost 5,900 euros.""",
    ),
    (
        "1. Introduction",
        """Freshly sawn oak holds 70 to 90 percent of its dry mass as water. Joiners ask for 8 to 12 percent. Between
        the two lies the slowest and most wasteful step of a sawmill's work: boards that dry too quickly split, and
        boards that dry too slowly go blue with fungus.

        Solar kilns are not new. What has been missing are measurements by the month at a latitude above fifty
        degrees, where half of the year offers little sun, and a control that a miller can repair with a screwdriver.
        We report both.""",
    ),
    (
        "2. The kiln",
        """The collector is the roof of an existing shed: 46 square metres of corrugated steel, painted black, with a
        gap of eight centimetres under it. Two fans of 120 watts draw air through the gap and push it under the stack.
        A damper of plywood, moved by a car's window motor, mixes in outside air.

        The control compares two thermometers, one of them in a wet stocking, and opens the damper when the air in the
        kiln is within two degrees of saturation. At night the fans rest, and the boards even out their moisture. This
        nightly rest turned out to be the reason for the low number of checks.""",
    ),
    (
        "3. Methods",
        """We dried six loads of pedunculate oak and four of Douglas fir between April 2023 and September 2024. Every
        load held about 9 cubic metres. Eight sample boards in each load were weighed twice a week on a scale with a
        resolution of five grams, and their moisture was found at the end by drying slices at 103 degrees.

        Open-air stacks of the same trees stood beside the kiln under a tin cover. A commercial gas kiln 30 kilometres
        away dried two loads of the same oak for comparison.""",
    ),
    (
        "4. Results",
        """Oak reached 12 percent in 41 days on average, the fastest load in 33 days in July and the slowest in 58
        days in October. Douglas fir needed 17 days. The open-air stacks never fell below 15 percent; they took 163
        days to reach 18 percent.

        The kiln used 61 kilowatt hours of electricity a cubic metre, nearly all of it for the fans. The gas kiln used
        38 kilowatt hours of electricity and 410 of gas. Surface checks longer than ten centimetres were found on 4
        percent of the boards from the solar kiln and on 11 percent of those from the gas kiln.""",
    ),
    (
        "5. Discussion",
        """A solar kiln is a slow kiln, and for oak slowness is a virtue. The boards of our fastest load showed twice
        as many checks as those of the slowest. A miller who dries only from March to October can pass six loads a
        year through a kiln of this size, about 54 cubic metres.

        The limits are plain. From November to February the kiln is no better than a roof. Beech, which stains, was
        not tried. And the window motor failed three times: its gears are made for a minute of work a day and not for
        an hour.""",
    ),
    (
        "6. Conclusion",
        """For 5,900 euros and a weekend of four people's work a small mill can dry oak to joinery moisture in six
        weeks with sun and two fans. Drawings and the control program are free for all. The next kiln will have a
        damper moved by the fans' own pressure, without any motor.""",
    ),
    (
        "References",
        """[1] A. Lindqvist. Drying hardwood at high latitudes. Timber Letters 12 (2018), 44-58.

        [2] P. Okafor and R. Maes. Wet-bulb control with household parts. Journal of Small Workshops 7 (2021), 3-19.

        [3] T. Brandl. Checks and honeycombing in oak: a survey of 41 sawmills. Wood and Water 31 (2020), 201-222.""",
    ),
)


def write(path: Path) -> None:
    """Write the paper, about five pages."""
    document = BaseDocTemplate(
        str(path), pagesize=A4, title="Drying oak with the roof", author="vrag samples", invariant=1
    )
    document.addPageTemplates([_template("first", _HEAD), _template("later", 0)])
    document.build(_story())


def _template(name: str, head: float) -> PageTemplate:
    height = A4[1] - 2 * _MARGIN - head
    columns = [
        Frame(_MARGIN + i * (_WIDTH + _GAP), _MARGIN, _WIDTH, height, id=f"{name}{i}", showBoundary=0) for i in (0, 1)
    ]
    top = [Frame(_MARGIN, A4[1] - _MARGIN - head, A4[0] - 2 * _MARGIN, head, id="head")] if head else []
    return PageTemplate(id=name, frames=[*top, *columns])


def _story() -> list[Flowable]:
    title = ParagraphStyle("paper title", parent=TITLE, fontSize=20, leading=24)
    story: list[Flowable] = [
        Paragraph("Drying oak with the roof: a solar kiln for small sawmills, measured over two summers", title),
        Paragraph("M. Vasseur, J. Tomasek and E. Brightwater. Institute for Small Workshops, Lindenau", CAPTION),
        NextPageTemplate("later"),
        FrameBreak(),
    ]
    style = ParagraphStyle("column", parent=SMALL, fontSize=10.4, leading=14.2)
    for heading, text in _SECTIONS:
        story += [Paragraph(heading, SUBHEADING), *paragraphs(text, style), *_floats(heading)]
    return story


def _floats(heading: str) -> list[Flowable]:
    if heading.startswith("3"):
        rows = [("Load", "Species", "Start", "Days", "Final"), ("1", "oak", "April", "44", "12.1 %"),
                ("2", "oak", "July", "33", "11.6 %"), ("3", "fir", "August", "16", "10.9 %"),
                ("4", "oak", "October", "58", "12.9 %"), ("5", "fir", "May", "18", "11.2 %")]  # fmt: skip
        return table(rows, "Table 1. Five of the ten loads.", (1.2, 1.7, 1.8, 1.4, 1.8))
    if heading.startswith("4"):
        days = (0, 7, 14, 21, 28, 35, 42)
        lines = {"solar kiln": (78, 59, 43, 31, 22, 16, 12), "open air": (78, 71, 65, 59, 54, 50, 46)}
        return [
            curves(days, lines, "days", "moisture, percent", 8.2, 6.2),
            Paragraph("Figure 1. Moisture of oak boards in the solar kiln and in the open air.", CAPTION),
        ]
    if heading.startswith("5"):
        return [
            bars(("solar", "gas"), (61, 448), "kWh per cubic metre", 8.2, 5.6),
            Paragraph("Figure 2. Energy to dry a cubic metre of oak, electricity and gas together.", CAPTION),
        ]
    return []
