"""What docs/reference/security.md says is bounded, read against the constants that bound it."""

import importlib
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "security.md"
UNITS = {"bytes": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "ms": 1e-3, "minutes": 60, "hours": 3600}
COUNTED = {
    "seconds", "pixels", "characters", "numbers", "levels", "pages", "keys", "files", "documents", "points", "times",
    "stages", "clauses", "conditions", "requests", "connections", "uploads", "clients", "cells", "steps", "turns",
    "claims", "quotes", "pictures", "tokens", "lines", "parts", "terms",
}  # fmt: skip
BOUND = re.compile(r"(\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?) (\w+)")
CONSTANT = re.compile(r"`(vrag(?:\.\w+)+)\.(\w+)`")


def value_of(bound):
    """The number in the first words of a cell such as `150,000,000 pixels` or `4 GiB, less with ...`."""
    match = BOUND.match(bound)
    assert match, f"{bound!r} does not start with a number and its unit"
    number, unit = match.groups()
    assert unit in UNITS or unit in COUNTED, f"{bound!r}: {unit} is no unit of this table"
    return float(number.replace(",", "")) * UNITS.get(unit, 1)


def rows():
    section = PAGE.read_text(encoding="utf-8").split("## Bounds\n")[1].split("\n## ")[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"]
    assert cells[0] == ["what", "bound", "constant"]
    return cells[2:]


@pytest.mark.parametrize(("what", "bound", "constant"), rows())
def test_a_bound_in_the_docs_is_the_one_in_the_code(what, bound, constant):
    match = CONSTANT.fullmatch(constant)
    assert match, f"{what}: {constant} is no dotted name in backticks"
    assert value_of(bound) == getattr(importlib.import_module(match[1]), match[2])


@pytest.mark.parametrize("bound", ["about 4 GiB", "4GiB", "1000000 bananas", "1,00 pixels"])
def test_a_bound_that_is_not_written_as_people_write_it_is_refused(bound):
    with pytest.raises(AssertionError):
        value_of(bound)


def test_units_are_read():
    assert [value_of(text) for text in ("4 GiB", "12 MiB", "1,000 pixels", "2.5 minutes")] == [
        4 << 30,
        12 << 20,
        1000,
        150,
    ]
