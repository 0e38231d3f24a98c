"""`vrag eval` as users and programs meet it."""

import json
import math
import os
import signal
import subprocess
import time

import pytest
import pytrec_eval

from tests.conftest import command
from tests.evaluation.tiny import write_documents, write_rows
from tests.store.backend import Backend
from tests.store.rest import rest_server
from vrag.cli.eval_progress import bars
from vrag.embedders.builtin import BuiltinEmbedder
from vrag.evaluation.benchmarks.resolve import load_tasks, places
from vrag.evaluation.benchmarks.task import Options
from vrag.evaluation.evaluate import evaluate_tasks
from vrag.evaluation.runs.runner import WARM

ROW_KEYS = {
    "task", "scope", "cascade", "stages", "queries", "depth", "metric", "score", "map", "mrr", "intervals",
    "languages", "median_ms", "p95_ms", "queries_per_second",
}  # fmt: skip
CUT_KEYS = {f"{name}_at_{k}" for name in ("ndcg", "recall", "precision", "map", "mrr") for k in (1, 3, 5, 10, 20, 100)}


def read_run(path):
    run = {}
    for line in path.read_text().splitlines():
        query, _, document, _, score, _ = line.split(" ")
        run.setdefault(query, {})[document] = float(score)
    return run


def read_qrels(path):
    qrels = {}
    for line in path.read_text().splitlines():
        query, _, document, grade = line.split(" ")
        qrels.setdefault(query, {})[document] = int(grade)
    return qrels


def without_measurements(value):
    if isinstance(value, dict):
        return {key: without_measurements(v) for key, v in value.items() if key != "measured"}
    return [without_measurements(v) for v in value] if isinstance(value, list) else value


def test_a_folder_gives_rows_and_reports(vrag_eval, tiny, tmp_path):
    done = vrag_eval(tiny, "--cascade", "exact", "--cascade", "two-stage", "--out", "r", "--json")
    assert done.code == 0, done.err
    assert set(done.json) == {"results", "reports"}
    rows = done.json["results"]
    assert [(row["task"], row["scope"], row["cascade"]) for row in rows] == [
        ("tiny", scope, cascade) for scope in ("union", "document") for cascade in ("exact", "two-stage")
    ]
    assert set(rows[0]) == ROW_KEYS | CUT_KEYS
    assert set(rows[1]) == ROW_KEYS | CUT_KEYS | {"versus"}
    assert rows[1]["versus"]["cascade"] == "exact"
    assert rows[1]["versus"]["p_value"] == 1.0
    assert {row["queries"] for row in rows} == {3}
    for row in rows:
        low, high = row["intervals"]["ndcg_at_10"]
        assert 0 < low <= row["ndcg_at_10"] <= high <= 1
    # Two questions are answered at rank 1; the third one's label is below another page.
    assert rows[0]["recall_at_10"] == 1.0
    assert 2 / 3 < rows[0]["mrr"] < 1
    reports = done.json["reports"]
    assert set(reports) == {"results", "markdown", "html", "trec", "mteb"}
    assert all((tmp_path / path).exists() for path in reports.values())


def test_the_run_files_give_trec_eval_the_same_numbers(vrag_eval, tiny, tmp_path):
    row = vrag_eval(tiny, "--cascade", "exact", "--out", "r", "--json").json["results"][0]
    qrels = read_qrels(tmp_path / "r/trec/tiny.qrels")
    measures = {"ndcg_cut.5,10", "recall.10", "map", "recip_rank"}
    values = pytrec_eval.RelevanceEvaluator(qrels, measures).evaluate(
        read_run(tmp_path / "r/trec/tiny.union.exact.run")
    )
    assert len(values) == 3
    pairs = (("ndcg_at_5", "ndcg_cut_5"), ("ndcg_at_10", "ndcg_cut_10"), ("recall_at_10", "recall_10"),
             ("map", "map"), ("mrr", "recip_rank"))  # fmt: skip
    for ours, theirs in pairs:
        assert row[ours] == pytest.approx(sum(v[theirs] for v in values.values()) / 3)


def test_results_name_everything_that_made_them(vrag_eval, tiny, tmp_path):
    assert vrag_eval(tiny, "--out", "r").code == 0
    results = json.loads((tmp_path / "r/results.json").read_text())
    (task,) = results["tasks"]
    assert (task["pages"], task["queries"], task["judged"], task["unjudged"], task["missing_pages"]) == (5, 4, 3, 1, 0)
    assert task["model"]["name"] == "builtin"
    assert len(task["model"]["fingerprint"]) == 64
    assert task["pipeline"]["name"] == "builtin"
    assert results["machine"]["cpus"] == os.cpu_count()
    assert results["versions"]["vrag"] == results["vrag"]
    assert results["measured"]["date"].startswith("20")
    assert results["results"][0]["per_query"]["0"]["ndcg_at_10"] == 1.0
    report = (tmp_path / "r/report.md").read_text()
    for words in (
        "builtin",
        task["model"]["fingerprint"],
        "best = union(runs@bits:384, text:64)",
        "vrag 0.1.0",
        "NDCG@10",
    ):
        assert words in report


def test_people_see_a_table_and_where_the_reports_are(vrag_eval, tiny):
    done = vrag_eval(tiny)
    assert done.code == 0
    assert "Recall" in done.out
    assert "@10" in done.out
    assert "vrag-eval/report.html" in done.out
    assert "5 pages, 3 judged questions" in done.err


def test_the_report_in_html_needs_no_other_file(vrag_eval, tiny, tmp_path):
    vrag_eval(tiny, "--out", "r")
    html = (tmp_path / "r/report.html").read_text()
    assert html.startswith("<!doctype html>")
    assert "data:image/jpeg;base64," in html
    assert 'class="chart"' in html
    assert "<blockquote>" in html
    assert "http" not in html
    # The question with the wrong label is the worst one: it alone is shown with pictures.
    assert html.index("Where do penguins breed on the ice?") < html.index("snow leopard in the mountains")


def test_a_second_cascade_costs_only_its_questions(vrag_eval, tiny, tmp_path):
    vrag_eval(tiny, "--cascade", "exact", "--out", "r")
    done = vrag_eval(tiny, "--cascade", "exact", "--cascade", "runs:3 > full", "--out", "r", "--json")
    assert done.code == 0
    (task,) = json.loads((tmp_path / "r/results.json").read_text())["tasks"]
    assert task["measured"]["pages_added"] == 0
    assert [row["cascade"] for row in done.json["results"]] == ["exact", "runs:3 > full"] * 2


def test_an_index_can_be_reused_and_is_left_alone(vrag_eval, cli, tiny, tmp_path):
    cli("ingest", tiny / "pdfs", "--index", "mine")
    before = cli("info", "--index", "mine", "--json").json["documents"]
    elsewhere = tmp_path / "elsewhere"
    tiny.rename(elsewhere)
    done = vrag_eval(elsewhere, "--index", "mine", "--json")
    assert done.code == 0
    assert done.json["results"][0]["recall_at_10"] == 1.0
    assert cli("info", "--index", "mine", "--json").json["documents"] == before


def test_an_index_of_another_pipeline_is_refused(vrag_eval, tiny):
    assert vrag_eval(tiny, "--index", "mine", "--pipeline", "plain", "--json").code == 0
    done = vrag_eval(tiny, "--index", "mine", "--pipeline", "builtin", "--json")
    assert done.code == 1
    assert "was made with pipeline plain, not builtin" in done.json["error"]
    assert vrag_eval(tiny, "--index", "mine", "--json").code == 0


@pytest.mark.filterwarnings("ignore:Local mode", "ignore:Payload indexes have no effect")
def test_an_index_can_be_held_on_a_server(vrag_eval, tiny, tmp_path):
    exact = ("--cascade", "exact", "--json")
    here = vrag_eval(tiny, *exact).json["results"]
    with rest_server(Backend()) as url:
        for added in (True, False):
            done = vrag_eval(tiny, "--url", url, "--collection", "tiny", "--no-resume", "--out", "there", *exact)
            assert done.code == 0, done.err
            report = json.loads((tmp_path / "there" / "results.json").read_text())
            assert (report["tasks"][0]["measured"]["pages_added"] > 0) == added
        rows = done.json["results"]
    for one, other in zip(here, rows, strict=True):
        assert one["ndcg_at_10"] == pytest.approx(other["ndcg_at_10"])


def test_no_question_is_timed_cold_or_remembered(tiny, eval_cache, tmp_path, monkeypatch):
    embedded = []
    embed = BuiltinEmbedder.embed_query
    monkeypatch.setattr(BuiltinEmbedder, "embed_query", lambda self, text: embedded.append(text) or embed(self, text))
    options = Options(out=tmp_path / "r", cache=eval_cache, cascades=("exact",), depth=10)
    with bars() as watcher:
        (run,) = evaluate_tasks(load_tasks([str(tiny)], places(eval_cache, None, print)), options, watcher).runs
    first = next(iter(run.runs[0].benchmark.judged)).text
    questions = embedded[embedded.index(first) :]
    assert questions[:3] == [first, WARM, first]  # asked once to warm up, and embedded again when it is timed


def test_an_index_of_more_than_the_corpus_is_refused(vrag_eval, cli, tiny, tmp_path):
    write_documents(tmp_path / "more")
    (tmp_path / "more" / "animals.pdf").write_bytes((tiny / "pdfs" / "animals.pdf").read_bytes() + b"\n% other bytes")
    cli("ingest", tmp_path / "more", "--index", "mine")
    done = vrag_eval(tiny, "--index", "mine", "--json")
    assert done.code == 2
    assert "no part of tiny: 1, e.g." in done.json["error"]
    assert cli("info", "--index", "mine", "--json").json["pages"] == 5  # nothing was added to it


def test_fewer_questions(vrag_eval, tiny):
    rows = vrag_eval(tiny, "--limit-queries", 2, "--json").json["results"]
    assert {row["queries"] for row in rows} == {2}
    assert {row["ndcg_at_10"] for row in rows} == {1.0}


def test_several_benchmarks_at_once(vrag_eval, tiny, tmp_path):
    other = tmp_path / "other"
    write_documents(other / "pdfs")
    write_rows(other / "corpus.jsonl", [{"corpus-id": "x", "doc": "animals.pdf", "page": 3}])
    write_rows(other / "queries.jsonl", [{"query-id": "b", "query": "bees dance"}])
    write_rows(other / "qrels.jsonl", [{"query-id": "b", "corpus-id": "x", "score": 2}])
    done = vrag_eval(tiny, other, "--out", "r", "--json")
    assert [(row["task"], row["scope"]) for row in done.json["results"]] == [
        ("tiny", "union"), ("tiny", "document"), ("other", "union"),
    ]  # fmt: skip
    # Pages of the document that are no part of the corpus are not in anybody's way.
    assert done.json["results"][2]["ndcg_at_10"] == 1.0
    report = (tmp_path / "r/report.md").read_text()
    assert "## Means over tasks" in report
    assert vrag_eval(tiny, tiny, "--json").json["error"] == "There are two benchmarks called 'tiny'."


MISTAKES = [
    (["nowhere"], 2, "nowhere"),
    ([], 2, "Name a benchmark."),
    (["tiny", "--cascade", "nope"], 2, "unknown cascade or vector 'nope'"),
    (["tiny", "--pipeline", "nope"], 2, "No pipeline 'nope'"),
    (["tiny", "--language", "french"], 2, "has no judged question that is wanted"),
    (["tiny", "--index", "empty", "--model", "nope"], 2, "Unknown model 'nope'"),
    (["tiny", "--depth", "3"], 2, "depth"),
    (["tiny", "--url", "http://localhost:1"], 2, "needs --url and --collection"),
    (["tiny/pdfs"], 2, "tiny/pdfs is no benchmark"),
    (["tiny", "--collection", "c"], 2, "needs --url and --collection"),
    (["tiny", "--index", "i", "--url", "http://localhost:1", "--collection", "c"], 2, "give one of them"),
    (["tiny", "--url", "http://localhost:1", "--collection", "c"], 1, "http://localhost:1"),
]


@pytest.mark.parametrize(("arguments", "code", "words"), MISTAKES)
def test_a_mistake_is_one_sentence(vrag_eval, tiny, arguments, code, words):
    done = vrag_eval(*arguments, "--json")
    assert done.code == code
    assert words in done.json["error"]


def test_an_unknown_page_id_is_an_error(vrag_eval, tiny):
    with (tiny / "qrels.jsonl").open("a") as file:
        file.write('{"query-id": 0, "corpus-id": "p77", "score": 1}\n')
    done = vrag_eval(tiny, "--json")
    assert done.code == 1
    assert "qrels.jsonl, line 4: unknown corpus id p77" in done.json["error"]


def test_pages_that_cannot_be_read_make_the_result_partial(vrag_eval, tiny):
    (tiny / "pdfs" / "animals.pdf").write_bytes(b"no PDF")
    done = vrag_eval(tiny, "--json")
    assert done.code == 1
    assert done.json["results"][0]["queries"] == 3
    assert done.json["results"][0]["recall_at_10"] == pytest.approx(2 / 3)
    assert "3 pages are not in the index" in done.err


@pytest.mark.parametrize("seconds", [0.0, 1.2, 2.2, 3.2])
def test_a_killed_run_goes_on_and_reports_the_same(vrag_eval, tiny, tmp_path, seconds):
    arguments = (tiny, "--cascade", "exact", "--cascade", "three-stage", "--out")
    assert vrag_eval(*arguments, "whole").code == 0
    environment = {**os.environ, "VRAG_EVAL_CACHE": str(tmp_path / "fresh")}
    killed = subprocess.Popen(command("eval", *arguments, "cut"), cwd=tmp_path, env=environment, stderr=subprocess.PIPE)
    wait_for_a_sign(killed, seconds)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    again = vrag_eval(*arguments, "cut", "--cache", "fresh")
    assert again.code == 0, again.err
    one, other = (json.loads((tmp_path / name / "results.json").read_text()) for name in ("whole", "cut"))
    assert without_measurements(one) == without_measurements(other)
    for path in sorted((tmp_path / "whole" / "trec").iterdir()):
        assert path.read_bytes() == (tmp_path / "cut" / "trec" / path.name).read_bytes()


def wait_for_a_sign(process, seconds):
    """Let the run get somewhere: to its start, its ingest, its searches."""
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)


def test_answers_are_kept_unless_told_otherwise(vrag_eval, tiny, tmp_path):
    vrag_eval(tiny, "--out", "r")
    journal = tmp_path / "r/journal/tiny.union.best.jsonl"
    first = journal.read_text()
    vrag_eval(tiny, "--out", "r")
    assert journal.read_text() == first
    vrag_eval(tiny, "--out", "r", "--no-resume")
    times = [[json.loads(line)["seconds"] for line in text.splitlines()[1:]] for text in (first, journal.read_text())]
    assert len(times[0]) == len(times[1]) == 3
    assert not all(math.isclose(one, other) for one, other in zip(*times, strict=True))


def test_folders_need_no_extra_and_suites_say_which(process, eval_cache, tiny, tmp_path):
    (tmp_path / "blocked" / "datasets").mkdir(parents=True)
    (tmp_path / "blocked" / "datasets" / "__init__.py").write_text("raise ImportError('not installed')\n")
    environment = {"PYTHONPATH": str(tmp_path / "blocked"), "VRAG_EVAL_CACHE": str(eval_cache)}
    assert process("eval", tiny, env=environment).code == 0
    done = process("eval", "vidore-v2/esg_reports", "--json", env=environment)
    assert done.code == 1
    assert done.json["hint"] == 'pip install "vrag-toolkit[eval]"'
