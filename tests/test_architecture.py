"""The page about the architecture says what the code says."""

import re
import runpy
import sys
import threading
from pathlib import Path

import pytest

from tests.pdfs import write_pdf
from vrag.cli import main

ROOT = Path(__file__).parent.parent
ROOMS = runpy.run_path(str(ROOT / "docs" / "rooms.py"))
TEXT = (ROOT / "docs" / "concepts" / "architecture.md").read_text(encoding="utf-8")


def test_the_drawing_is_of_this_code():
    drawn = (ROOT / "docs" / "pictures" / "rooms.svg").read_text(encoding="utf-8")
    assert drawn == ROOMS["drawing"](), "run: python docs/rooms.py"


def test_every_room_says_in_a_line_what_it_is_for():
    rooms = [room for floor in ROOMS["floors"]() for room in floor]
    folders = {file.parent.name for file in (ROOT / "vrag").glob("*/__init__.py")}
    assert folders <= set(rooms)
    for room in folders - {"cli"}:
        lines = (ROOT / "vrag" / room / "__init__.py").read_text().splitlines()
        assert len(lines) == 1, f"{room} has code in its __init__.py"
    assert all(ROOMS["purpose"](room) for room in rooms)


def test_no_room_imports_from_its_own_floor_or_above():
    height = {room: number for number, floor in enumerate(ROOMS["floors"]()) for room in floor}
    for room, others in ROOMS["imports"]().items():
        assert [other for other in others if height[other] <= height[room]] == []


def test_the_walks_name_rooms_that_are_there():
    rooms = {room for floor in ROOMS["floors"]() for room in floor}
    named = {name for row in re.findall(r"^\| (`[^|]+) \|", TEXT, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    assert named <= rooms
    assert len(named) > 10


# Calls that go up to a higher floor, from room to room: what was handed down is asked for more, or told of progress.
UP = {("runtime", "ingest"), ("runtime", "search"), ("runtime", "catalog"), ("ingest", "cli")}
UP |= {("search", "reading_index")}


def way(title):
    """The functions of a walk, in order."""
    return re.findall(
        r"^\| `\w+` \| `(vrag[\w.]+)` \|", TEXT.split(f"## The way of a {title}")[1].split("\n## ")[0], re.M
    )


def room_of(code):
    """The room of a piece of code; None for what is not vrag's."""
    path = Path(code.co_filename)
    return path.relative_to(ROOT / "vrag").parts[0].removesuffix(".py") if ROOT / "vrag" in path.parents else None


class Watch:
    """Notes the functions that are called, in order, and which calls go up to a higher floor, in all threads."""

    def __init__(self):
        self.called, self.up = [], set()
        self._height = {room: n for n, floor in enumerate(ROOMS["floors"]()) for room in floor}

    def __enter__(self):
        threading.setprofile(self._note)
        sys.setprofile(self._note)
        return self

    def __exit__(self, *_):
        sys.setprofile(None)
        threading.setprofile(None)

    def _note(self, frame, event, _):
        room = room_of(frame.f_code) if event == "call" else None
        if room not in self._height or frame.f_code.co_name.startswith("<"):
            return
        self.called.append((frame.f_globals.get("__name__"), frame.f_code.co_name))
        above = frame.f_back
        while above is not None and room_of(above.f_code) is None:
            above = above.f_back
        if above is not None and self._height[room] < self._height.get(room_of(above.f_code), 99):
            self.up.add((room_of(above.f_code), room))

    def lacks(self, names):
        """The first of these functions that was not called after those before it; None when all were."""
        calls = iter(self.called)
        return next((name for name in names if (module_of(name), name.rsplit(".")[-1]) not in calls), None)


def module_of(name):
    """The module of a dotted name of a function or method."""
    parts = name.split(".")
    return ".".join(part for part in parts[:-1] if not part[0].isupper())


def test_page_and_query_go_the_ways_that_are_written_down(tmp_path):
    pdf = write_pdf(tmp_path / "pdfs" / "pump.pdf", ["The relief valve of the pump", "Freight revenue by region"])
    with Watch() as page:
        assert command("ingest", pdf, "--index", tmp_path / "index") == 0
    with Watch() as query:
        assert command("search", "freight revenue", "--index", tmp_path / "index", "--json") == 0
    for watched, title in ((page, "page"), (query, "query")):
        assert len(way(title)) >= 10
        assert watched.lacks(way(title)) is None
        assert watched.lacks([*way(title), way(title)[0]]) == way(title)[0]  # the check can fail
    assert {*page.up, *query.up} <= UP


def command(*arguments):
    with pytest.raises(SystemExit) as end:
        main(list(map(str, arguments)))
    return end.value.code
