"""Jobs: their order, what runs beside what, and how they end; the critical moments are held by events."""

import os
import sys
import threading

import pytest

from vrag.errors import UsageError, VragError
from vrag.ingest.report import IngestReport
from vrag.runtime.priority import BEHIND
from vrag.serve.jobs import MOST_KEPT, Job, Jobs

SOON_S = 10  # that a thread needs at the very most


@pytest.fixture
def jobs():
    jobs = Jobs()
    yield jobs
    jobs.close()


class Held:
    """A job that waits where the test wants it; `log` tells in which order jobs ran."""

    def __init__(self, jobs, log, name, paths=(), is_quick=False, embeds=False):
        self.begun, self.may_end = threading.Event(), threading.Event()

        def work(progress):
            progress.looking(1)
            if embeds:
                progress.embedding(3)
            self.begun.set()
            assert self.may_end.wait(SOON_S)
            progress.looked()
            log.append(name)
            return {"name": name}

        self.job = jobs.submit(Job("remove" if is_quick else "ingest", [name], work, lambda: paths, is_quick))

    def finish(self):
        self.may_end.set()
        return self.job.ended(SOON_S)


def test_slow_jobs_run_one_after_the_other_in_order(jobs):
    log = []
    first, second = Held(jobs, log, "first", ["/a"]), Held(jobs, log, "second", ["/b"])
    assert first.begun.wait(SOON_S)
    assert second.job.status().state == "queued"
    second.may_end.set()
    assert first.finish().state == "done"
    assert second.job.ended(SOON_S).result == {"name": "second"}
    assert log == ["first", "second"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the threads of a process apart")
def test_slow_jobs_let_everybody_else_go_first(jobs):
    mine, found = os.getpriority(os.PRIO_PROCESS, threading.get_native_id()), {}
    for kind, is_quick in (("ingest", False), ("remove", True)):

        def work(_, kind=kind):
            found[kind] = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
            return {}

        assert jobs.submit(Job(kind, (), work, tuple, is_quick)).ended(SOON_S).state == "done"
    assert found == {"ingest": min(mine + BEHIND, 19), "remove": mine}


def test_a_quick_job_runs_beside_an_ingest_that_embeds_other_files(jobs):
    log = []
    ingest = Held(jobs, log, "ingest", ["/docs/new"], embeds=True)
    assert ingest.begun.wait(SOON_S)
    assert Held(jobs, log, "remove", ["/docs/old/a.pdf"], is_quick=True).finish().state == "done"
    assert ingest.job.status().state == "running"
    ingest.finish()
    assert log == ["remove", "ingest"]


@pytest.mark.parametrize(("paths", "embeds"), [(["/docs"], True), (["/docs/new/a.pdf"], True), (["/x"], False)])
def test_a_quick_job_waits_for_an_ingest_of_its_files_or_one_that_is_looking(jobs, paths, embeds):
    log = []
    ingest = Held(jobs, log, "ingest", ["/docs/new"], embeds=embeds)
    assert ingest.begun.wait(SOON_S)
    remove = Held(jobs, log, "remove", paths, is_quick=True)
    remove.may_end.set()
    assert not remove.begun.wait(0.05)
    ingest.finish()
    assert remove.job.ended(SOON_S).state == "done"
    assert log == ["ingest", "remove"]


def test_a_quick_job_goes_past_another_that_has_to_wait(jobs):
    log = []
    ingest = Held(jobs, log, "ingest", ["/a"], embeds=True)
    assert ingest.begun.wait(SOON_S)
    waits = Held(jobs, log, "waits", ["/a/1.pdf"], is_quick=True)
    waits.may_end.set()
    assert Held(jobs, log, "goes", ["/b/1.pdf"], is_quick=True).finish().state == "done"
    ingest.finish()
    waits.job.ended(SOON_S)
    assert log == ["goes", "ingest", "waits"]


def test_a_removal_asked_for_after_an_ingest_of_the_file_comes_after_it(jobs):
    log = []
    running = Held(jobs, log, "running", ["/z"], embeds=True)
    assert running.begun.wait(SOON_S)
    queued, removal = Held(jobs, log, "queued", ["/a"]), Held(jobs, log, "removal", ["/a/x.pdf"], is_quick=True)
    later = Held(jobs, log, "later", ["/q"])
    for one in (removal, queued, later, running):
        one.may_end.set()
    later.job.ended(SOON_S)
    assert log == ["running", "queued", "removal", "later"]


def test_a_job_is_cancelled_at_its_next_page_and_keeps_what_it_found(jobs):
    report, at_page, go_on = IngestReport("/i"), threading.Event(), threading.Event()

    def work(progress):
        progress.embedding(2)
        report.added = 1
        progress.page(ok=True)
        at_page.set()
        assert go_on.wait(SOON_S)
        progress.page(ok=True)  # told by the thread that writes: it is not torn out of its work
        report.added = 2
        progress.read(slow=False)
        report.added = 3  # never

    job = Job("ingest", ["a.pdf"], work, lambda: ["/a.pdf"])
    job.found = report
    jobs.submit(job)
    assert at_page.wait(SOON_S)
    assert jobs.cancel(job.id) is job
    go_on.set()
    status = job.ended(SOON_S)
    assert (status.state, status.done, status.result["added"]) == ("cancelled", 2, 2)


def test_a_job_that_waits_is_cancelled_at_once_and_never_runs(jobs):
    log = []
    first, second = Held(jobs, log, "first", ["/a"]), Held(jobs, log, "second", ["/b"])
    assert first.begun.wait(SOON_S)
    jobs.cancel(second.job.id)
    assert second.job.status().state == "cancelled"
    first.finish()
    assert Held(jobs, log, "third", ["/c"]).finish().state == "done"
    assert log == ["first", "third"]
    assert jobs.cancel("nobody") is None


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (UsageError("No.", "Do."), {"error": "No.", "hint": "Do."}),
        (
            ZeroDivisionError("by zero"),
            {"error": "ZeroDivisionError: by zero", "hint": "The log of the service says more."},
        ),
    ],
)
def test_a_job_that_fails_says_why_and_the_next_one_runs(jobs, error, said):
    def work(_):
        raise error

    status = jobs.submit(Job("ingest", ["a"], work, tuple)).ended(SOON_S)
    assert (status.state, status.error) == ("failed", said)
    assert jobs.submit(Job("ingest", ["b"], lambda _: None, tuple)).ended(SOON_S).state == "done"


def test_whoever_waits_is_told_of_every_change(jobs):
    log, seen = [], []
    held = Held(jobs, log, "a", ["/a"], embeds=True)
    version = -1
    while not seen or not seen[-1].has_ended:
        seen.append(held.job.wait(version, SOON_S))
        version = seen[-1].version
        held.may_end.set()
    assert [status.version for status in seen] == sorted({status.version for status in seen})
    assert (seen[-1].state, seen[-1].done, seen[-1].total) == ("done", 1, 3)


def test_old_jobs_are_forgotten_and_running_ones_are_not(jobs):
    log = []
    held = Held(jobs, log, "held", ["/held"], embeds=True)
    assert held.begun.wait(SOON_S)
    for number in range(MOST_KEPT + 20):
        done = jobs.submit(Job("remove", [str(number)], lambda _: None, lambda: ["/x"], is_quick=True))
        assert done.ended(SOON_S).state == "done"
    assert len(jobs.all()) <= MOST_KEPT + 2
    assert jobs.get(held.job.id) is held.job
    assert jobs.all()[0] is done
    held.finish()


def test_the_end_stops_what_runs_and_takes_nothing_new():
    jobs, log = Jobs(), []
    held = Held(jobs, log, "held", ["/a"])
    waiting = Held(jobs, log, "waiting", ["/b"])
    assert held.begun.wait(SOON_S)
    held.may_end.set()
    jobs.close()
    assert held.job.status().has_ended
    assert waiting.job.status().state == "cancelled"
    with pytest.raises(VragError, match="ending"):
        jobs.submit(Job("ingest", ["c"], lambda _: None, tuple))
    Jobs().close()  # one that never had a job


def test_jobs_that_had_nothing_to_do_end_when_they_are_closed():
    jobs = Jobs()
    closing = threading.Thread(target=jobs.close, daemon=True)
    closing.start()
    closing.join(10)
    assert not closing.is_alive()
