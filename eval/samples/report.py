"""A report: the annual report of Halvorsen Ferries, an invented company."""

from __future__ import annotations

from pathlib import Path

from house_style import BODY, HEADING, TITLE, bars, curves, paragraphs, table
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import cm
from reportlab.platypus import Flowable, PageBreak, Paragraph, SimpleDocTemplate, Spacer

_YEARS = ("2021", "2022", "2023", "2024", "2025")


def write(path: Path) -> None:
    """Write the report, ten pages."""
    document = SimpleDocTemplate(
        str(path),
        pagesize=A4,
        margin=2 * cm,
        title="Halvorsen Ferries Annual Report 2025",
        author="vrag samples",
        invariant=1,
    )
    story: list[Flowable] = []
    for page in (_cover, _letter, _revenue, _routes, _fleet, _energy, _people, _safety, _statement, _outlook):
        story += [*page(), PageBreak()]
    document.build(story, onFirstPage=_foot, onLaterPages=_foot)


def _foot(canvas: object, document: object) -> None:
    canvas.setFont("Helvetica", 8)  # type: ignore[attr-defined]
    canvas.drawString(2.5 * cm, 1.2 * cm, "Halvorsen Ferries  |  Annual Report 2025")  # type: ignore[attr-defined]
    canvas.drawRightString(18.5 * cm, 1.2 * cm, str(document.page))  # type: ignore[attr-defined]


def _cover() -> list[Flowable]:
    text = """
    Halvorsen Ferries carries people, cars and freight between fourteen harbours of a northern archipelago. This
    report covers the year that ended on 31 December 2025. All amounts are in millions of kroner unless another unit
    is named.

    Contents: letter to the owners (page 2), revenue by segment (3), routes and passengers (4), the fleet (5), energy
    and emissions (6), people (7), safety (8), income statement (9), outlook for 2026 (10).
    """
    return [
        Spacer(1, 5 * cm),
        Paragraph("Halvorsen Ferries", TITLE),
        Paragraph("Annual Report 2025", HEADING),
        *paragraphs(text),
    ]


def _letter() -> list[Flowable]:
    text = """
    Dear owners, the year began with ice. For nineteen days in February the inner fjord was closed to all ships but
    two, and the crews of the Nordlys and the Terna kept the islands supplied with fuel, bread and mail. I thank them
    first.

    Three decisions shaped 2025. We bought the battery ferry Havsule for 412 million kroner and put her on the Sund
    crossing in May. We closed the loss-making night route to Eldvik after nine years. And we moved the ticket office
    to the telephone: 71 percent of tickets are now sold through the app, against 48 percent the year before.

    Revenue grew by 6.4 percent to 1,284 million kroner. Operating profit fell to 96 million because the docking of
    two ships, planned for 2026, was brought forward when cracks were found in a stern door. We would rather explain a
    weaker result than a weaker door.

    The board proposes a dividend of 2.10 kroner a share. Ingrid Halvorsen, chief executive.
    """
    return [Paragraph("Letter to the owners", HEADING), *paragraphs(text)]


def _revenue() -> list[Flowable]:
    rows = [
        ("Segment", "2023", "2024", "2025", "Change"),
        ("Passengers", "402", "431", "466", "+8.1 %"),
        ("Cars and motorcycles", "318", "329", "341", "+3.6 %"),
        ("Freight", "241", "262", "285", "+8.8 %"),
        ("Restaurants and kiosks", "97", "104", "112", "+7.7 %"),
        ("Public service contracts", "79", "81", "80", "-1.2 %"),
        ("Total", "1,137", "1,207", "1,284", "+6.4 %"),
    ]
    text = """
    Freight grew fastest. Two salmon farms moved their feed from the road to our night departures, and the fish
    auction in Storvik now ships whole containers. Public service contracts shrank because the county shortened the
    winter timetable of the Eldvik line before we closed it.
    """
    chart = bars(
        ("Passengers", "Cars", "Freight", "Restaurants", "Contracts"), (466, 341, 285, 112, 80), "million kroner"
    )
    return [
        Paragraph("Revenue by segment", HEADING),
        *table(rows, "Table 1. Revenue by segment, millions of kroner.", (5.5, 2.3, 2.3, 2.3, 2.3)),
        *paragraphs(text),
        chart,
    ]


def _routes() -> list[Flowable]:
    rows = [
        ("Route", "Crossing", "Departures", "Passengers", "On time"),
        ("Sund - Kvaloy", "22 min", "11,680", "1,904,000", "98.2 %"),
        ("Storvik - Lang Island", "1 h 15", "3,285", "612,000", "96.9 %"),
        ("Storvik - Mainland", "3 h 40", "1,460", "488,000", "94.1 %"),
        ("Kvaloy - Seal Skerry", "48 min", "1,022", "71,000", "91.5 %"),
        ("Storvik - Eldvik (closed)", "6 h 05", "118", "14,000", "83.0 %"),
    ]
    text = """
    The shortest crossing carries the most people: the Sund line runs every thirty minutes from five in the morning,
    and since May the battery ferry makes four of five trips. Seal Skerry remains the least punctual of the open
    routes; its pier has no breakwater, and 63 departures were cancelled because of swell from the north-west.

    A departure counts as on time when the ramp is up within four minutes of the timetable.
    """
    return [
        Paragraph("Routes and passengers", HEADING),
        *table(rows, "Table 2. The five routes in 2025.", (5.2, 2.3, 2.6, 2.8, 2.3)),
        *paragraphs(text),
    ]


def _fleet() -> list[Flowable]:
    rows = [
        ("Ship", "Built", "Length", "Cars", "Passengers", "Propulsion"),
        ("Havsule", "2025", "84 m", "90", "350", "battery, 6.2 MWh"),
        ("Nordlys", "2011", "112 m", "140", "600", "diesel, ice class"),
        ("Terna", "2008", "97 m", "110", "480", "diesel, ice class"),
        ("Alke", "2017", "66 m", "42", "220", "diesel-electric"),
        ("Lomvi", "1994", "54 m", "28", "150", "diesel"),
    ]
    text = """
    The fleet has five ships with an average age of fourteen years. Havsule charges for nine minutes at each end of
    the Sund crossing from a shore battery that fills up at night. Lomvi, the oldest ship, is kept as a reserve and
    will be sold when the second battery ferry arrives.

    The crack in the stern door of the Nordlys was found by an apprentice during a routine cleaning. The hinge had
    been welded in 2019 with the wrong filler metal. All doors of the fleet were inspected within a week.
    """
    return [
        Paragraph("The fleet", HEADING),
        *table(rows, "Table 3. Ships in service on 31 December 2025.", (2.6, 1.8, 2.0, 1.6, 2.6, 4.4)),
        *paragraphs(text),
    ]


def _energy() -> list[Flowable]:
    text = """
    The fleet burned 18,400 tonnes of marine diesel, 14 percent less than in 2024. The battery ferry used 9.1 gigawatt
    hours of electricity from hydropower. Emissions of carbon dioxide fell from 68,600 to 59,000 tonnes.

    Sulphur and nitrogen oxides are measured at the funnel of every ship since March. The figures are published each
    month on the piers, next to the timetable.
    """
    lines = {
        "carbon dioxide, thousand tonnes": (74.2, 72.8, 70.9, 68.6, 59.0),
        "diesel, thousand tonnes": (23.2, 22.7, 22.1, 21.4, 18.4),
    }
    return [
        Paragraph("Energy and emissions", HEADING),
        *paragraphs(text),
        curves(tuple(map(int, _YEARS)), lines, "year", "thousand tonnes", height=8),
        Paragraph("Figure 1. Diesel burned and carbon dioxide emitted by the fleet, 2021 to 2025.", BODY),
    ]


def _people() -> list[Flowable]:
    rows = [
        ("Group", "Employees", "Women", "Average age", "Sick leave"),
        ("Deck", "214", "19 %", "41", "5.8 %"),
        ("Engine", "131", "8 %", "46", "4.9 %"),
        ("Service on board", "187", "61 %", "33", "6.7 %"),
        ("Harbours", "96", "27 %", "44", "5.1 %"),
        ("Administration", "58", "52 %", "43", "2.8 %"),
    ]
    text = """
    On 31 December 686 people worked for the company, 23 more than a year before. We trained 31 apprentices, the most
    since the company was founded in 1926. Crews work fourteen days on and fourteen days off; a trial with seven-day
    shifts on the Sund line ended in October because the crews themselves voted against it.
    """
    return [
        Paragraph("People", HEADING),
        *table(rows, "Table 4. Employees by group.", (4.4, 2.6, 2.2, 2.8, 2.6)),
        *paragraphs(text),
    ]


def _safety() -> list[Flowable]:
    text = """
    Nobody was seriously injured on board in 2025. There were eleven minor injuries, seven of them on car deck ramps
    that were wet. Since September the ramps are coated with quartz sand; no fall has been reported since.

    Man-overboard drills took place 148 times, twice with volunteers in survival suits at night. The mean time from
    alarm to recovery was six minutes and forty seconds, down from eight minutes and five seconds.

    One fire broke out: a dryer in the galley of the Alke on 3 June. The crew put it out with a blanket before the
    sprinklers opened. The dryer had not been on the list of appliances to be checked, and the list now begins with
    the sockets instead of the appliances.
    """
    return [Paragraph("Safety", HEADING), *paragraphs(text)]


def _statement() -> list[Flowable]:
    rows = [
        ("Millions of kroner", "2024", "2025"),
        ("Revenue", "1,207", "1,284"),
        ("Crew and staff", "-488", "-517"),
        ("Fuel and electricity", "-231", "-204"),
        ("Maintenance and docking", "-142", "-219"),
        ("Harbour dues", "-88", "-91"),
        ("Depreciation", "-119", "-157"),
        ("Operating profit", "139", "96"),
        ("Interest", "-21", "-34"),
        ("Tax", "-26", "-14"),
        ("Net profit", "92", "48"),
    ]
    text = """
    Maintenance and docking rose by 77 million kroner, of which 61 million belong to the docking that was brought
    forward from 2026. Interest rose with the loan for the Havsule, 330 million kroner over fifteen years at 4.7
    percent.
    """
    return [
        Paragraph("Income statement", HEADING),
        *table(rows, "Table 5. Income statement.", (6.5, 3, 3)),
        *paragraphs(text),
    ]


def _outlook() -> list[Flowable]:
    text = """
    In 2026 the company turns one hundred years old. We expect revenue of about 1,330 million kroner and an operating
    profit between 130 and 150 million, because no ship has to be docked.

    A second battery ferry, the Gråmåke, is ordered from the yard in Vestnes and will be delivered in the autumn of
    2027. The charging station in Storvik needs a new grid connection of eight megawatts; the grid company has
    promised it for June 2027, and this is the greatest risk to the plan.

    Ticket prices for islanders stay as they are. Visitors' cars will pay eleven percent more in July and August.
    """
    return [Paragraph("Outlook for 2026", HEADING), *paragraphs(text)]
