"""The grammar of cascades, and where its errors point."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vrag.cascade.cascade import Addition, Cascade, Fusion, Limit, Read, Stage, Wording
from vrag.cascade.text import MOST_PAGES, MOST_READ, MOST_STAGES, MOST_WEIGHT, parse_cascade
from vrag.errors import UsageError

ALIASES = {"exact": "full", "two-stage": "rows:256 > full"}
VECTORS = ("full", "rows", "global", "text")


def parse(text):
    return parse_cascade(text, ALIASES, VECTORS)


def test_names_stand_for_their_stages():
    assert parse("two-stage").stages == (Stage("rows", limit=Limit(256)), Stage("full"))
    assert parse("exact").name == "exact"


def test_every_part_of_a_stage_is_read():
    cascade = parse("mean(global)@hnsw:10% > rows@exact:30 > full")
    first = Stage("global", mean=True, hnsw=True, limit=Limit(10, is_share=True))
    assert cascade.stages == (first, Stage("rows", limit=Limit(30)), Stage("full"))


@pytest.mark.parametrize(
    ("text", "confirmed"),
    [
        ("full@bits:9 > full", "full"),
        ("rows@bits:9 > full@bits:5 > full", "full"),
        ("mean(rows)@bits:9 > mean(rows)", "rows"),
        ("union(rows@bits:9, text:9) > rows@bits:5 > rows", "rows"),
        ("full", None),
        ("full@bits", None),
        ("rows@bits:9 > full", None),
        ("mean(full)@bits:9 > full", None),
        ("full@bits:9 > full+0.5*text", None),
        ("full@bits@regions:9 > full", None),
        ("full@bits:9 > rows:5 > full", None),
        ("union(full@bits:9, text:9) > full", None),
        ("full@bits:9 > full:5 > read(5)", "full"),
        ("full@bits:9 > read(5)", None),
    ],
)
def test_a_last_stage_may_confirm_what_bits_estimate(text, confirmed):
    assert parse(text).confirmed == confirmed


counts = st.builds(Limit, st.integers(1, MOST_PAGES).map(float))
shares = st.builds(Limit, st.floats(0, 100, exclude_min=True), st.just(True))
limits = counts | shares
weights = st.floats(0, MOST_WEIGHT) | st.sampled_from([0.05, 0.5, 1.0, 20.0])
names = st.sampled_from(VECTORS)
plain = st.builds(Stage, names, mean=st.booleans(), limit=limits)
later = st.builds(
    Stage,
    names,
    mean=st.booleans(),
    bits=st.booleans(),
    regions=st.booleans(),
    context=st.booleans(),
    additions=st.lists(st.builds(Addition, weights, names), max_size=2).map(tuple),
    limit=limits,
)
branches = st.lists(st.lists(plain, min_size=1, max_size=2).map(tuple), min_size=2, max_size=3).map(tuple)
fusions = st.builds(Fusion, st.just("union"), branches) | st.builds(Fusion, st.just("rrf"), branches, limits)


ends = st.tuples(*(st.none() | st.builds(kind, st.integers(1, MOST_READ), weights) for kind in (Wording, Read)))


@given(st.lists(later, min_size=1, max_size=3), st.none() | fusions, ends)
def test_what_is_written_reads_back(several, fusion, ends):
    cascade = Cascade("", (*([fusion] if fusion else []), *several, *filter(None, ends)))
    assert parse(str(cascade)).steps == cascade.steps


WORDS = (
    *VECTORS, *ALIASES, "union", "rrf", "mean", "context", "read", "wording", "weight=", "hnsw", "bits",
    "9", "0.5", "10%", *"():>,@+*.% ",
)  # fmt: skip


@given(st.text(max_size=200) | st.lists(st.sampled_from(WORDS), max_size=40).map("".join))
def test_any_text_is_a_cascade_or_one_sentence(text):
    with contextlib.suppress(UsageError):
        assert parse(str(parse(text))).steps == parse(text).steps


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (" > ".join(["full:9"] * (MOST_STAGES + 1)), "has 33 stages"),
        ("full" + "+1*text" * MOST_STAGES, "has 33 stages"),
        (f"union({', '.join(['rows:9'] * MOST_STAGES)}) > full", "has 33 stages"),
        ("," * 40_000, "longer than 2000 characters"),
        (" > ".join(["full:9"] * 8_000), "longer than 2000 characters"),
        (f"rows:{'9' * 400} > full", "limit '9999.*9' is out of range"),
        (f"rows:{MOST_PAGES + 1} > full", "out of range"),
        (f"full+{'9' * 400}*text", "cannot add"),
        (f"full+{MOST_WEIGHT + 1}*text", "at most 1000"),
        (f"full:9 > read({MOST_READ + 1})", "takes from 1 to 200 pages"),
        (f"full:9 > read({'9' * 400})", "takes from 1 to 200 pages"),
        (f"full:9 > read(9, weight={'9' * 400})", "a weight of at most 1000"),
        (f"full:9 > wording({MOST_READ + 1})", "takes from 1 to 200 pages"),
        (" > ".join(["full:9", *["read(9)"] * 100]), "comes last"),
        (" > ".join(["full:9", *["wording(9)"] * 100]), "comes last"),
    ],
)
def test_cascades_are_bounded(text, says):
    with pytest.raises(UsageError, match=says) as caught:
        parse(text)
    assert len(str(caught.value)) < 1000
    assert len(parse(" > ".join(["full:9"] * MOST_STAGES)).stages) == MOST_STAGES


def test_reading_comes_last_and_scores_no_vector():
    cascade = parse("rows:256 > full:15 > read( 15, weight = 0.50 )")
    assert cascade.reordering == cascade.steps[-1:] == (Read(15, 0.5),)
    assert cascade.stages == (Stage("rows", limit=Limit(256)), Stage("full", limit=Limit(15)))
    assert str(cascade) == "rows:256 > full:15 > read(15, weight=0.5)"
    assert str(parse("full:15 > read(15, weight=1)")) == "full:15 > read(15)"
    assert parse("exact").reordering == ()


def test_wording_comes_before_reading_and_both_can_be_left_out():
    cascade = parse("rows:256 > full:20 > wording(20) > read(15)")
    assert cascade.reordering == (Wording(20, 0.5), Read(15, 1))
    assert str(cascade.plain) == "rows:256 > full"
    assert str(parse("full:20 > wording(20, weight=0.5)")) == "full:20 > wording(20)"
    assert str(parse("exact").plain) == "full"
    assert parse("rows@bits:9 > full@bits:9 > full:9 > wording(5)").confirmed == "full"


def test_a_union_is_a_step_of_branches():
    cascade = parse("union(rows:200, global:1000 > rows:50, text:100) > full")
    union, last = cascade.steps
    assert union.kind == "union"
    assert [[s.vector for s in branch] for branch in union.branches] == [["rows"], ["global", "rows"], ["text"]]
    assert last == Stage("full")
    assert [s.vector for s in cascade.stages] == ["rows", "global", "rows", "text", "full"]


def test_other_scores_are_added_with_their_weight():
    stage = parse("rows:9 > full@regions+context+0.2*text").steps[-1]
    assert stage == Stage("full", regions=True, context=True, additions=(Addition(0.2, "text"),))
    assert not stage.is_plain


@given(limits, st.integers(1, 50), st.integers(0, 2000))
def test_limits_hold_enough_for_the_hits_and_no_more_than_the_corpus(limit, k, corpus):
    count = limit.within(k, corpus)
    assert 1 <= count <= max(corpus, 1)
    assert count >= min(k, max(corpus, 1))


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
        ("rows@ann:5 > full", "unknown mode 'ann'", 1),
        ("rows@hnsw@bits:5 > full", "cannot go together", 1),
        ("rows:5 > full+2*nope", r"cannot add '2\*nope'", 10),
        ("rows:5 > full+texts", "cannot add 'texts'", 10),
        ("rows:5 > union(rows:5, text:5) > full", "a fusion can only come first", 10),
        ("sum(rows:5, text:5) > full", "unknown fusion 'sum'", 1),
        ("union(rows:5, text) > full", "needs a limit", 15),
        ("union(rows:5, text:5):9 > full", "a union takes no limit", 1),
        ("union(rows:5, full@regions:5) > full", "a branch only proposes candidates", 15),
        ("union(rows:5, nope:5) > full", "unknown cascade or vector 'nope'", 15),
        ("rows:5 > global@hnsw:3 > full", "only the first stage", 10),
        ("rows:5 >> full", "is not a stage", 9),
        ("read(5)", r"read\(\.\.\.\) comes last, after a stage", 1),
        ("rows:5 > read(5) > full", "comes last, after a stage", 10),
        ("rows:5 > read(5) > wording(5)", "comes last, after a stage", 10),
        ("wording(5)", "comes last, after a stage", 1),
        ("rows:5 > wording", "unknown cascade or vector 'wording'", 10),
        ("rows:5 > wording(0)", "out of range", 10),
        ("rows:5 > read(0)", "out of range", 10),
        ("rows:5 > read()", r"'read\(\)' cannot be understood", 10),
        ("rows:5 > read(full)", "cannot be understood", 10),
        ("rows:5 > read(5, passages=2)", "cannot be understood", 10),
        ("rows > read(5)", "needs a limit", 1),
        ("union(rows:5 > read(5), text:5) > full", "unknown query form 'read'|is not a stage", 16),
    ],
)
def test_errors_point_at_the_place(text, says, at):
    with pytest.raises(UsageError, match=says) as caught:
        parse(text)
    assert f"character {at}:" in caught.value.message
