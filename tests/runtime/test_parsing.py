"""Text from outside becomes values that are bounded, or a sentence."""

import contextlib
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vrag.runtime.parsing import (
    DEEPEST,
    MOST_WHOLE,
    MalformedError,
    check_unicode,
    json_lines,
    parse_json,
    parse_toml,
    read_text,
    real_number,
    whole_number,
)

SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**63), MOST_WHOLE) | st.floats(allow_nan=False, allow_infinity=False)
)
VALUES = st.recursive(
    SCALARS | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


@given(VALUES)
def test_what_json_writes_is_read(value):
    assert parse_json(json.dumps(value)) == value
    assert parse_json(b"\xef\xbb\xbf" + json.dumps(value).encode()) == value


@given(st.binary() | st.text())
def test_anything_is_a_value_or_malformed(data):
    for parse in (parse_json, parse_toml):
        with contextlib.suppress(MalformedError):
            parse(data)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\xff", "not UTF-8 (byte 1)"),
        ("{", "not JSON"),
        ("[" * 100_000, "nested more than 64 deep"),
        ('{"a":' * 100_000, "nested more than 64 deep"),
        ("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), "nested more than 64 deep"),
        ("NaN", "NaN is not a finite number"),
        ("[-Infinity]", "-Infinity is not a finite number"),
        ("1e999", "out of range"),
        ("1" * 5000, "out of range"),
        (str(MOST_WHOLE + 1), "past 64 bits"),
        ('{"a": 1, "b": 2, "a": 3}', "the key 'a' stands twice"),
        ("", "not JSON"),
    ],
)
def test_malformed_json_is_one_sentence(data, says):
    with pytest.raises(MalformedError, match=says.replace("(", r"\(").replace(")", r"\)")):
        parse_json(data)
    assert parse_json("[" * DEEPEST + "]" * DEEPEST)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"a = '\xff'", "not UTF-8"),
        ("a =", "not TOML"),
        ("a = " + "[" * 5000 + "]" * 5000, "nested more than 64 deep"),
        (".".join("a" * 5000) + " = 1", "nested more than 64 deep"),
        ("a = " + "1" * 5000, "not TOML"),
        ("a = 99999999999999999999", "past 64 bits"),
        ("a = [1, {b = 99999999999999999999}]", "past 64 bits"),
        ("a = inf", "not a finite number"),
        ("a = 1e999", "out of range"),
        ("#" * 70_000, "larger than 64 KiB"),
    ],
)
def test_malformed_toml_is_one_sentence(data, says):
    with pytest.raises(MalformedError, match=says):
        parse_toml(data)
    assert parse_toml("a = 1_000.5") == {"a": 1000.5}


@given(st.integers(-(2**63), MOST_WHOLE))
def test_whole_numbers_come_back(number):
    assert whole_number(f" {number}") == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_real_numbers_come_back(number):
    assert real_number(repr(number)) == number
    if 1e-200 < abs(number) < 1e200 or number == 0:
        assert real_number(f"{number:f}") == pytest.approx(number, abs=1e-6)


@pytest.mark.parametrize("text", ["", "x", "1_0", "0x1", "\u0663", "nan", "inf", "1e999", "9" * 401, "1.5.2", "-"])
def test_what_is_no_number(text):
    with pytest.raises(MalformedError):
        real_number(text)
    with pytest.raises(MalformedError):
        whole_number(text)


@given(st.text(alphabet="0123456789+-.eE_naif \u0663", max_size=30))
def test_numbers_are_bounded_or_malformed(text):
    for parse in (whole_number, real_number):
        with contextlib.suppress(MalformedError):
            assert math.isfinite(parse(text))


def test_lines_are_ended_by_line_feeds_alone():
    row = json.dumps({"a": "one\u2028two\x85three"}, ensure_ascii=False)
    assert list(json_lines(f"{row}\n\n{row}\r\n")) == [(1, row), (3, f"{row}\r")]


def test_a_file_is_bounded_and_without_its_mark(tmp_path, monkeypatch):
    (tmp_path / "marked").write_bytes(b"\xef\xbb\xbf{}")
    assert read_text(tmp_path / "marked") == "{}"
    monkeypatch.setattr("vrag.runtime.parsing.MOST_TEXT", 1 << 20)
    with pytest.raises(MalformedError, match="larger than 1 MiB"):
        read_text(tmp_path.__class__("/dev/zero"))


def test_halves_of_characters_are_no_text():
    check_unicode("naïve \U0001f600")
    with pytest.raises(MalformedError, match="character 3"):
        check_unicode("ab\udcff")
