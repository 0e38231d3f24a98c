"""The page about the architecture says what the code says."""

import re
import runpy
from pathlib import Path

ROOT = Path(__file__).parent.parent
ROOMS = runpy.run_path(str(ROOT / "docs" / "rooms.py"))
TEXT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def test_the_drawing_is_of_this_code():
    drawn = (ROOT / "docs" / "rooms.svg").read_text(encoding="utf-8")
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
