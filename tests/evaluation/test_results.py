"""`results.json`: what is the same for the same input, and what was measured."""

import json

import pytest

from tests.evaluation.made_up import made_up_run
from vrag.errors import UsageError, VragError
from vrag.evaluation.benchmarks.task import Options
from vrag.evaluation.results.results import make_results, public_rows, read_results, versions

QRELS = {"a": {"p1": 1}, "b": {"p2": 1}}
HITS = {"a": {"p1": 1.0}, "b": {"p1": 1.0, "p2": 0.5}}


@pytest.fixture
def options(tmp_path):
    return Options(tmp_path, tmp_path, languages=("fr",), limit_queries=7, depth=50)


def unmeasured(value):
    if isinstance(value, dict):
        return {key: unmeasured(v) for key, v in value.items() if key != "measured"}
    return [unmeasured(v) for v in value] if isinstance(value, list) else value


def test_two_runs_differ_only_in_what_was_measured(options):
    slow, fast = (make_results([made_up_run({"exact": HITS}, QRELS, seconds=s)], options) for s in (2.0, 0.5))
    assert slow["results"] != fast["results"]
    assert json.dumps(unmeasured(slow)) == json.dumps(unmeasured(fast))
    assert fast["results"][0]["measured"]["queries_per_second"] == 2.0
    assert fast["tasks"][0]["measured"]["pages_per_second"] == 2.0


def test_settings_and_counts(options):
    results = make_results([made_up_run({"exact": HITS}, QRELS, suite="s", revision="r" * 40)], options)
    assert results["settings"] == {"languages": ["fr"], "limit_queries": 7, "depth": 50}
    (task,) = results["tasks"]
    assert (task["suite"], task["revision"], task["split"]) == ("s", "r" * 40, "test")
    assert (task["pages"], task["queries"], task["judged"], task["unjudged"]) == (2, 3, 2, 1)
    assert task["model"]["revision"] == "abc"


def test_rows_for_programs_are_flat_and_small(options):
    (row,) = public_rows(make_results([made_up_run({"exact": HITS}, QRELS)], options))
    assert "per_query" not in row
    assert "measured" not in row
    assert row["median_ms"] == 500.0
    assert row["mrr"] == 0.75


def test_results_are_read_from_a_file_or_its_folder(options, tmp_path):
    results = make_results([made_up_run({"exact": HITS}, QRELS)], options)
    (tmp_path / "results.json").write_text(json.dumps(results))
    assert read_results(tmp_path) == read_results(tmp_path / "results.json") == json.loads(json.dumps(results))
    with pytest.raises(UsageError, match=r"There is no .*gone\.json"):
        read_results(tmp_path / "gone.json")
    (tmp_path / "results.json").write_text(json.dumps({**results, "format": 99}))
    with pytest.raises(VragError, match="has format 99, this vrag reads format 1"):
        read_results(tmp_path)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (3, "it is no object"),
        ({"scope": ["all"]}, "'scope' must be text"),
        ({"metric": None}, "'metric' must be text"),
        ({"per_query": None}, "'per_query' must have an object for every question"),
        ({"per_query": {"a": 1}}, "'per_query' must have an object for every question"),
        ({"per_query": {"a": {"mrr": "high"}}}, "'per_query' must have numbers"),
        ({"per_query": {"a": {"mrr": 1}, "b": {}}}, "unlike metrics"),
        ({"query_languages": {"a": []}}, "'query_languages' must name the language"),
    ],
)
def test_odd_rows_are_one_sentence(options, tmp_path, row, says):
    results = json.loads(json.dumps(make_results([made_up_run({"exact": HITS}, QRELS)], options)))
    results["results"].append({**results["results"][0], **row} if isinstance(row, dict) else row)
    (tmp_path / "results.json").write_text(json.dumps(results))
    with pytest.raises(VragError, match=f"row 2 of its results: .*{says}"):
        read_results(tmp_path)


@pytest.mark.parametrize("text", ["[" * 100_000, "\xff", '{"results": NaN}', '{"results": ' + "9" * 5000])
def test_what_is_no_json_is_one_sentence(tmp_path, text):
    (tmp_path / "results.json").write_text(text, encoding="latin-1")
    with pytest.raises(VragError, match="is not readable JSON"):
        read_results(tmp_path)


def test_versions_name_what_has_a_part_in_the_numbers():
    assert {"vrag", "numpy", "qdrant-edge-py", "onnxruntime"} <= set(versions())
