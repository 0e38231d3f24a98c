"""Results as mteb keeps them, one file a task, so that they can be loaded and compared with mteb itself.

The layout is `results/<org>__<model>/<revision>/<TaskName>.json` with a `model_meta.json` beside
(https://github.com/embeddings-benchmark/mteb, `mteb.TaskResult`); one such tree a cascade.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vrag.embedders.protocol import Fingerprint
from vrag.evaluation.benchmarks.task import UNION
from vrag.evaluation.numbers.metrics import evaluate
from vrag.evaluation.results.scoring import key
from vrag.evaluation.runs.runner import file_name
from vrag.evaluation.runs.task_run import CascadeRun, TaskRun

FOLDER = "mteb"
_CUTS = (1, 3, 5, 10, 20, 100, 1000)
_DEFAULT_SUBSET = "default"


def write_mteb(runs: list[TaskRun], out: Path) -> list[Path]:
    """Write the results of every task over all its pages below the folder `mteb`; returns their paths."""
    paths = []
    for run in runs:
        name, revision = model_name(run), model_revision(run)
        for cascade in (c for c in run.runs if c.scope == UNION):
            place = out / FOLDER / file_name(cascade.cascade) / "results" / name.replace("/", "__") / revision
            place.mkdir(parents=True, exist_ok=True)
            _write(place / "model_meta.json", {"name": name, "revision": revision})
            paths.append(place / f"{file_name(run.task.name)}.json")
            _write(paths[-1], task_result(run, cascade))
    return paths


def task_result(run: TaskRun, cascade: CascadeRun) -> dict[str, Any]:
    """A `TaskResult` of mteb as JSON."""
    searching = sum(answer.seconds for answer in cascade.answers.values())
    return {
        "dataset_revision": run.task.revision or "local",
        "task_name": run.task.name,
        "mteb_version": None,  # mteb had no part in it
        "scores": {run.task.split: [_subset(run, cascade, language) for language in run.task.benchmark.languages]},
        "evaluation_time": run.ingest.seconds + searching,
        "kg_co2_emissions": None,
    }


def model_name(run: TaskRun) -> str:
    """The model as ORGANISATION/NAME."""
    return run.model if "/" in run.model else f"vrag/{run.model}"


def model_revision(run: TaskRun) -> str:
    """The model's own revision, else the start of the fingerprint, fit for a folder's name."""
    stated = str(run.fingerprint.get("revision") or "")
    return re.sub(r"[^\w.-]+", "-", stated) or Fingerprint(run.fingerprint).digest[:16]


def _subset(run: TaskRun, cascade: CascadeRun, language: str) -> dict[str, Any]:
    queries = [query.id for query in run.task.benchmark.judged if query.language == language]
    scores = _scores(run, cascade, queries)
    code = run.task.codes.get(language) or run.task.codes.get("")
    return {
        **scores,
        "main_score": scores[run.task.metric],
        "hf_subset": language if len(run.task.benchmark.languages) > 1 else _DEFAULT_SUBSET,
        "languages": [code] if code else [],
    }


def _scores(run: TaskRun, cascade: CascadeRun, queries: list[str]) -> Mapping[str, float]:
    """Means by mteb's names; cuts past the depth of the run would say less than they claim and are left out."""
    deepest = max(_CUTS) if len(run.task.benchmark.corpus) <= cascade.depth else cascade.depth
    names = [f"{name}@{k}" for name in ("ndcg", "map", "recall", "precision", "mrr") for k in _CUTS if k <= deepest]
    hits = {query: cascade.answers[query].hits for query in queries}
    qrels = {query: run.task.benchmark.qrels[query] for query in queries}
    return {key(name): float(values.mean()) for name, values in evaluate(hits, qrels, names).items()}


def _write(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
