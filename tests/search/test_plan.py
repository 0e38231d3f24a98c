"""Cascades compiled to plans, as text: nothing runs here."""

from textwrap import dedent

import pytest

from vrag.cascade.cascade import Cascade, Stage
from vrag.cascade.text import parse_cascade
from vrag.errors import UsageError
from vrag.search.plan import Beside, Limits, compile_plan

SERVER = Beside()
WITHOUT_KERNELS = Beside(("full", "runs"), has_words=True, rows=("full",))
WITH_KERNELS = Beside(("full", "runs"), is_compiled=True, has_words=True, rows=("full",))
BEST = "union(runs@bits:384, text:64) > full@bits@regions+context+0.8*text"
PAGES = 500


def never():
    raise AssertionError("the pages need not be counted")


def compiled(text, beside=WITH_KERNELS, k=10, spare=2, count=lambda: PAGES, detail="hits"):
    cascade = parse_cascade(text, {}, ("full", "runs", "global", "text"))
    return str(compile_plan(cascade, beside, Limits(k, count, spare), detail))


def lines(text):
    return dedent(text).strip()


@pytest.mark.parametrize("beside", [SERVER, WITHOUT_KERNELS, WITH_KERNELS])
@pytest.mark.parametrize(
    ("text", "plan"),
    [
        ("full", "engine: full:12"),
        ("runs:256 > full", "engine: runs:256 > full:12"),
        ("global:400 > runs:300 > full", "engine: global:400 > runs:300 > full:12"),
        ("global@hnsw:400 > full", "engine: global@hnsw:400 > full:12"),
        ("mean(runs):40 > full", "engine: mean(runs):40 > full:12"),
        ("runs:4", "engine: runs:12"),
        ("runs:4 > full", "engine: runs:10 > full:12"),
        ("union(runs:20, global:30 > runs:15) > full", "engine: union(runs:20, global:30 > runs:15) > full:12"),
        ("union(runs:20, global:30)", "engine: union(runs:20, global:30):12"),
        ("rrf(runs:20, global:30):25 > full", "engine: rrf(runs:20, global:30):25 > full:12"),
        ("rrf(runs:20, global@hnsw:30) > full", "engine: rrf(runs:20, global@hnsw:30) > full:12"),
        ("rrf(runs:20, global:30)", "engine: rrf(runs:20, global:30):12"),
        ("rrf(runs:20, runs:30):25 > runs:15 > full", "engine: rrf(runs:20, runs:30):25 > runs:15 > full:12"),
    ],
)
def test_what_the_engine_can_express_is_one_request_and_counts_no_pages(text, plan, beside):
    assert compiled(text, beside, count=never) == plan


@pytest.mark.parametrize(
    ("text", "plan"),
    [
        ("runs:10% > full", "engine: runs:50 > full:12"),
        ("runs:1% > full", "engine: runs:10 > full:12"),
        ("runs:9999 > full", "engine: runs:9999 > full:12"),
        ("runs:20000 > full", f"engine: runs:{PAGES} > full:12"),
        ("global@hnsw:100% > runs:33.3% > full", f"engine: global@hnsw:{PAGES} > runs:167 > full:12"),
    ],
)
def test_shares_are_of_the_pages_there_are_and_no_limit_is_far_above_them(text, plan):
    assert compiled(text) == plan


def test_an_empty_index_has_room_for_what_others_write_meanwhile():
    assert compiled("runs:50% > full+0.5*global", SERVER, count=lambda: 0) == lines("""
        engine: runs:1 > full:1
        blend: +0.5*global
        keep: 12
    """)


def test_pages_are_counted_once():
    asked = []
    compiled("runs:10% > runs:5% > full+0.5*global", count=lambda: asked.append(1) or PAGES)
    assert asked == [1]


def test_the_default_reads_bits_and_words_then_regions_context_and_words_again():
    assert compiled(BEST) == lines("""
        fuse union
          branch
            bits: runs@bits:384
          branch
            words: text:64
        read payload
        rescore: full@bits@regions+context
        blend: +0.8*text
        keep: 12
    """)


def test_reading_puts_what_the_last_stage_lets_through_in_another_order():
    assert compiled(f"{BEST}:15 > read(15)").splitlines()[-5:] == [
        "rescore: full@bits@regions+context",
        "blend: +0.8*text",
        "keep: 17",
        "read: the first 15",
        "keep: 12",
    ]
    assert compiled("runs:40 > full:15 > read(15)", k=100) == lines("""
        engine: runs:100 > full:102
        read: the first 15
        keep: 102
    """)


def test_what_bits_estimate_is_exact_before_it_is_read():
    assert compiled("full@bits:64 > full:15 > read(15)") == lines("""
        bits: full@bits:64
        rerank: full:17, 15 exact by kept rows
        read payload
        read: the first 15
        keep: 12
    """)


def test_without_kernels_the_engine_scores_what_bits_would_estimate():
    assert compiled(BEST, WITHOUT_KERNELS).splitlines()[:4] == [
        "fuse union",
        "  branch",
        "    engine: runs:384",
        "  branch",
    ]
    assert compiled("runs@bits:256 > full@bits:64 > full", WITHOUT_KERNELS) == "engine: runs:256 > full:64 > full:12"


def test_a_server_is_asked_for_all_candidates_at_once():
    assert compiled(BEST, SERVER) == lines("""
        engine: union(runs:384, text:64)
        rescore: full@bits@regions+context
        blend: +0.8*text
        keep: 12
    """)


def test_scans_over_bits_run_into_each_other_and_a_rerank_ends_them():
    assert compiled("runs@bits:256 > full@bits:64 > full") == lines("""
        bits: runs@bits:256 > full@bits:64
        rerank: full:12, 10 exact by kept rows
        read payload
    """)
    assert compiled("full@bits:64 > runs@bits:32 > runs") == lines("""
        bits: full@bits:64 > runs@bits:32
        rerank: runs:12, 10 exact by the engine
    """)


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("full@bits:500 > full", "engine: full:12"),  # who lets all pages through wants the exact answer
        ("full@bits:100% > full", "engine: full:12"),
        ("full@bits:64 > runs", "engine: runs:12"),
        ("full@bits:64 > mean(full)", "engine: mean(full):12"),
        ("full@bits:64 > full:30 > full", "engine: full:30 > full:12"),
    ],
)
def test_only_what_bits_have_estimated_and_cut_is_reranked(text, last):
    assert compiled(text).splitlines()[1:] == [last]


def test_bits_may_come_behind_the_engine_and_before_it():
    assert compiled("global:300 > full@bits:64 > runs:20 > full") == lines("""
        engine: global:300
        bits: full@bits:64
        engine: runs:20 > full:12
    """)


def test_a_branch_lets_through_what_it_says():
    assert compiled("union(runs@bits:200 > runs:20, global:30) > full") == lines("""
        fuse union
          branch
            bits: runs@bits:200
            rerank: runs:20, 20 exact by the engine
          branch
            engine: global:30
        engine: full:12
    """)


@pytest.mark.parametrize(
    ("text", "here", "engine"),
    [
        ("rrf(runs:20, text:30):25 > full", "fuse rrf:25", "engine: rrf(runs:20, text:30):25 > full:12"),
        ("rrf(runs:20, text:30) > full", "fuse rrf", "engine: rrf(runs:20, text:30) > full:12"),
        ("rrf(runs:20, text:30)", "fuse rrf:12", "engine: rrf(runs:20, text:30):12"),
        ("union(runs:20, text:30)", "fuse union:12", "engine: union(runs:20, text:30):12"),
    ],
)
def test_a_fusion_is_cut_here_as_the_engine_cuts_it(text, here, engine):
    assert compiled(text).splitlines()[0] == here
    assert compiled(text, SERVER) == engine


@pytest.mark.parametrize(
    ("text", "plan"),
    [
        ("full@regions+context", "engine: full:500 | rescore: full@regions+context | keep: 12"),
        ("mean(full)@regions", "engine: mean(full):500 | rescore: mean(full)@regions | keep: 12"),
        ("runs:40 > full@bits@regions", "engine: runs:40 | rescore: full@bits@regions | keep: 12"),
        ("full@bits:64 > full@regions", "bits: full@bits:64 | read payload | rescore: full@regions | keep: 12"),
        ("full+0.5*text", "engine: full:500 | blend: +0.5*text | keep: 12"),
        ("runs:40 > full+0.5*text", "engine: runs:40 > full:500 | blend: +0.5*text | keep: 12"),
        (
            "runs:40 > full+0.5*text+0.2*global:20 > full",
            "engine: runs:40 > full:500 | blend: +0.5*text+0.2*global | keep: 20 | engine: full:12",
        ),
        ("full@bits+0.5*text", "bits: full@bits:500 | blend: +0.5*text | keep: 12 | read payload"),
        ("text+0.5*global", "words: text:500 | blend: +0.5*global | keep: 12 | read payload"),
        ("full@regions:40 > full+context:20 > full",
         "engine: full:500 | rescore: full@regions | keep: 40 | rescore: full+context | keep: 20 | engine: full:12"),
        ("text", "words: text:12 | read payload"),
        ("runs:40 > text", "engine: runs:40 | words: text:12 | read payload"),
        ("text:40 > full", "words: text:40 | engine: full:12"),
        ("full@bits", "bits: full@bits:12 | read payload"),
    ],
)  # fmt: skip
def test_what_counts_besides_is_added_to_all_candidates(text, plan):
    assert compiled(text).splitlines() == plan.split(" | ")


def test_a_vector_without_bits_is_one_sentence():
    for beside in (WITH_KERNELS, WITHOUT_KERNELS):
        with pytest.raises(UsageError, match="'global' has no packed bits.*full, runs"):
            compiled("global@bits:10 > full", beside)
    assert compiled("global@bits:10 > full", SERVER) == "engine: global:10 > full:12"


@pytest.mark.parametrize(
    ("text", "plan"),
    [
        ("full", "engine: full:500 | keep: 10"),
        ("global:1000 > runs:30 > full",
         "engine: global:500 | keep: 1000 | engine: runs:500 | keep: 30 | engine: full:500 | keep: 10"),
        ("runs:40 > full@regions+0.5*text",
         "engine: runs:500 | keep: 40 | rescore: full@regions | blend: +0.5*text | keep: 10"),
    ],
)  # fmt: skip
def test_watched_every_candidate_is_scored_step_by_step(text, plan):
    assert compiled(text, spare=0, detail="candidates").splitlines() == plan.split(" | ")


@pytest.mark.parametrize(
    ("text", "plan"),
    [
        ("full", "engine: full:10"),
        ("global@hnsw:300 > runs:30 > full", "engine: global@hnsw:300 | engine: runs:30 | engine: full:10"),
        ("runs:40 > full+0.5*text", "engine: runs:40 | engine: full:500 | blend: +0.5*text | keep: 10"),
        ("rrf(runs:20, global:30):25 > full", "engine: rrf(runs:20, global:30):25 | engine: full:10"),
        ("runs@bits:64 > full@bits:32 > full",
         "bits: runs@bits:64 | read payload | bits: full@bits:32 | read payload"
         " | rerank: full:10, 10 exact by kept rows | read payload"),
    ],
)  # fmt: skip
def test_step_by_step_no_more_is_scored_than_the_search_scores(text, plan):
    count = never if "+" not in text and "bits" not in text else lambda: PAGES
    assert compiled(text, spare=0, count=count, detail="steps").splitlines() == plan.split(" | ")


def test_watched_what_passes_a_step_that_takes_a_chance_is_what_the_search_lets_through():
    assert compiled("full@bits:64 > full", spare=0, detail="candidates") == lines("""
        survey
            bits: full@bits:500
            read payload
        bits: full@bits:64
        read payload
        survey
            rerank: full:500, 500 exact by kept rows
            read payload
        rerank: full:10, 10 exact by kept rows
        read payload
    """)
    assert compiled("global@hnsw:64 > full", spare=0, detail="candidates") == lines("""
        survey
            engine: global:500
        engine: global@hnsw:64
        engine: full:500
        keep: 10
    """)


def test_watched_the_engine_fuses_what_it_would_have_fused_and_the_branches_are_scored_besides():
    assert compiled("rrf(runs:20, global:30):25 > full", spare=0, detail="candidates") == lines("""
        survey
            fuse rrf
              branch
                engine: runs:500
                keep: 20
              branch
                engine: global:500
                keep: 30
            read payload
        survey
            engine: rrf(runs:20, global:30):500
        engine: rrf(runs:20, global:30):25
        engine: full:500
        keep: 10
    """)


def test_watched_branches_that_are_scored_here_are_fused_here():
    assert compiled("rrf(runs:20, text:30):25 > full", spare=0, detail="candidates") == lines("""
        fuse rrf
          branch
            engine: runs:500
            keep: 20
          branch
            words: text:500
            read payload
            keep: 30
        read payload
        keep: 25
        engine: full:500
        keep: 10
    """)


def test_a_step_knows_its_place():
    cascade = parse_cascade(
        "global:300 > full@bits:64 > runs:20 > full+0.5*text", {}, ("full", "runs", "global", "text")
    )
    plan = compile_plan(cascade, WITH_KERNELS, Limits(10, lambda: PAGES))
    assert [operator.step for operator in plan.operators] == [0, 1, 3, 3, 3]


def test_a_plan_is_data():
    cascade = Cascade("", (Stage("full", bits=True),))
    plans = {compile_plan(cascade, WITH_KERNELS, Limits(10, lambda: PAGES)) for _ in range(2)}
    assert len(plans) == 1
