"""Two results side by side, and the gate."""

import json

import numpy as np
import pytest

from tests.evaluation.made_up import made_up_run
from vrag.errors import VragError
from vrag.evaluation.benchmarks.task import Options
from vrag.evaluation.results.compare import compare, unmatched
from vrag.evaluation.results.results import make_results
from vrag.evaluation.results.scoring import score_task

QRELS = {f"q{n}": {f"p{n}": 1} for n in range(12)}
GOOD = {query: dict.fromkeys(grades, 1.0) for query, grades in QRELS.items()}


def results(tmp_path, hits, cascade="exact", qrels=QRELS, name="made-up", languages=None):
    return make_results([made_up_run({cascade: hits}, qrels, languages, name)], Options(tmp_path, tmp_path))


def without(count):
    """Runs in which the first `count` questions find nothing."""
    return {query: {} if number < count else hits for number, (query, hits) in enumerate(GOOD.items())}


def write(tmp_path, name, value):
    (tmp_path / name).write_text(json.dumps(value))
    return tmp_path / name


def test_a_fall_over_many_questions_is_one(tmp_path):
    (found,) = compare(results(tmp_path, GOOD), results(tmp_path, without(9)))
    assert (found.task, found.scope, found.queries) == ("made-up", "union", 12)
    assert (found.first, found.second) == (1.0, 0.25)
    assert found.difference == -0.75
    assert found.interval[0] < -0.75 < found.interval[1] < 0
    assert found.p_value == pytest.approx(2 / 2**9, rel=0.6)
    assert found.fell(0.01, 0.05)
    assert not found.fell(0.8, 0.05)
    assert not found.fell(0.01, 0.001)


def test_equal_results_and_better_ones_have_not_fallen(tmp_path):
    for before, after in ((without(3), without(3)), (without(9), GOOD)):
        (found,) = compare(results(tmp_path, before), results(tmp_path, after))
        assert not found.fell(0.0, 1.0)


def test_only_questions_that_both_asked_count(tmp_path):
    fewer = {query: QRELS[query] for query in list(QRELS)[6:]}
    (found,) = compare(results(tmp_path, without(6)), results(tmp_path, GOOD, qrels=fewer))
    assert (found.queries, found.first, found.second, found.p_value) == (6, 1.0, 1.0, 1.0)
    others = {"x": {"p0": 1}}
    with pytest.raises(VragError, match="asked no question in common"):
        compare(results(tmp_path, GOOD), results(tmp_path, {}, qrels=others))


def test_the_only_cascade_left_on_both_sides_is_compared(tmp_path):
    before, after = results(tmp_path, GOOD, "exact"), results(tmp_path, without(12), "runs:5 > full")
    (found,) = compare(before, after)
    assert (found.first_cascade, found.second_cascade) == ("exact", "runs:5 > full")
    two = make_results([made_up_run({"a": GOOD, "exact": GOOD}, QRELS)], Options(tmp_path, tmp_path))
    assert [c.second_cascade for c in compare(before, two)] == ["exact"]
    assert unmatched(two, after) == [("made-up", "union", "a"), ("made-up", "union", "exact")]


UNEQUAL = {query: "french" if query == "q0" else "english" for query in QRELS}


def test_languages_count_alike_as_in_the_evaluation_itself(tmp_path):
    only_french_is_better = results(tmp_path, {"q0": GOOD["q0"]}, languages=UNEQUAL)
    nothing = results(tmp_path, {}, languages=UNEQUAL)
    (found,) = compare(nothing, only_french_is_better)
    assert (found.first, found.second) == (0.0, only_french_is_better["results"][0]["score"]) == (0.0, 0.5)
    assert found.interval == tuple(score_task_versus({}, {"q0": GOOD["q0"]})["interval"])
    assert found.p_value == score_task_versus({}, {"q0": GOOD["q0"]})["p_value"]


def score_task_versus(before, after):
    """What an evaluation of both as cascades says of the second beside the first."""
    return score_task(made_up_run({"exact": before, "after": after}, QRELS, UNEQUAL))[1]["versus"]


def test_languages_come_from_whichever_results_know_them(tmp_path):
    old, new = (results(tmp_path, hits, languages=UNEQUAL) for hits in ({}, {"q0": GOOD["q0"]}))
    del old["results"][0]["query_languages"]
    assert [c.second for c in compare(old, new)] == [0.5]
    del new["results"][0]["query_languages"]
    with pytest.raises(VragError, match="neither of the results says which question has which"):
        compare(old, new)


def test_other_metrics(tmp_path):
    late = {query: {"p99": 2.0, **hits} for query, hits in GOOD.items()}
    (found,) = compare(results(tmp_path, GOOD), results(tmp_path, late), "recall_at_10")
    assert found.difference == 0.0
    (found,) = compare(results(tmp_path, GOOD), results(tmp_path, late), "mrr")
    assert found.second == pytest.approx(0.5)
    (found,) = compare(results(tmp_path, GOOD), results(tmp_path, late))
    assert found.second == pytest.approx(1 / np.log2(3))
    with pytest.raises(VragError, match="keep no 'bleu'"):
        compare(results(tmp_path, GOOD), results(tmp_path, late), "bleu")


def test_results_of_nothing_in_common(tmp_path):
    with pytest.raises(VragError, match="no task and scope in common"):
        compare(results(tmp_path, GOOD), results(tmp_path, GOOD, name="other"))


def test_results_of_the_same_task_and_other_cascades_name_the_cascades(tmp_path):
    one, other = (make_results([made_up_run(dict.fromkeys(names, GOOD), QRELS)], Options(tmp_path, tmp_path))
                  for names in (("exact", "best"), ("two-stage", "three-stage")))  # fmt: skip
    with pytest.raises(VragError, match=r"no cascade: exact, best / two-stage, three-stage\.") as found:
        compare(one, other)
    assert "made-up (union) in common" in str(found.value)
    assert "--cascade" in found.value.hint


def test_compare_on_the_command_line(cli, tmp_path):
    one, two = (
        write(tmp_path, "a.json", results(tmp_path, GOOD)),
        write(tmp_path, "b.json", results(tmp_path, without(9))),
    )
    done = cli("eval", "compare", one, two, "--json")
    assert done.code == 0
    (row,) = done.json["comparisons"]
    assert set(row) == {"task", "scope", "cascade", "against", "metric", "queries", "first", "second", "difference",
                        "interval", "p_value"}  # fmt: skip
    assert row["difference"] == -0.75
    people = cli("eval", "compare", one, two)
    assert "-0.7500" in people.out


def test_the_gate_fails_with_three(cli, tmp_path):
    good, bad = (
        write(tmp_path, "good.json", results(tmp_path, GOOD)),
        write(tmp_path, "bad.json", results(tmp_path, without(9))),
    )
    fell = cli("eval", "gate", bad, "--baseline", good, "--json")
    assert fell.code == 3
    assert fell.json["passed"] is False
    assert fell.json["comparisons"][0]["fell"] is True
    assert "Fell: made-up, union, exact: ndcg_at_10 by 0.7500" in fell.err
    assert cli("eval", "gate", bad, "--baseline", good, "--max-drop", 0.8).code == 0
    passed = cli("eval", "gate", good, "--baseline", bad, "--json")
    assert passed.code == 0
    assert passed.json["passed"] is True
    assert "Passed: nothing fell by more than 0.01 beyond chance." in passed.err


def test_a_fall_that_may_be_chance_passes_and_is_told(cli, tmp_path):
    good, less = (
        write(tmp_path, "good.json", results(tmp_path, GOOD)),
        write(tmp_path, "less.json", results(tmp_path, without(2))),
    )
    done = cli("eval", "gate", less, "--baseline", good)
    assert done.code == 0
    assert "May be chance" in done.err


def test_the_gate_reads_a_folder_of_reports_and_misses_nothing(cli, tmp_path):
    (tmp_path / "vrag-eval").mkdir()
    write(tmp_path, "vrag-eval/results.json", results(tmp_path, GOOD))
    two = [made_up_run({"exact": GOOD}, QRELS), made_up_run({"exact": GOOD}, QRELS, name="more")]
    baseline = write(tmp_path, "baseline.json", make_results(two, Options(tmp_path, tmp_path)))
    done = cli("eval", "gate", "--baseline", baseline, "--json")
    assert done.code == 3
    assert done.json["missing"] == [["more", "union", "exact"]]
    assert "the baseline has more, union, exact" in done.err


MISTAKES = [
    (["nowhere.json"], 2, "There is no nowhere.json"),
    (["text.json"], 1, "text.json is not readable JSON"),
    (["list.json"], 1, "no results file of vrag eval"),
    (["old.json"], 1, "has format 0, this vrag reads format 1"),
]


@pytest.mark.parametrize(("arguments", "code", "words"), MISTAKES)
def test_files_that_are_no_results(cli, tmp_path, arguments, code, words):
    (tmp_path / "text.json").write_text("no JSON")
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "old.json").write_text('{"format": 0, "results": []}')
    done = cli("eval", "gate", *arguments, "--baseline", "text.json", "--json")
    assert "text.json is not readable" in done.json["error"]  # the baseline is read first
    done = cli("eval", "compare", *arguments, "text.json", "--json")
    assert done.code == code
    assert words in done.json["error"]


def test_the_gate_needs_a_baseline(cli):
    done = cli("eval", "gate")
    assert done.code == 2
    assert "--baseline" in done.err
