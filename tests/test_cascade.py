"""The grammar of cascades, and where its errors point."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vrag.cascade import Cascade, Limit, Stage, parse_cascade
from vrag.errors import UsageError

ALIASES = {"exact": "full", "two-stage": "rows:256 > full"}
VECTORS = ("full", "rows", "global")


def parse(text):
    return parse_cascade(text, ALIASES, VECTORS)


def test_names_stand_for_their_stages():
    assert parse("two-stage").stages == (Stage("rows", limit=Limit(256)), Stage("full"))
    assert parse("exact").name == "exact"


def test_every_part_of_a_stage_is_read():
    cascade = parse("mean(global)@hnsw:10% > rows@exact:30 > full")
    first = Stage("global", mean=True, hnsw=True, limit=Limit(10, is_share=True))
    assert cascade.stages == (first, Stage("rows", limit=Limit(30)), Stage("full"))


stages = st.builds(
    Stage,
    vector=st.sampled_from(VECTORS),
    mean=st.booleans(),
    limit=st.builds(Limit, st.integers(1, 100).map(float), st.booleans()),
)


@given(st.lists(stages, min_size=1, max_size=4))
def test_what_is_written_reads_back(several):
    cascade = Cascade("", tuple(several))
    assert parse(str(cascade)).stages == cascade.stages


@given(st.integers(1, 50), st.integers(0, 2000))
def test_limits_hold_enough_for_the_hits_and_no_more_than_the_corpus(k, corpus):
    limits = parse("global:100 > rows:5% > full").limits(k, corpus)
    assert all(1 <= limit <= max(corpus, 1) for limit in limits)
    assert all(limit >= min(k, max(corpus, 1)) for limit in limits)


def test_shares_are_of_the_corpus():
    assert Limit(10, is_share=True).count(1000) == 100
    assert Limit(0.1, is_share=True).count(100) == 1


@pytest.mark.parametrize(
    ("text", "says", "at"),
    [
        ("rows:256 > nope", "unknown cascade or vector 'nope'", 12),
        ("", "is not a stage", 1),
        ("rows > full", "needs a limit", 1),
        ("rows:0 > full", "out of range", 1),
        ("rows:101% > full", "out of range", 1),
        ("rows:1.5 > full", "out of range", 1),
        ("max(rows):5 > full", "unknown query form", 1),
        ("rows@ann:5 > full", "unknown search", 1),
        ("rows:5 > global@hnsw:3 > full", "only the first stage", 16),
        ("rows:5 >> full", "is not a stage", 9),
    ],
)
def test_errors_point_at_the_place(text, says, at):
    with pytest.raises(UsageError, match=says) as caught:
        parse(text)
    assert f"character {at}:" in caught.value.message
