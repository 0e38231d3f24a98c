"""Numbers about the service, as Prometheus reads them."""

from __future__ import annotations

import contextlib
import os
from collections import Counter as Tally
from collections.abc import Iterable
from enum import Enum
from pathlib import Path

from fastapi import APIRouter, Response
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.types import Scope

from vrag.serve.http.here import HereNow
from vrag.serve.http.problems import documented
from vrag.serve.service import Service

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_STATES = ("queued", "running", "done", "failed", "cancelled")
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_METHODS = ("GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS")
_LONG_SECONDS = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0)  # a language model takes its time
router = APIRouter()


class Outcome(Enum):
    """How the answer to a question ended."""

    FOUND = "found"
    NOTHING = "nothing"
    FAILED = "failed"
    STOPPED = "stopped"  # whoever asked went away


class Metrics:
    """Counts what one service does.

    Args:
        service: Asked for its documents, pages and jobs.
    """

    def __init__(self, service: Service) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "vrag_requests", "Requests by route and status.", ("method", "route", "status"), registry=self.registry
        )
        self._answers = Histogram(
            "vrag_request_seconds", "Time until an answer begins.", ("route",), buckets=_SECONDS, registry=self.registry
        )
        self._searches = Counter("vrag_searches", "Searches by cascade.", ("cascade",), registry=self.registry)
        self._search_seconds = Histogram(
            "vrag_search_seconds",
            "Time of a search: wait (for a place), search (query and cascade), present (snippets and titles), all.",
            ("stage",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.open_questions = Gauge(
            "vrag_questions_open", "Questions whose answers are under way.", registry=self.registry
        )
        self._questions = Counter(
            "vrag_questions",
            "Questions by who answered them (quotes, model) and how that ended (found, nothing, failed, stopped).",
            ("by", "outcome"),
            registry=self.registry,
        )
        self._answer_seconds = Histogram(
            "vrag_answer_seconds",
            "Time until an answer is whole.",
            ("by",),
            buckets=_LONG_SECONDS,
            registry=self.registry,
        )
        self.registry.register(_State(service))

    def told(self, scope: Scope, status: int, seconds: float) -> None:
        """One more request was answered."""
        route = str(getattr(scope.get("route"), "path", "other"))
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._requests.labels(method, route, str(status)).inc()
        self._answers.labels(route).observe(seconds)

    def searched(self, cascade: str, wait: float, search: float, present: float) -> None:
        """One more search: its cascade's name, and seconds."""
        self._searches.labels(cascade).inc()
        for stage, seconds in {"wait": wait, "search": search, "present": present}.items():
            self._search_seconds.labels(stage).observe(seconds)
        self._search_seconds.labels("all").observe(wait + search + present)

    def asked(self, by_model: bool, outcome: Outcome, seconds: float) -> None:
        """One more question is done with."""
        by = "model" if by_model else "quotes"
        self._questions.labels(by, outcome.value).inc()
        if outcome in (Outcome.FOUND, Outcome.NOTHING):
            self._answer_seconds.labels(by).observe(seconds)


class _State(Collector):
    """What can be counted at any moment."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def collect(self) -> Iterable[Metric]:
        """The metrics."""
        index = self._service.index
        documents = index.documents.all()
        pages = GaugeMetricFamily("vrag_pages", "Pages that searches can find.", index.page_count)
        by_state = Tally("current" if document.state == "current" else "arriving" for document in documents)
        found = GaugeMetricFamily("vrag_documents", "Documents by state.", labels=("state",))
        for state in ("current", "arriving"):
            found.add_metric((state,), by_state[state])
        jobs = Tally(str(job.status().state) for job in self._service.jobs.all())
        of_jobs = GaugeMetricFamily("vrag_jobs", "Jobs that are remembered, by state.", labels=("state",))
        for state in _STATES:
            of_jobs.add_metric((state,), jobs[state])
        failed = GaugeMetricFamily("vrag_failures", "Files and pages that could not be indexed.", len(index.failures()))
        started = self._service.started.timestamp()
        return [
            pages,
            found,
            of_jobs,
            failed,
            GaugeMetricFamily("vrag_start_time_seconds", "When the service started, in Unix time.", started),
            *_of_process(),
        ]


def _of_process() -> Iterable[Metric]:
    """Memory and descriptors of this process, where the system tells them."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        yield GaugeMetricFamily("vrag_memory_bytes", "Resident memory of the service.", resident)
        descriptors = len(os.listdir("/proc/self/fd"))
        yield GaugeMetricFamily("vrag_open_files", "Open descriptors of the service.", descriptors)


@router.get(
    "/metrics",
    summary="Numbers for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **documented()},
)
def metrics(here: HereNow) -> Response:
    """Searches and their times, requests by route and status, documents, pages, jobs, failures and memory."""
    return Response(generate_latest(here.metrics.registry), media_type=MEDIA_TYPE)
