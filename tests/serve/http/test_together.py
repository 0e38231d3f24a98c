"""Jobs that are watched, and searches beside changes: what threads do at once meets on purpose here."""

import json
import threading

import pytest

from tests.pdfs import pdf_bytes, write_pdf
from tests.serve.http.test_reading import assert_problem
from tests.serve.http.test_uploads import OWLS, WHALES, ended, files, kept, until
from vrag.catalog.documents import Documents
from vrag.serve.http import job_routes


class Held:
    """Ingests stop before their first page is embedded, until somebody lets them go on."""

    def __init__(self, service):
        self.begun, self.go_on = threading.Event(), threading.Event()
        self._ingest = service.index.ingest
        service.index.ingest = self._held

    def _held(self, paths, recursive, renderer, workers, progress, *rest):
        return self._ingest(paths, recursive, renderer, workers, _Stopping(progress, self), *rest)


class _Stopping:
    def __init__(self, progress, held):
        self._progress, self._held = progress, held

    def __getattr__(self, name):
        return getattr(self._progress, name)

    def embedding(self, pages):
        self._progress.embedding(pages)
        self._held.begun.set()
        assert self._held.go_on.wait(60)


@pytest.fixture
def held(writer):
    held = Held(writer.service)
    yield held
    held.go_on.set()


def events_of(answer):
    """Events of a stream as they come, comments as None."""
    for block in blocks(answer):
        if block.startswith(":"):
            yield None
        else:
            lines = dict(line.split(": ", 1) for line in block.split("\n"))
            assert lines["event"] == "job"
            yield json.loads(lines["data"])


def blocks(answer):
    text = ""
    for part in answer.iter_text():
        text += part
        while "\n\n" in text:
            block, text = text.split("\n\n", 1)
            yield block


def test_a_job_is_watched_until_it_ends(writer, held, monkeypatch):
    monkeypatch.setattr(job_routes, "SILENCE_S", 0.05)
    monkeypatch.setattr(job_routes, "LOOK_S", 0.1)
    url = writer.post("/v1/documents", files=files(("whales.pdf", WHALES))).json()["url"]
    assert held.begun.wait(30)
    with writer.client.stream("GET", f"{url}/events") as answer:
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        told = events_of(answer)
        first = next(told)
        assert (first["state"], first["done"], first["total"]) == ("running", 0, 1)
        assert next(told) is None  # nothing has changed: it says that it lives
        held.go_on.set()
        *_, last = told
    assert (last["state"], last["done"], last["result"]["added"]) == ("done", 1, 1)
    assert last == writer.get(url).json()
    assert writer.get("/v1/jobs").json()["jobs"][0] == last
    with writer.client.stream("GET", f"{url}/events") as answer:
        assert list(events_of(answer)) == [last]


def test_only_so_many_watch_and_one_that_goes_makes_room(writer, held, monkeypatch):
    monkeypatch.setattr(job_routes, "LOOK_S", 0.1)
    writer.app.state.here.listeners.total_tokens = 1
    url = writer.post("/v1/documents", files=files(("whales.pdf", WHALES))).json()["url"]
    with writer.client.stream("GET", f"{url}/events") as answer:
        told = blocks(answer)  # kept: a stream that nobody holds is closed
        assert next(told).startswith("event: job")
        assert_problem(writer.get(f"{url}/events"), 503, "watch")
    until(lambda: writer.app.state.here.listeners.available_tokens == 1)
    held.go_on.set()
    assert writer.get(f"{url}/events").status_code == 200


def test_a_search_in_the_middle_of_an_exchange_sees_the_whole_new_document(writer, held, tmp_path, monkeypatch):
    """A file is replaced by one of as many pages; no answer may mix them, or lack both."""
    old = ["Otters crack shells, page one.", "Otters sleep afloat, page two.", "Otters have pockets, page three."]
    file = write_pdf(tmp_path / "d" / "animal.pdf", old)
    held.go_on.set()
    assert writer.service.ingest([file]).ended(60).state == "done"
    held.go_on.clear()
    held.begun.clear()
    write_pdf(file, [text.replace("Otters", "Badgers") for text in old])

    def look():
        asked = {"query": "animals page", "k": 10, "where": "doc=animal.pdf", "include": ["text"]}
        hits = writer.post("/v1/search", json=asked).json()["hits"]
        return sorted(hit["text"].split()[0] for hit in hits)

    between, go_on, seen = threading.Event(), threading.Event(), []
    show = Documents.show

    def slow_show(documents, document):  # the old document is gone, the new one cannot be found yet
        between.set()
        assert go_on.wait(30)
        show(documents, document)

    monkeypatch.setattr(Documents, "show", slow_show)
    job = writer.service.ingest([file])
    assert held.begun.wait(30)
    assert look() == ["Otters"] * 3
    held.go_on.set()
    assert between.wait(30)
    looking = threading.Thread(target=lambda: seen.append(look()))
    looking.start()
    looking.join(0.3)
    assert seen == []  # it waits
    go_on.set()
    looking.join(30)
    assert seen == [["Badgers"] * 3]
    assert job.ended(60).result["added"] == 3


def test_other_documents_are_removed_and_changed_while_an_ingest_runs(writer, held):
    answer = writer.post("/v1/documents", files=files(("whales.pdf", WHALES)))
    assert held.begun.wait(30)
    animals, machines = writer.get("/v1/documents", params={"state": "complete"}).json()["documents"]
    assert ended(writer, writer.delete(animals["url"]))["state"] == "done"
    assert writer.patch(machines["url"], json={"metadata": {"kind": "engine"}}).json()["metadata"] == {"kind": "engine"}
    assert writer.get(answer.json()["url"]).json()["state"] == "running"
    held.go_on.set()
    assert ended(writer, answer)["state"] == "done"
    rows = writer.get("/v1/documents").json()["documents"]
    assert {row["doc"]: row["metadata"] for row in rows} == {"machines.pdf": {"kind": "engine"}, "whales.pdf": {}}


def test_a_document_that_is_being_indexed_is_removed_afterwards(writer, held):
    """It is not there and then again: the removal waits for the ingest, and its file goes with it."""
    answer = writer.post("/v1/documents", files=files(("whales.pdf", WHALES)))
    assert held.begun.wait(30)
    (document,) = writer.get("/v1/documents", params={"q": "whales"}).json()["documents"]
    removal = writer.delete(document["url"])
    assert removal.status_code == 202
    assert writer.get(removal.json()["url"]).json()["state"] == "queued"
    held.go_on.set()
    assert [ended(writer, one)["state"] for one in (answer, removal)] == ["done", "done"]
    assert writer.get("/v1/documents", params={"q": "whales"}).json()["total"] == 0
    until(lambda: kept(writer) == [])


def test_metadata_of_a_document_that_is_being_indexed_is_a_job(writer, held, monkeypatch):
    from vrag.serve.http import change_routes

    monkeypatch.setattr(change_routes, "PATIENCE_S", 0.05)
    answer = writer.post("/v1/documents", files=files(("owls.pdf", OWLS)))
    assert held.begun.wait(30)
    (document,) = writer.get("/v1/documents", params={"q": "owls"}).json()["documents"]
    change = writer.patch(document["url"], json={"metadata": {"bird": True}})
    assert change.status_code == 202
    held.go_on.set()
    assert [ended(writer, one)["state"] for one in (answer, change)] == ["done", "done"]
    assert writer.get("/v1/search", params={"q": "owls", "where": "bird=true"}).json()["hits"][0]["doc"] == "owls.pdf"


def test_a_file_that_changed_or_is_gone_is_not_served(writer, tmp_path):
    file = write_pdf(tmp_path / "d" / "note.pdf", ["Storks clatter."])
    assert writer.service.ingest([file]).ended(60).state == "done"
    (row,) = writer.get("/v1/documents", params={"q": "note.pdf"}).json()["documents"]
    page = f"{row['url']}/pages/1"
    content = file.read_bytes()
    assert writer.get(row["file_url"]).content == content

    for change in (content.replace(b"Storks", b"Secret"), b"secret", pdf_bytes(["Another secret."])):
        file.write_bytes(change)
        for url in (row["file_url"], f"{page}/image", f"{page}/thumbnail", row["thumbnail_url"]):
            assert_problem(writer.get(url), 410, "Put it back")
    file.unlink()
    assert_problem(writer.get(row["file_url"]), 410)
    file.symlink_to("/etc/hostname")
    assert_problem(writer.get(row["file_url"]), 410)
    assert writer.get(page).status_code == 200  # its words are in the index

    file.unlink()
    file.write_bytes(content)  # another stamp, the same bytes
    assert writer.get(row["file_url"]).content == content
    assert writer.get(f"{page}/image").status_code == 200
