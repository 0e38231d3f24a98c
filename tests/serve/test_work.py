"""Work in a service: what changes the index is done in its turn, watched, stopped, and meets nothing half way."""

import os
import signal
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.conftest import command
from tests.pdfs import write_pdf
from tests.serve.watched import PAGES, QUERY, SOON_S, Watched
from vrag.catalog import contexts
from vrag.catalog.contexts import CONTEXTS
from vrag.catalog.documents import Documents
from vrag.errors import StoreError, UsageError
from vrag.index import Index
from vrag.ingest.report import IngestReport
from vrag.places.place import FolderPlace
from vrag.remote.channel import StoppedError
from vrag.remote.remote_index import RemoteIndex
from vrag.serve.jobs import Steps
from vrag.serve.serving import serving


def test_an_ingest_through_the_door_reports_and_tells_its_steps(remote, tmp_path):
    write_pdf(tmp_path / "new.pdf", ["Lighthouses warn ships."])
    progress, report = Watched(), IngestReport("")
    progress.go_on.set()
    assert remote.ingest([tmp_path / "new.pdf"], progress=progress, report=report) is report
    assert (report.added, report.documents, report.failed) == (1, 1, [])
    assert progress.told == [("looking", 1), ("reading", "new.pdf", 1)]
    assert remote.search("lighthouses", 1)[0].doc == "new.pdf"
    assert remote.page_count == 6


def test_relative_paths_are_those_of_the_caller(remote, tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir()
    write_pdf(tmp_path / "mine" / "new.pdf", ["Lighthouses warn ships."])
    monkeypatch.chdir(tmp_path / "mine")
    assert remote.ingest(["new.pdf"]).added == 1
    assert [gone.path for gone in remote.gone(["."])] == []
    os.unlink("new.pdf")
    gone = remote.gone(["."])
    assert [one.path for one in gone] == [str(tmp_path / "mine" / "new.pdf")]
    assert remote.forget(gone) == 1
    assert remote.page_count == 5


def test_a_document_goes_while_others_arrive(served, remote, tmp_path):
    """The ingest is held in the middle; the removal does not wait for it, and both are whole afterwards."""
    write_pdf(tmp_path / "new.pdf", [f"Lighthouse number {number}." for number in range(3)])
    held = Watched()
    with ThreadPoolExecutor(1) as threads:
        job = served.ingest([str(tmp_path / "new.pdf")], listener=held)
        assert held.begun.wait(SOON_S)
        threads.submit(remote.remove, remote.find_documents(["animals.pdf"])).result(SOON_S)
        assert job.status().state == "running"
        assert {hit.doc for hit in remote.search("lighthouse leopard", 10)} == {"machines.pdf"}
        held.go_on.set()
        assert job.ended(SOON_S).state == "done"
    assert remote.page_count == 5
    assert remote.verify() == []
    assert {hit.doc for hit in remote.search("lighthouse", 10)} == {"machines.pdf", "new.pdf"}


def test_ctrl_c_in_the_caller_stops_the_ingest_at_a_page(served, own, tmp_path):
    """A real process; the service goes on, what was done is kept, and the same command ends the work."""
    pages = [f"Lighthouse number {number} warns ships." for number in range(PAGES)]
    write_pdf(tmp_path / "new.pdf", pages)
    process = subprocess.Popen(
        command("ingest", tmp_path / "new.pdf", "--index", own),
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    job = _first_job(served)
    while job.status().done < 2:
        job.wait(job.status().version, SOON_S)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=SOON_S)
    assert process.returncode == 130
    status = job.ended(SOON_S)
    assert status.state == "cancelled"
    kept = status.result["added"]
    assert 2 <= kept < PAGES
    assert f"{kept} pages kept" in said
    report = RemoteIndex.find(own).ingest([tmp_path / "new.pdf"])
    assert (report.added, report.unchanged) == (PAGES - kept, kept)


def test_the_ingest_of_a_caller_that_is_killed_is_stopped(served, own, tmp_path):
    write_pdf(tmp_path / "new.pdf", [f"Lighthouse number {number} warns ships." for number in range(PAGES)])
    process = subprocess.Popen(command("ingest", tmp_path / "new.pdf", "--index", own), stderr=subprocess.DEVNULL)
    job = _first_job(served)
    while not (job.is_embedding.is_set() and job.status().done):
        job.wait(job.status().version, SOON_S)
    process.kill()
    process.wait()
    assert job.ended(SOON_S).state == "cancelled"
    assert RemoteIndex.find(own).page_count >= 6


def _first_job(service):
    until = time.monotonic() + SOON_S
    while not service.jobs.all() and time.monotonic() < until:
        time.sleep(0.01)
    return service.jobs.all()[0]


def test_whose_work_is_stopped_by_somebody_else_hears_so(served, remote, tmp_path, monkeypatch):
    write_pdf(tmp_path / "new.pdf", ["One.", "Two."])
    begun, go_on, reading = threading.Event(), threading.Event(), Steps.reading

    def held(steps, *page):
        begun.set()
        assert go_on.wait(SOON_S)
        reading(steps, *page)

    monkeypatch.setattr(Steps, "reading", held)
    with ThreadPoolExecutor(1) as threads:
        ingest = threads.submit(remote.ingest, [tmp_path / "new.pdf"])
        assert begun.wait(SOON_S)
        served.jobs.cancel(served.jobs.all()[0].id)
        go_on.set()
        with pytest.raises(StoppedError, match="stopped by somebody else"):
            ingest.result(SOON_S)


def test_a_read_only_service_lets_nobody_change_the_index(own, tmp_path):
    with serving(FolderPlace(own), read_only=True):
        remote = Index.open(own)
        document = remote.documents.all()[0]
        for change in (
            lambda: remote.ingest([tmp_path]),
            lambda: remote.remove([document]),
            lambda: remote.verify(repair=True),
            remote.compact,
        ):
            with pytest.raises(UsageError, match="read only"):
                change()
        assert remote.search(QUERY, 1)


def test_a_check_is_stopped_in_the_middle(served, monkeypatch):
    begun, go_on, checked = threading.Event(), threading.Event(), Steps.checked

    def held(steps):
        begun.set()
        assert go_on.wait(SOON_S)
        checked(steps)

    monkeypatch.setattr(Steps, "checked", held)
    job = served.verify()
    assert begun.wait(SOON_S)
    served.jobs.cancel(job.id)
    go_on.set()
    assert job.ended(SOON_S).state == "cancelled"


def test_a_file_that_was_moved_is_not_forgotten_while_its_new_place_is_indexed(served, tmp_path):
    """The document is one and the same: to forget its old path waits for the ingest that writes it."""
    write_pdf(tmp_path / "a.pdf", ["Lighthouses warn ships."])
    served.ingest([str(tmp_path / "a.pdf")]).ended(SOON_S)
    (tmp_path / "new").mkdir()
    (tmp_path / "a.pdf").rename(tmp_path / "new" / "a.pdf")
    write_pdf(tmp_path / "new" / "b.pdf", ["Sails."])
    held = Watched()
    job = served.ingest([str(tmp_path / "new")], listener=held)
    assert held.begun.wait(SOON_S)
    forget = served.forget(served.index.gone([str(tmp_path)]))
    assert forget.wait(-1, 0.1).state == "queued"
    held.go_on.set()
    assert job.ended(SOON_S).state == "done"
    assert forget.ended(SOON_S).state == "done"
    document = next(d for d in served.index.documents.all() if d.paths[0].endswith("a.pdf"))
    assert (document.paths, document.complete) == ((str(tmp_path / "new" / "a.pdf"),), True)


def test_a_job_whose_documents_cannot_be_read_keeps_the_others_going(served, monkeypatch):
    def damaged(documents, selection):
        raise StoreError("The record of a document is damaged.")

    animals, machines = served.index.documents.all()
    with monkeypatch.context() as patched:
        patched.setattr(Documents, "selected", damaged)
        assert served.remove([animals]).ended(SOON_S).state == "failed"
    assert served.remove([machines]).ended(SOON_S).state == "done"
    assert served.index.page_count == 3


def test_what_a_client_knows_of_the_pipeline_is_what_it_is_now(served, remote):
    assert remote.pipeline.name == "builtin"
    assert remote.repool("plain").pipeline == "plain"
    assert remote.pipeline.name == "plain"


def test_a_context_is_not_written_for_a_document_that_goes_just_then(served, monkeypatch):
    """The words of a removed document must not come back: its context was being made when it was removed."""
    index, making, go_on = served.index, threading.Event(), threading.Event()
    machines = index.find_documents(["machines.pdf"])
    index.stored.store.delete(CONTEXTS)
    made = contexts.context_record

    def held(doc_id, *rest):
        if doc_id == machines[0].doc_id:
            making.set()
            assert go_on.wait(SOON_S)
        return made(doc_id, *rest)

    monkeypatch.setattr(contexts, "context_record", held)
    with ThreadPoolExecutor(1) as threads:
        refreshed = threads.submit(contexts.refresh_contexts, index.stored, index.embedder)
        assert making.wait(SOON_S)
        index.remove(machines)
        go_on.set()
        refreshed.result(SOON_S)
    assert {record.payload["doc_id"] for record in index.stored.store.scroll(CONTEXTS)} == {
        document.doc_id for document in index.documents.all()
    }
    assert index.verify() == []


def test_a_removal_that_waits_for_the_writer_keeps_no_search_waiting(served, remote):
    """The engine is merging, which takes seconds in a large index; searches go on until the removal has its turn."""
    store, machines = served.index.stored.store, remote.find_documents(["machines.pdf"])
    with ThreadPoolExecutor(1) as threads:
        with store.one_writer():
            removed = threads.submit(remote.remove, machines)
            job = _first_job(served)
            while job.status().state == "queued":
                job.wait(job.status().version, SOON_S)
            assert remote.search("oil filter", 1)[0].doc == "machines.pdf"
            assert not removed.done()
        removed.result(SOON_S)
    assert remote.search("oil filter", 5)[0].doc == "animals.pdf"
