"""Jobs: work that changes an index, asked for by many, done one piece at a time.

Slow work (an ingest, a verify) has one thread and runs in the order it was asked for. Quick work (a removal, new
metadata) has another, and runs beside an ingest that is embedding, unless both are about the same files: then it
waits. So a document can be removed while three hundred others arrive, and two changes never meet in one document.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path, PurePath
from typing import Any, Literal

from vrag.errors import VragError
from vrag.ingest.report import IngestReport, Progress, Silent
from vrag.runtime.priority import step_back
from vrag.upkeep.copying import CopyProgress, Unwatched
from vrag.upkeep.repool import RepoolReport

State = Literal["queued", "running", "done", "failed", "cancelled"]
Paths = Callable[[], Sequence[str]]
MOST_KEPT = 500  # jobs that ended
_log = logging.getLogger(__name__)


class CancelledError(BaseException):
    """Somebody asked for the job to stop; like Ctrl-C no `Exception`, so that nobody takes it for a failure."""


@dataclass(frozen=True, slots=True)
class JobStatus:
    """A job at one moment.

    Args:
        id: Of the job, fit for a URL.
        kind: "ingest", "remove", "metadata", "forget", "verify", "compact" or "repool".
        about: Names of files or documents, for people.
        state: How far it is; the last three are for good.
        created: When it was asked for, ISO 8601 in UTC.
        started: When it began.
        ended: When it ended.
        done: Steps done.
        total: Steps in all; None while nobody knows.
        doing: What it is at, e.g. "report.pdf, page 3".
        result: What it found, as docs/reference/json.md has it of the command of that name.
        error: `{"error", "hint"}` of one that failed.
        version: Grows with every change.
    """

    id: str
    kind: str
    about: tuple[str, ...]
    state: State
    created: str
    started: str | None = None
    ended: str | None = None
    done: int = 0
    total: int | None = None
    doing: str = ""
    result: dict[str, Any] | None = None
    error: dict[str, str] | None = None
    version: int = 0

    @property
    def has_ended(self) -> bool:
        """Whether nothing will change any more."""
        return self.state in ("done", "failed", "cancelled")


class Area:
    """What a job is about: the files at or under its paths; the whole index when it has none.

    Args:
        paths: Absolute.
    """

    def __init__(self, paths: Iterable[str] = ()) -> None:
        self._paths = {PurePath(path) for path in paths}
        self._above = {above for path in self._paths for above in (path, *path.parents)}

    def meets(self, other: Area) -> bool:
        """Whether a file may be part of both."""
        if not self._paths or not other._paths:
            return True
        return not (self._paths.isdisjoint(other._above) and other._paths.isdisjoint(self._above))


class Job:
    """One piece of work.

    Args:
        kind: As `JobStatus.kind`.
        about: As `JobStatus.about`.
        work: Does it, and returns what it found.
        paths: Files and folders that it is about, asked whenever that may have changed; none for the whole index.
        is_quick: Whether it may run beside an ingest.
        listener: Told of every step, besides this job's own status; an error of it cannot stop the work.
    """

    def __init__(
        self,
        kind: str,
        about: Sequence[str],
        work: Callable[[Steps], Any],
        paths: Paths,
        is_quick: bool = False,
        listener: Progress | CopyProgress | None = None,
    ) -> None:
        self.id = secrets.token_hex(8)
        self.kind = kind
        self.is_quick = is_quick
        self.listener: Any = listener or _Nobody()
        self.area = Area()
        self.found: Any = None  # filled while the work goes on, where it can be
        self.failure: BaseException | None = None
        self.cancelled = threading.Event()
        self.is_embedding = threading.Event()  # an ingest that knows by now which documents it will touch
        self._work: Callable[[Steps], Any] | None = work
        self._paths = paths
        self._changed = threading.Condition()
        self._status = JobStatus(self.id, kind, tuple(about), "queued", _now())

    def status(self) -> JobStatus:
        """How it stands now."""
        return self._status

    def wait(self, version: int = -1, timeout: float | None = None) -> JobStatus:
        """How it stands, as soon as that is newer than `version`, or it has ended, or the seconds are over."""
        with self._changed:
            self._changed.wait_for(lambda: self._status.version > version or self._status.has_ended, timeout)
            return self._status

    def ended(self, timeout: float | None = None) -> JobStatus:
        """How it stands, as soon as it has ended, or the seconds are over."""
        with self._changed:
            self._changed.wait_for(lambda: self._status.has_ended, timeout)
            return self._status

    def locate(self) -> None:
        """Find out anew what it is about; an ingest may have given a document other paths meanwhile."""
        try:
            self.area = Area(self._paths())
        except VragError:  # it fails by itself when its turn comes
            self.area = Area()

    def update(self, **changes: Any) -> None:
        """The status is another now."""
        with self._changed:
            self._status = replace(self._status, **changes, version=self._status.version + 1)
            self._changed.notify_all()

    def run(self, recheck: Callable[[], None] = lambda: None) -> None:
        """Do it, in the thread of whoever calls; whatever happens is its status afterwards.

        Args:
            recheck: Called when it has come so far that another job may begin.
        """
        self.update(state="running", started=_now())
        _log.info("Job %s: %s of %s begins.", self.id, self.kind, ", ".join(self._status.about) or "the index")
        state, said = "done", None
        assert self._work is not None, "a job is run once"
        try:
            found = self._work(Steps(self, recheck))
            self.found = self.found if found is None else found
        except CancelledError as error:
            state, self.failure = "cancelled", error
        except VragError as error:
            state, self.failure = "failed", error
            said = {"error": error.message, "hint": error.hint}
        except BaseException as error:  # noqa: BLE001 - the thread goes on with the next job
            state, self.failure = "failed", error
            said = {"error": f"{type(error).__name__}: {error}", "hint": "The log of the service says more."}
        _log.info("Job %s: %s.", self.id, state, exc_info=self.failure if state == "failed" else None)
        self._work, self._paths, self.listener = None, tuple, _Nobody()  # passwords and documents are in them
        self.update(state=state, doing="", result=_to_json(self.kind, self.found), error=said, ended=_now())


class Jobs:
    """The jobs of one index, and the two threads that do them; close it when the index is closed."""

    def __init__(self) -> None:
        self._turn = threading.Condition()
        self._jobs: dict[str, Job] = {}
        self._waiting: list[Job] = []
        self._running: dict[bool, Job | None] = {True: None, False: None}  # by is_quick
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, args=(quick,), name=f"vrag-jobs-{'quick' if quick else 'slow'}")
            for quick in (True, False)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, job: Job) -> Job:
        """Have it done when its turn comes.

        Raises:
            VragError: The service is ending.
        """
        job.locate()
        with self._turn:
            if self._closed:
                raise VragError("The service is ending.", "Try again when it has started anew.")
            self._jobs[job.id] = job
            self._waiting.append(job)
            self._forget_old()
            self._turn.notify_all()
        return job

    def all(self) -> list[Job]:
        """Every job that is remembered, the newest first."""
        with self._turn:
            return [*reversed(self._jobs.values())]

    def get(self, job_id: str) -> Job | None:
        """The job of this id."""
        return self._jobs.get(job_id)

    def cancel(self, job_id: str) -> Job | None:
        """Stop a job at its next page, or before it begins; what is done is kept. None when there is no such job."""
        with self._turn:
            job = self._jobs.get(job_id)
            if job is not None:
                job.cancelled.set()
                if job in self._waiting:
                    self._waiting.remove(job)
                    job.failure = CancelledError()
                    job.update(state="cancelled", ended=_now())
                self._turn.notify_all()
        return job

    def stop(self) -> None:
        """Take no more jobs, and stop those that there are."""
        with self._turn:
            self._closed = True
            jobs = [*self._jobs.values()]
            self._turn.notify_all()
        for job in jobs:
            if not job.status().has_ended:
                self.cancel(job.id)

    def close(self) -> None:
        """Stop every job, and wait until the one under way has stopped."""
        self.stop()
        for thread in self._threads:
            thread.join()

    def _work(self, quick: bool) -> None:
        if not quick:
            step_back()  # whoever searches waits for an answer, and nobody for a page
        while True:
            with self._turn:
                self._turn.wait_for(lambda: self._closed or self._next(quick) is not None)
                job = self._next(quick)
                if job is None:
                    return
                self._waiting.remove(job)
                self._running[quick] = job
            threading.current_thread().name = f"{job.kind}-{job.id}"
            job.run(self._recheck)
            with self._turn:
                self._running[quick] = None
                self._turn.notify_all()

    def _recheck(self) -> None:
        """An ingest knows its documents: what waits for it may have to wait for other files than before."""
        with self._turn:
            waiting = [job for job in self._waiting if job.is_quick]
        for job in waiting:
            job.locate()
        with self._turn:
            slow = self._running[False]
            if slow is not None:
                slow.is_embedding.set()
            self._turn.notify_all()

    def _next(self, quick: bool) -> Job | None:
        """The first job of that thread whose turn it is."""
        if self._running[quick] is not None:
            return None
        for place, job in enumerate(self._waiting):
            earlier = self._waiting[:place]
            if job.is_quick == quick and (self._may_run_beside(job, earlier) if quick else self._may_run(earlier)):
                return job
            if not quick and not job.is_quick:
                return None
        return None

    def _may_run(self, earlier: Sequence[Job]) -> bool:
        """Whether a slow job may begin: all that was asked for before it is done."""
        return self._running[True] is None and not earlier

    def _may_run_beside(self, job: Job, earlier: Sequence[Job]) -> bool:
        """Whether a quick job may begin: nothing that is under way, or was asked for before it, is about its files."""
        slow = self._running[False]
        if slow is not None and (not slow.is_embedding.is_set() or slow.area.meets(job.area)):
            return False
        return not any(other.area.meets(job.area) for other in earlier)

    def _forget_old(self) -> None:
        ended = [job_id for job_id, job in self._jobs.items() if job.status().has_ended]
        for job_id in ended[: max(0, len(ended) - MOST_KEPT)]:
            del self._jobs[job_id]


class _Nobody(Silent, Unwatched):
    """Listens to nothing."""

    def checked(self) -> None:
        """Nothing."""


class Steps:
    """The progress of a job: its status, its listener, and its end.

    It implements `vrag.ingest.report.Progress` and `vrag.upkeep.copying.CopyProgress`.
    """

    def __init__(self, job: Job, recheck: Callable[[], None]) -> None:
        self._job, self._recheck = job, recheck

    def looking(self, files: int) -> None:
        """Files are about to be looked at."""
        self._step("looking", files, done=0, total=files, doing="looking at files")

    def looked(self) -> None:
        """One more was."""
        self._step("looked", done=self._job.status().done + 1)

    def embedding(self, pages: int) -> None:
        """Pages are about to be embedded."""
        self._step("embedding", pages, done=0, total=pages, doing="indexing pages")
        self._recheck()

    def reading(self, path: Path, page: int) -> None:
        """A page is waited for."""
        self._step("reading", path, page, doing=f"{path.name}, page {page}")

    def read(self, slow: bool) -> None:
        """It has come."""
        self._step("read", slow)

    def page(self, ok: bool) -> None:
        """One more is in the index, or has failed; told by the thread that writes, which is not stopped."""
        self._job.update(done=self._job.status().done + 1)
        with suppress(OSError):
            self._job.listener.page(ok)

    def checked(self) -> None:
        """One more record is checked."""
        self._step("checked", done=self._job.status().done + 1)

    def starting(self, records: int) -> None:
        """Records are about to be copied."""
        self._step("starting", records, done=0, total=records, doing="pooling pages")

    def done(self, records: int) -> None:
        """So many more are."""
        self._step("done", records, done=self._job.status().done + records)

    def _step(self, name: str, *told: Any, **changes: Any) -> None:
        if self._job.cancelled.is_set():
            raise CancelledError
        if changes:
            self._job.update(**changes)
        with suppress(OSError):
            getattr(self._job.listener, name)(*told)


def _to_json(kind: str, found: Any) -> dict[str, Any] | None:
    """What a job found, as docs/reference/json.md has it."""
    if isinstance(found, (IngestReport, RepoolReport)):
        return found.to_json()
    if kind == "verify" and found is not None:
        return {"problems": [problem.to_json() for problem in found]}
    if kind == "compact" and found is not None:
        return {"bytes_before": found[0], "bytes_after": found[1]}
    if kind == "forget" and found is not None:
        return {"removed": found}
    return found if isinstance(found, dict) else None


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
