"""What two processes tell each other comes out as it went in."""

import json
from dataclasses import is_dataclass
from enum import Enum
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vrag import errors
from vrag.ask.answer import Answer, Mismatch, Quote
from vrag.catalog.documents import Document
from vrag.catalog.failures import Failure
from vrag.errors import BusyError, StoreError, UsageError, VragError
from vrag.ingest.ingest_options import IngestOptions
from vrag.ingest.metadata_files import Given
from vrag.ingest.report import IngestReport
from vrag.pipeline.differences import Cost, Difference
from vrag.remote import wire
from vrag.remote.wire import dumps, error_from_wire, error_to_wire, loads
from vrag.search.hit import Hit

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters()) | st.binary()
)
KEYS = st.text(max_size=5) | st.just("$") | st.integers() | st.tuples(st.integers())
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4) | st.lists(inner, max_size=4).map(tuple)
    ),
    max_leaves=12,
)


@given(VALUES)
def test_values_come_back_as_they_were(value):
    line = dumps(value)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert loads(line) == value


@pytest.mark.parametrize(
    "value",
    [
        Hit(
            1,
            2.5,
            "a.pdf",
            "/x/a.pdf",
            3,
            {"full": 0.1},
            "i",
            (1, 5),
            (0.0, 0.1, 0.9, 1.0),
            ("word",),
            (2, 4),
            "a",
            0.2,
        ),
        Answer(
            "who?",
            False,
            "it [1]",
            (Quote("it", "a.pdf", "/a.pdf", 2, ((0.0, 0.5, 1.0, 1.0),), "changed", (Mismatch("it", ""),)),),
            (Hit(1, 2.5, "a.pdf", "/x/a.pdf", 3, {}, "id"),),
            "m",
        ),
        Document("ab", ("/b.pdf", "/a\udcff.pdf"), 3, True, layers={"own": {"year": 2020, "tags": ["a", "b"]}}),
        IngestReport("/i", 1, failed=[Failure("/a.pdf", None, "why", "hint", 2)], timing={"read": 0.25}),
        IngestOptions(check=True, given=Given({"year": None}, {"a.pdf": {"x": 1.5}}), passwords=("secret",)),
        Difference("dpi", "72", "144", Cost.EVERYTHING),
        Path("/a/b.pdf"),
    ],
)
def test_records_come_back_equal(value):
    back = loads(dumps(value))
    assert back == value
    assert type(back) is type(value)


def test_arrays_come_back_to_the_last_bit():
    array = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
    back = loads(dumps({"of": array}))["of"]
    assert back.dtype == array.dtype
    assert np.array_equal(back, array)
    assert loads(dumps(np.float32(0.1))) == float(np.float32(0.1))


def test_every_record_that_travels_is_where_it_is_looked_for():
    for name, home in wire._HOMES.items():
        found = getattr(import_module(home), name)
        assert is_dataclass(found) or issubclass(found, Enum)
        assert found.__module__ == home


def test_only_those_records_are_made():
    with pytest.raises(StoreError, match="does not know"):
        loads(json.dumps({"$": "Popen", "of": {"args": ["touch", "/tmp/x"]}}).encode())
    with pytest.raises(TypeError, match="object does not travel"):
        dumps(object())


@pytest.mark.parametrize(
    "line", [b"", b"{", b'{"$": "tuple"}', b'{"$": "Hit", "of": {}}', b'{"$": [], "of": 1}', b"[" * 10**5]
)
def test_a_line_of_somebody_else_is_one_sentence(line):
    with pytest.raises(StoreError, match="what this version does not know"):
        loads(line)


def test_errors_keep_their_class_and_words():
    back = error_from_wire(loads(dumps(error_to_wire(BusyError("Taken.", "Wait.", ["by x"])))))
    assert type(back) is BusyError
    assert (back.message, back.hint, back.details) == ("Taken.", "Wait.", ("by x",))

    class OddError(UsageError):
        """Of a room above."""

    assert type(error_from_wire(error_to_wire(OddError("Odd.")))) is UsageError
    assert type(error_from_wire({"type": "Sequence", "message": "m", "hint": "", "details": []})) is VragError
    assert errors.Sequence  # which is in that module, and no error
