"""What the runner decides before it searches."""

import pytest

from tests.evaluation.made_up import made_up_run
from vrag.cascade.text import parse_cascade
from vrag.evaluation.benchmarks.benchmark import Query
from vrag.evaluation.runs.runner import judged_depth, queries_of, scopes_of

VECTORS = ("full", "runs", "global")
DEPTHS = [
    ("full", 100, 100),
    ("full", 10, 10),
    ("full", 1000, 1000),
    ("runs:256 > full", 100, 100),
    ("runs:32 > full", 100, 32),
    ("runs:3 > full", 100, 10),  # ten hits are what a search gives: an evaluation asks for no fewer
    ("global:500 > runs:5% > full", 100, 60),
    ("rrf(runs:200, global:300):40 > full", 100, 40),
    ("rrf(runs:20, global:300):40 > full", 100, 20),
    ("runs:256 > full:15 > read(15)", 100, 100),  # more are let through, and no more are read
    ("runs:32 > full:15 > read(15)", 100, 32),
]


@pytest.mark.parametrize(("text", "depth", "judged"), DEPTHS)
def test_no_more_hits_are_asked_for_than_leave_the_cascade_as_it_is(text, depth, judged):
    assert judged_depth(parse_cascade(text, {}, VECTORS), depth, 1200) == judged


def test_a_small_corpus_is_judged_to_its_end():
    assert judged_depth(parse_cascade("runs:256 > full", {}, VECTORS), 100, 50) == 50


def test_scopes_depend_on_what_the_questions_name():
    run = made_up_run({"exact": {}}, {"a": {"p": 1}, "b": {"p": 1}})
    assert scopes_of(run.task) == ("union",)
    run.task.benchmark.queries[0] = Query("a", "?", "d.pdf")
    assert scopes_of(run.task) == ("union", "document")
    assert [query.id for query in queries_of(run.task, "union")] == ["a", "b"]
    assert [query.id for query in queries_of(run.task, "document")] == ["a"]
