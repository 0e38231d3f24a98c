"""Runs and judgements in the formats of trec_eval, so that anybody can check the numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from vrag.evaluation.numbers.metrics import Qrels
from vrag.evaluation.runs.journal import Ranked
from vrag.evaluation.runs.runner import file_name
from vrag.evaluation.runs.task_run import TaskRun

FOLDER = "trec"


def write_trec(runs: list[TaskRun], out: Path) -> list[Path]:
    """Write `TASK.SCOPE.CASCADE.run` and `TASK.qrels` into the folder `trec`; returns the runs' paths."""
    folder = out / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for run in runs:
        qrels = folder / f"{file_name(run.task.name)}.qrels"
        qrels.write_text(qrels_text(run.task.benchmark.qrels), encoding="utf-8")
        for cascade in run.runs:
            paths.append(folder / f"{file_name(run.task.name, cascade.scope, cascade.cascade)}.run")
            tag = f"vrag-{file_name(run.model, cascade.cascade)}"
            paths[-1].write_text(run_text(cascade.answers, tag), encoding="utf-8")
    return paths


def run_text(answers: Mapping[str, Ranked], tag: str) -> str:
    """Six columns: query, Q0, document, rank from 1, score, tag."""
    return "".join(
        f"{_id(query)} Q0 {_id(document)} {rank} {score!r} {tag}\n"
        for query, answer in answers.items()
        for rank, (document, score) in enumerate(answer.hits.items(), 1)
    )


def qrels_text(qrels: Qrels) -> str:
    """Four columns: query, 0, document, grade."""
    return "".join(
        f"{_id(query)} 0 {_id(document)} {grade}\n"
        for query, grades in qrels.items()
        for document, grade in grades.items()
    )


def _id(name: str) -> str:
    """The format knows no white space in ids: it is written as in URLs."""
    return re.sub(r"[\s%]", lambda match: quote(match[0]), name)
