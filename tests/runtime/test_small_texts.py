"""Sizes, counts, runs of values and paths as text: small functions that every room uses."""

import itertools
import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vrag.errors import UsageError
from vrag.runtime import memory
from vrag.runtime.batching import batched
from vrag.runtime.memory import GIB, MOST_BYTES, machine_bytes, parse_bytes
from vrag.runtime.pathtext import from_stored, quoted, shown, to_stored
from vrag.runtime.units import counted, size

UNITS = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
FILE_NAMES = st.binary(min_size=1, max_size=40).filter(lambda name: b"\0" not in name).map(os.fsdecode)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (999.6, "1.0 kB"),
        (1000, "1.0 kB"),
        (1540, "1.5 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (40_000_000, "40.0 MB"),
        (999_999_999, "1.0 GB"),
        (10**15, "1,000.0 TB"),
    ],
)
def test_a_size_has_the_unit_that_keeps_it_short(number, text):
    assert size(number) == text


@given(st.integers(0, 10**15 - 1))
def test_a_size_is_the_number_to_a_twentieth_and_never_has_four_digits(number):
    value, unit = size(number).replace(",", "").split()
    assert float(value) < 1000 or unit == "TB"
    assert float(value) * UNITS[unit] == pytest.approx(number, abs=0.0501 * UNITS[unit])


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_sizes_are_ordered_as_the_numbers_are(one, other):
    def read(number):
        value, unit = size(number).replace(",", "").split()
        return float(value) * UNITS[unit]

    assert (read(one) <= read(other)) or one > other


@pytest.mark.parametrize(("count", "text"), [(0, "0 pages"), (1, "1 page"), (2, "2 pages"), (12345, "12,345 pages")])
def test_a_noun_agrees_with_its_number(count, text):
    assert counted(count, "page") == text


@given(st.lists(st.integers()), st.integers(1, 7))
def test_runs_are_the_values_in_their_order(values, length):
    runs = list(batched(iter(values), length))
    assert [value for run in runs for value in run] == values
    assert all(len(run) == length for run in runs[:-1])
    assert not runs or 1 <= len(runs[-1]) <= length


def test_a_run_is_given_before_the_next_value_is_asked_for():
    asked = itertools.count()
    taken = []
    runs = batched((taken.append(number) or number for number in asked), 3)
    assert next(runs) == [0, 1, 2]
    assert taken == [0, 1, 2]


@given(FILE_NAMES)
def test_any_name_of_a_file_comes_back_from_the_store(name):
    stored = to_stored(name)
    stored.encode("utf-8")
    assert from_stored(stored) == name


@given(FILE_NAMES, FILE_NAMES)
def test_two_names_are_two_in_the_store(one, other):
    assert (to_stored(one) == to_stored(other)) == (one == other)


def test_half_a_character_is_stored_as_what_can_be_read():
    assert to_stored("a\ud83d") == "a\ufffd"
    assert to_stored("plain/\u65e5\u672c.pdf") == "plain/\u65e5\u672c.pdf"


@given(st.text(st.characters()))
def test_what_is_shown_is_one_line_that_no_terminal_obeys(text):
    line = shown(text)
    assert len(line) == len(text)
    assert line.splitlines() in ([], [line])
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", line)
    line.encode("utf-8")


@given(st.text(max_size=400))
def test_what_was_typed_is_quoted_without_its_middle_when_it_is_long(text):
    said = quoted(text)
    if len(text) <= 100:
        assert said == repr(text)
    else:
        assert "…" in said
        assert said.startswith(repr(text[:50])[:-1])


@given(st.integers(1, 500), st.sampled_from(["k", "m", "g", "ki", "mi", "gi"]), st.booleans(), st.booleans())
def test_a_size_that_is_typed_is_that_many_bytes(number, unit, upper, with_b):
    factor = {"k": 1000, "m": 10**6, "g": 10**9, "ki": 1 << 10, "mi": 1 << 20, "gi": 1 << 30}[unit]
    typed = f" {number} {unit}{'b' if with_b else ''} "
    assert parse_bytes(typed.upper() if upper else typed) == number * factor


def test_a_part_of_a_byte_is_left_out():
    assert parse_bytes("1.5GiB") == 3 * GIB // 2
    assert parse_bytes("0.5") == 0
    assert parse_bytes("7") == 7


@pytest.mark.parametrize("text", ["", "GB", "-1GB", "1 TB", "1e3", "4 GB 2", "١GB", "9" * 500, "nan", "1,5GB"])
def test_what_is_no_size_is_one_sentence(text):
    with pytest.raises(UsageError, match="is no size") as caught:
        parse_bytes(text)
    assert "4GB" in caught.value.hint


def test_a_size_has_a_most():
    assert parse_bytes(str(MOST_BYTES)) == MOST_BYTES
    with pytest.raises(UsageError, match="more than any machine has"):
        parse_bytes("999999999999GB")


def test_the_memory_of_a_container_is_what_it_may_use(tmp_path, monkeypatch):
    limits = [tmp_path / "memory.max", tmp_path / "limit_in_bytes"]
    monkeypatch.setattr(memory, "_LIMITS", [str(file) for file in limits])
    whole = machine_bytes()
    assert whole > 1 << 20
    for said, expected in (("max\n", whole), (str(1 << 20), 1 << 20), (str(1 << 62), whole), ("nonsense", whole)):
        limits[0].write_text(said)
        assert machine_bytes() == expected
    limits[0].write_text(str(1 << 21))
    limits[1].write_text(str(1 << 20))
    assert machine_bytes() == 1 << 20
