"""The union corpus: other tasks' pages are found, count as wrong, and are not embedded again."""

import json

import pytest

from tests.evaluation.tiny import write_rows, write_tiny
from tests.pdfs import write_pdf
from vrag.evaluation.benchmarks.benchmark import Benchmark, PageRef, Query
from vrag.evaluation.benchmarks.task import Task
from vrag.evaluation.runs.task_run import TaskRun
from vrag.evaluation.runs.union import with_distractors
from vrag.ingest.report import IngestReport


@pytest.fixture
def other(tmp_path):
    """A second benchmark: one page says what a question of the first one asks, one document is the first one's."""
    folder = tmp_path / "other"
    write_pdf(folder / "pdfs" / "animals.pdf", ["Snow leopard in the mountains. Snow leopard in the mountains."])
    tiny = write_tiny(tmp_path / "tiny")
    (folder / "pdfs" / "copy.pdf").write_bytes((tiny / "pdfs" / "machines.pdf").read_bytes())
    rows = [{"corpus-id": "p0", "doc": "animals.pdf", "page": 1}, {"corpus-id": "p1", "doc": "copy.pdf", "page": 2}]
    write_rows(folder / "corpus.jsonl", rows)
    write_rows(folder / "queries.jsonl", [{"query-id": 0, "query": "snow leopard in the mountains"}])
    write_rows(folder / "qrels.jsonl", [{"query-id": 0, "corpus-id": "p0", "score": 1}])
    return folder


def test_distractors_are_found_and_count_as_wrong(vrag_eval, tmp_path, other):
    arguments = ("tiny", other, "--union", "--cascade", "exact", "--out", "r")
    done = vrag_eval(*arguments, "--json")
    assert done.code == 0, done.err
    rows = {(row["task"], row["scope"]): row for row in done.json["results"]}
    assert set(rows) == {("tiny", "union"), ("tiny", "document"), ("tiny", "distractors"), ("other", "union"),
                         ("other", "distractors")}  # fmt: skip
    assert rows["tiny", "distractors"]["queries"] == 3
    assert rows["tiny", "distractors"]["ndcg_at_10"] < rows["tiny", "union"]["ndcg_at_10"]
    assert rows["other", "distractors"]["ndcg_at_10"] == 1.0
    run = (tmp_path / "r/trec/tiny.distractors.exact.run").read_text().splitlines()
    assert run[0].startswith("0 Q0 other/p0 1 ")
    found = [line.split(" ")[2] for line in run if line.startswith("1 ")]
    # The copied document is the task's own: once, under its own ids.
    assert sorted(found) == ["other/p0", "p0", "p1", "p2", "p3", "p4"]
    results = json.loads((tmp_path / "r/results.json").read_text())
    assert [task["measured"]["pages_added"] for task in results["tasks"]][0] in (0, 5)
    again = vrag_eval(*arguments, "--no-resume", "--json").json["results"]
    assert [row["ndcg_at_10"] for row in again] == [row["ndcg_at_10"] for row in done.json["results"]]


def test_a_union_of_one_is_refused(vrag_eval, tiny):
    done = vrag_eval(tiny, "--union", "--json")
    assert done.code == 2
    assert "at least two benchmarks" in done.json["error"]


def made_up(name, digests, corpus, tmp_path):
    benchmark = Benchmark(name, corpus, [Query("q", "?", "a.pdf")], {"q": dict.fromkeys(corpus, 1)}, tmp_path / name)
    return TaskRun(Task(name, benchmark), digests, {}, {}, "builtin", IngestReport(""))


def test_pages_of_the_same_content_are_no_distractors_of_themselves(tmp_path):
    one = made_up("one", {"a.pdf": "A", "b.pdf": "B"}, {"1": PageRef("a.pdf", 1), "2": PageRef("b.pdf", 1)}, tmp_path)
    two = made_up("two", {"x.pdf": "B", "a.pdf": "C"}, {"1": PageRef("x.pdf", 1), "2": PageRef("x.pdf", 2),
                                                        "3": PageRef("a.pdf", 1)}, tmp_path)  # fmt: skip
    united = with_distractors(one, [one, two])
    assert set(united.corpus) == {"1", "2", "two/2", "two/3"}
    assert united.corpus["1"].doc == str(tmp_path / "one" / "a.pdf")
    assert united.corpus["two/3"].doc == str(tmp_path / "two" / "a.pdf")
    assert united.qrels == one.task.benchmark.qrels
    assert set(with_distractors(two, [one, two]).corpus) == {"1", "2", "3", "one/1"}
