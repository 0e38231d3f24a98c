"""Uploads: from a multipart body to the first hit, and everything that may go wrong between."""

import io
import json
import os
import socket
import threading
import time
import zipfile

import pytest
from PIL import Image

from tests.conftest import copy_index
from tests.pdfs import pdf_bytes
from tests.printing.office_files import needs_libreoffice, write_docx
from tests.serve.http.running import service_of, serving
from tests.serve.http.test_reading import assert_problem
from vrag.errors import UsageError
from vrag.pages.files import find_files
from vrag.printing.printed import FOLDER_ENV
from vrag.serve.http import upload_names
from vrag.serve.http import uploads as uploads_module
from vrag.serve.http.app import make_app, take_up_uploads
from vrag.serve.http.guard import Guard
from vrag.serve.http.upload_limits import UploadLimits
from vrag.serve.http.upload_names import clean_name, kind_of_file, kind_of_printed
from vrag.serve.http.uploads import FOLDER
from vrag.serve.jobs import CancelledError, Jobs

WHALES = pdf_bytes(["Blue whales sing\nacross whole oceans."])
OWLS = pdf_bytes(["Barn owls hear\na mouse under the snow."])


def files(*named):
    return [("files", (name, data, "application/octet-stream")) for name, data in named]


def ended(running, answer):
    """The job of an answer, once it has ended."""
    assert answer.status_code == 202, answer.text
    job = running.service.jobs.get(answer.json()["job"])
    job.ended(60)
    return running.get(answer.json()["url"]).json()


def kept(running):
    """Everything below `uploads`, drafts and notes too."""
    folder = running.service.index.path / FOLDER
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def until(condition):
    for _ in range(500):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it never came true")


def test_an_upload_is_found_shown_changed_and_removed(writer):
    answer = writer.post(
        "/v1/documents", files=files(("whales.pdf", WHALES), ("../../owls", OWLS)), data={"metadata": '{"Year": 2024}'}
    )
    assert answer.headers["location"] == answer.json()["url"]
    job = ended(writer, answer)
    assert (job["state"], job["kind"], job["result"]["added"], job["result"]["failed"]) == ("done", "ingest", 2, [])
    until(lambda: kept(writer) == ["owls.pdf", "whales.pdf"])

    hit = writer.post("/v1/search", json={"query": "singing whales", "k": 1, "where": "year=2024"}).json()["hits"][0]
    assert (hit["doc"], hit["page"]) == ("whales.pdf", 1)
    document = writer.get(f"/v1/documents/{hit['doc_id']}").json()
    assert (document["uploaded"], document["metadata"], document["state"]) == (True, {"year": 2024}, "complete")
    assert document["added"] > "2024"
    assert writer.get(document["file_url"]).content == WHALES
    assert writer.get("/v1/documents", params={"sort": "-added"}).json()["documents"][2]["added"]
    (row,) = [row for row in writer.get("/v1/index").json()["filters"] if row["key"] == "year"]
    assert row["kind"] == "number"

    changed = writer.patch(document["url"], json={"metadata": {"title": "Songs of the sea", "year": None}})
    assert (changed.status_code, changed.json()["title"]) == (200, "Songs of the sea")
    assert changed.json()["metadata"] == {"title": "Songs of the sea"}
    found = writer.get("/v1/search", params={"q": "sea songs", "where": 'title="Songs of the sea"'}).json()["hits"]
    assert [hit["title"] for hit in found] == ["Songs of the sea"]

    gone = ended(writer, writer.delete(document["url"]))
    assert (gone["state"], gone["result"]["pages"]) == ("done", 1)
    until(lambda: kept(writer) == ["owls.pdf"])
    assert_problem(writer.get(document["url"]), 404)
    assert_problem(writer.get(document["file_url"]), 404)


def test_a_file_of_ones_own_stays_when_its_document_is_removed(writer, folder):
    (document,) = writer.get("/v1/documents", params={"q": "animals"}).json()["documents"]
    assert document["uploaded"] is False
    assert ended(writer, writer.delete(document["url"]))["state"] == "done"
    assert (folder / "animals.pdf").is_file()


@pytest.mark.parametrize(
    ("name", "data", "status"),
    [
        ("page.pdf", b"<html><script>alert(1)</script>", 415),
        ("archive.pdf", b"PK\x03\x04" + b"\0" * 2000, 415),
        ("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415),
        ("empty.pdf", b"", 422),
        ("long.pdf", WHALES + b"\0" * 5000, 413),
    ],
)
def test_what_cannot_be_indexed_is_refused_and_leaves_nothing(reader, name, data, status):
    limits = UploadLimits(files=2, file_bytes=4000, upload_bytes=6000)
    with serving(reader.service, limits=limits) as running:
        answer = running.post("/v1/documents", files=files(("whales.pdf", WHALES), (name, data)))
        assert_problem(answer, status)
        assert answer.json()["hint"]
        assert kept(running) == []


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"", "multipart/form-data", 415),
        (b"{}", "application/json", 415),
        (b"nothing", "multipart/form-data; boundary=x", 422),
        (b"", "multipart/form-data; boundary=x", 422),
        (b"--x\r\nContent-Disposition: form-data; name=files; filename=a.pdf\r\n\r\n%PDF-", None, 422),
        (b"--x\r\n" + b"A: b\r\n" * 10_000 + b"\r\n\r\n--x--\r\n", None, 422),
        (b'--x\r\nContent-Disposition: form-data; name="other"\r\n\r\n1\r\n--x--\r\n', None, 422),
        (b'--x\r\nContent-Disposition: form-data; name="metadata"\r\n\r\n{}\r\n--x--\r\n', None, 422),
        (b"--x\r\nContent-Disposition: form-data; name=metadata\r\n\r\n" + b"1" * 70_000, None, 413),
        (b"--x--\r\n", None, 422),
        (b"x", f"multipart/form-data; boundary={'x' * 1000}", 422),
    ],
)
def test_a_body_that_is_no_upload_is_a_problem(reader, body, kind, status):
    headers = {"content-type": kind or "multipart/form-data; boundary=x"}
    assert_problem(reader.post("/v1/documents", content=body, headers=headers), status)
    assert kept(reader) == []


@pytest.mark.parametrize(
    ("metadata", "status"),
    [
        ("[1]", 422),
        ("{", 422),
        ('{"a": {"b": 1}}', 400),
        ('{"..": 1}', 400),
        ('{"a": 1, "a": 2}', 422),
        ("1" * 999, 422),
    ],
)
def test_metadata_that_is_none_is_refused_before_anything_is_kept(reader, metadata, status):
    answer = reader.post("/v1/documents", files=files(("whales.pdf", WHALES)), data={"metadata": metadata})
    assert_problem(answer, status)
    assert kept(reader) == []


def test_there_are_only_so_many_files_in_an_upload(reader):
    with serving(reader.service, limits=UploadLimits(files=2)) as running:
        answer = running.post("/v1/documents", files=files(*[(f"{n}.pdf", WHALES) for n in range(3)]))
        assert_problem(answer, 413, "More than 2 files")


def test_an_upload_that_will_be_too_long_is_refused_before_it_comes(reader):
    with socket.create_connection(("127.0.0.1", reader.port)) as client:
        client.sendall(
            b"POST /v1/documents HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999\r\n"
            b"Content-Type: multipart/form-data; boundary=x\r\n\r\n"
        )
        assert client.recv(1000).startswith(b"HTTP/1.1 413")


def test_a_disk_that_fills_up_meanwhile_is_a_sentence(reader, monkeypatch):
    from vrag.serve.http import change_routes

    usage, looks = shutil_usage(reader), []

    def filling(_):
        looks.append(1)
        return usage._replace(free=100 if len(looks) > 1 else usage.free)

    monkeypatch.setattr(change_routes, "_CHECKED_BYTES", 1)
    monkeypatch.setattr(uploads_module.shutil, "disk_usage", filling)
    assert_problem(reader.post("/v1/documents", files=files(("a.pdf", WHALES))), 507, "room")
    assert kept(reader) == []


def test_an_upload_without_end_is_broken_off(reader):
    """Chunked, so that nothing says how long it will be."""
    with serving(reader.service, limits=UploadLimits(file_bytes=1 << 20, upload_bytes=1 << 20)) as running:

        def endless():
            yield b"--x\r\nContent-Disposition: form-data; name=files; filename=a.pdf\r\n\r\n%PDF-"
            while True:
                yield b"\0" * 65536

        headers = {"content-type": "multipart/form-data; boundary=x"}
        assert_problem(running.post("/v1/documents", content=endless(), headers=headers), 413)
        assert kept(running) == []


def test_a_client_that_goes_away_in_the_middle_leaves_nothing(reader):
    with socket.create_connection(("127.0.0.1", reader.port)) as client:
        client.sendall(
            b"POST /v1/documents HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n"
            b"Content-Type: multipart/form-data; boundary=x\r\n\r\n"
            b"--x\r\nContent-Disposition: form-data; name=files; filename=a.pdf\r\n\r\n%PDF-1.4 half"
        )
        folder = reader.service.index.path / FOLDER / ".receiving"
        until(lambda: any(path.is_file() for path in folder.rglob("*")))
    until(lambda: not any(folder.iterdir()))


def test_two_uploads_of_one_name_at_once_are_told_apart(writer, monkeypatch):
    """Both are received, then both look for a name: neither may get the other's."""
    both = threading.Barrier(2)
    free = uploads_module.Uploads.accept

    def accept(self, received, metadata):
        both.wait(30)
        return free(self, received, metadata)

    monkeypatch.setattr(uploads_module.Uploads, "accept", accept)
    answers = []
    senders = [
        threading.Thread(
            target=lambda data=data: answers.append(writer.post("/v1/documents", files=files(("a.pdf", data))))
        )
        for data in (WHALES, OWLS)
    ]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert [ended(writer, answer)["state"] for answer in answers] == ["done", "done"]
    until(lambda: kept(writer) == ["a (2).pdf", "a.pdf"])
    folder = writer.service.index.path / FOLDER
    assert {(folder / name).read_bytes() for name in kept(writer)} == {WHALES, OWLS}
    assert writer.get("/v1/documents", params={"q": "a.pdf"}).json()["total"] == 1
    names = {row["doc"] for row in writer.get("/v1/documents").json()["documents"] if row["uploaded"]}
    assert names == {"a.pdf", "a (2).pdf"}


def test_what_was_accepted_is_indexed_after_a_crash(indexed, tmp_path, monkeypatch):
    index = copy_index(indexed, tmp_path / "index")
    with service_of(index) as service, serving(service) as running:
        monkeypatch.setattr(Jobs, "submit", lambda self, job: job)  # accepted, and never begun: then it dies
        answer = running.post("/v1/documents", files=files(("whales.pdf", WHALES)), data={"metadata": '{"sea": true}'})
        assert answer.status_code == 202
        monkeypatch.undo()
    (index / FOLDER / ".receiving" / "left").mkdir()
    (index / FOLDER / ".accepted" / "broken.json").write_text("{")
    (index / FOLDER / ".accepted" / "hostile.json").write_text(json.dumps({"files": ["../lock"], "metadata": {}}))
    with service_of(index) as service, serving(service) as running:
        (job,) = take_up_uploads(running.app)
        assert job.ended(60).state == "done"
        (hit,) = running.get("/v1/search", params={"q": "whales", "where": "sea=true"}).json()["hits"]
        assert hit["doc"] == "whales.pdf"
        until(lambda: kept(running) == [".accepted/broken.json", ".accepted/hostile.json", "whales.pdf"])
        assert not any((index / FOLDER / ".receiving").glob("*"))


def test_files_of_an_upload_that_was_stopped_are_not_kept(writer):
    begun, go_on = threading.Event(), threading.Event()
    ingest = writer.service.index.ingest

    def slow(paths, recursive, renderer, workers, progress, *rest):
        begun.set()
        go_on.wait(30)
        progress.looking(1)  # where a job notices that it was stopped
        return ingest(paths, recursive, renderer, workers, progress, *rest)

    writer.service.index.ingest = slow
    answer = writer.post("/v1/documents", files=files(("whales.pdf", WHALES)))
    begun.wait(30)
    stopped = writer.post(f"{answer.json()['url']}/cancel")
    assert stopped.status_code == 200
    go_on.set()
    assert ended(writer, answer)["state"] == "cancelled"
    until(lambda: kept(writer) == [])


def test_a_folder_with_an_index_in_it_is_walked_as_ever(writer):
    ended(writer, writer.post("/v1/documents", files=files(("whales.pdf", WHALES))))
    index = writer.service.index.path
    (index / FOLDER / ".receiving" / "draft.pdf").write_bytes(b"%PDF-")
    assert find_files([index.parent]) == [index / FOLDER / "whales.pdf"]
    report = writer.service.ingest([index.parent]).ended(60).result
    assert (report["unchanged"], report["added"], report["failed"]) == (1, 0, [])


def test_uploads_may_be_kept_elsewhere(indexed, tmp_path):
    elsewhere = tmp_path / "kept" / "here"
    with service_of(copy_index(indexed, tmp_path / "i")) as service, serving(service, uploads=elsewhere) as running:
        assert ended(running, running.post("/v1/documents", files=files(("whales.pdf", WHALES))))["state"] == "done"
        assert (elsewhere / "whales.pdf").read_bytes() == WHALES
        assert kept(running) == []
        assert make_app(service, Guard(), uploads=elsewhere).state.here.uploads is not None  # the next time, too


def test_an_index_and_a_folder_named_with_dots_are_the_same_as_without(indexed, tmp_path):
    """Paths in the index have no `..`: files that are compared with them must have none either."""
    dotted = copy_index(indexed, tmp_path / "i") / ".." / "i"
    for folder in (None, tmp_path / "i" / ".." / "kept"):
        with service_of(dotted) as service, serving(service, uploads=folder) as running:
            where = folder or tmp_path / "i" / FOLDER
            ended(running, running.post("/v1/documents", files=files(("whales.pdf", WHALES))))
            (document,) = running.get("/v1/documents", params={"q": "whales"}).json()["documents"]
            assert document["uploaded"]
            ended(running, running.delete(document["url"]))
            assert not (where / "whales.pdf").exists()


def test_a_file_that_was_indexed_stays_when_its_upload_is_stopped(indexed, tmp_path):
    dotted = copy_index(indexed, tmp_path / "i") / ".." / "i"
    with service_of(dotted) as service, serving(service) as running:
        ingest = service.index.ingest

        def stopped_late(*arguments):
            ingest(*arguments)
            raise CancelledError

        service.index.ingest = stopped_late
        cancel = running.app.state.here.uploads.cancel
        submit = service.jobs.submit
        service.jobs.submit = lambda job: (cancel(job), submit(job))[1]
        assert ended(running, running.post("/v1/documents", files=files(("w.pdf", WHALES))))["state"] == "cancelled"
        until(lambda: kept(running) == ["w.pdf"])
        (document,) = running.get("/v1/documents", params={"q": "w.pdf"}).json()["documents"]
        assert running.get(document["file_url"]).status_code == 200


def test_uploads_move_with_their_index(indexed, tmp_path):
    with service_of(copy_index(indexed, tmp_path / "a")) as service, serving(service) as running:
        ended(running, running.post("/v1/documents", files=files(("w.pdf", WHALES), ("o.pdf", OWLS))))
    (tmp_path / "a").rename(tmp_path / "b")
    (tmp_path / "b" / FOLDER / "o.pdf").write_bytes(WHALES)
    with service_of(tmp_path / "b") as service, serving(service) as running:
        (whales,) = running.get("/v1/documents", params={"q": "w.pdf"}).json()["documents"]
        (owls,) = running.get("/v1/documents", params={"q": "o.pdf"}).json()["documents"]
        assert whales["uploaded"]
        assert running.get(whales["file_url"]).content == WHALES
        assert running.get(whales["thumbnail_url"]).status_code == 200
        assert_problem(running.get(owls["file_url"]), 410)
        for row in (whales, owls):
            assert ended(running, running.delete(row["url"]))["state"] == "done"
        assert kept(running) == ["o.pdf"]  # which is not what was indexed


def test_a_copy_that_came_meanwhile_goes_with_its_document(writer):
    ended(writer, writer.post("/v1/documents", files=files(("a.pdf", WHALES))))
    (row,) = writer.get("/v1/documents", params={"q": "a.pdf"}).json()["documents"]
    document = writer.service.index.documents.get(row["id"])
    ended(writer, writer.post("/v1/documents", files=files(("b.pdf", WHALES))))
    until(lambda: kept(writer) == ["a.pdf", "b.pdf"])
    assert writer.app.state.here.uploads.remove(document).ended(60).state == "done"
    assert kept(writer) == []


def test_no_file_gets_the_name_of_one_whose_job_is_not_followed_up(writer, monkeypatch):
    """Else a file that has just come is taken for one that could not be read, and removed."""
    go_on, afterwards = threading.Event(), uploads_module._afterwards
    late = lambda job, then: afterwards(job, lambda status: go_on.wait(30) and then(status))  # noqa: E731
    monkeypatch.setattr(uploads_module, "_afterwards", late)
    ended(writer, writer.post("/v1/documents", files=files(("a.pdf", WHALES))))
    (row,) = writer.get("/v1/documents", params={"q": "a.pdf"}).json()["documents"]
    ended(writer, writer.delete(row["url"]))
    ended(writer, writer.post("/v1/documents", files=files(("a.pdf", OWLS))))
    go_on.set()
    until(lambda: kept(writer) == ["a (2).pdf"])


def test_a_file_that_cannot_be_read_is_not_kept_and_its_failure_is_told(writer):
    broken = ("broken.pdf", b"%PDF-1.7 and no more")
    for _ in range(2):
        job = ended(writer, writer.post("/v1/documents", files=files(broken, ("whales.pdf", WHALES))))
        assert job["state"] == "done"
        until(lambda: not any(name.startswith((".accepted", "broken")) for name in kept(writer)))
        (failure,) = writer.get("/v1/failures").json()["failures"]
        assert failure["path"].endswith("broken.pdf")
    assert kept(writer) == ["whales (2).pdf", "whales.pdf"]


def test_a_folder_with_files_of_ones_own_is_not_taken_for_uploads(reader, tmp_path):
    """They would be removed with their documents."""
    (tmp_path / "mine.pdf").write_bytes(OWLS)
    for folder in (tmp_path, tmp_path / "mine.pdf"):
        with pytest.raises(UsageError, match="is for uploads"):
            make_app(reader.service, Guard(), uploads=folder)


def test_a_service_that_is_read_only_takes_nothing(indexed, tmp_path):
    with service_of(copy_index(indexed, tmp_path / "i"), read_only=True) as service, serving(service) as running:
        document = running.get("/v1/documents").json()["documents"][0]
        facts = running.get("/v1/index").json()
        nothing = {"max_files": 0, "max_bytes": 0, "max_total_bytes": 0, "printed": []}
        assert (facts["read_only"], facts["uploads"]) == (True, nothing)
        assert_problem(running.post("/v1/documents", files=files(("a.pdf", WHALES))), 403, "read only")
        assert_problem(running.patch(document["url"], json={"metadata": {"a": 1}}), 403)
        assert_problem(running.delete(document["url"]), 403)
        assert running.get("/v1/jobs").json()["jobs"] == []


@pytest.mark.skipif(os.name != "posix", reason="needs a disk that can be made to look full")
def test_a_full_disk_is_a_sentence(reader, monkeypatch):
    full = shutil_usage(reader)._replace(free=100)
    monkeypatch.setattr(uploads_module.shutil, "disk_usage", lambda _: full)
    assert_problem(reader.post("/v1/documents", files=files(("a.pdf", WHALES))), 507, "room")


def shutil_usage(running):
    return uploads_module.shutil.disk_usage(running.service.index.path)


@pytest.mark.parametrize(
    ("sent", "kind", "name"),
    [
        ("report.pdf", "pdf", "report.pdf"),
        ("../../etc/passwd", "pdf", "passwd.pdf"),
        ("C:\\docs\\Jahresbericht März.PDF", "pdf", "Jahresbericht März.pdf"),
        (".hidden.pdf", "pdf", "hidden.pdf"),
        ("", "pdf", "document.pdf"),
        ("...", "png", "document.png"),
        (".pdf", "pdf", "pdf.pdf"),
        ("scan.png", "jpeg", "scan.png.jpg"),
        ("scan.jpeg", "jpeg", "scan.jpeg"),
        ("a\0b\n\u202ec.pdf", "pdf", "a_b_c.pdf"),
        ("a/b/", "pdf", "document.pdf"),
        ("x" * 500 + ".pdf", "pdf", "x" * 116 + ".pdf"),
        ("年" * 500 + ".pdf", "pdf", "年" * 66 + ".pdf"),
        ('a<b>:"|?*c.webp', "webp", "a_b_c.webp"),
        ("हिन्दी – 5 €.pdf", "pdf", "हिन्दी – 5 €.pdf"),
        ("ราคา’s “a” №1 ½…!.pdf", "pdf", "ราคา’s “a” №1 ½…!.pdf"),
        ("a\u2066b\u2028\x85c\ue000d\udc80e.pdf", "pdf", "a_b_c_d_e.pdf"),
    ],
)
def test_a_name_is_never_a_path(sent, kind, name):
    assert clean_name(sent, kind) == name


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"%PDF-1.7", "pdf"),
        (b"\n\n%PDF-1.7", "pdf"),
        (b"\0" * 2000 + b"%PDF-", None),
        (b"\x89PNG\r\n\x1a\n", "png"),
        (b"\xff\xd8\xff\xe0", "jpeg"),
        (b"II*\0", "tiff"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "webp"),
        (b"RIFF\0\0\0\0WAVE", None),
        (b"GIF89a", None),
        (b"%!PS-Adobe", None),
        (b"", None),
    ],
)
def test_a_file_is_what_its_bytes_say(head, kind):
    assert kind_of_file(head) == kind


@pytest.mark.parametrize(
    ("name", "head", "kind"),
    [
        ("a.docx", b"PK\x03\x04", "docx"),
        ("A.XLSX", b"\xd0\xcf\x11\xe0", "xlsx"),
        ("a.docx", b"MZ", None),
        ("a.rtf", b"{\\rtf1", "rtf"),
        ("a.zip", b"PK\x03\x04", None),
        ("a.md", b"# Head", "md"),
        ("a.txt", b"\xff\xfea\0", "txt"),
        ("a.txt", b"a\0b", None),
        ("html", b"<p>", None),
    ],
)
def test_a_file_that_is_printed_is_what_its_name_says_and_its_bytes_do_not_deny(monkeypatch, name, head, kind):
    monkeypatch.setattr(upload_names, "find_libreoffice", lambda: "soffice")
    assert kind_of_printed(name, head) == kind
    assert kind is None or clean_name(name, kind) == f"{name[0]}.{kind}"
    monkeypatch.setattr(upload_names, "find_libreoffice", lambda: None)
    assert kind_of_printed(name, head) is None


@needs_libreoffice
def test_an_office_file_is_printed_and_indexed(writer, tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER_ENV, str(tmp_path / "prints"))
    assert ".docx" in writer.get("/v1/index").json()["uploads"]["printed"]
    sent = write_docx(tmp_path / "minutes.docx", ["Turbine seven was repaired."]).read_bytes()
    answer = writer.post("/v1/documents", files=files(("minutes.docx", sent)))
    assert ended(writer, answer)["result"]["added"] == 1
    until(lambda: kept(writer) == ["minutes.docx"])


def test_an_album_is_known_by_its_name_and_its_first_bytes(writer, tmp_path):
    picture = io.BytesIO()
    Image.new("RGB", (60, 80), "white").save(picture, "PNG")
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("1.png", picture.getvalue())
        archive.writestr("2.png", picture.getvalue())
    job = ended(writer, writer.post("/v1/documents", files=files(("book.cbz", data.getvalue()))))
    assert job["state"] == "done"
    (row,) = [row for row in writer.get("/v1/documents").json()["documents"] if row["doc"] == "book.cbz"]
    assert row["pages"] == 2
    given = writer.get(f"/v1/documents/{row['id']}/file")
    assert given.content == data.getvalue()
    assert given.headers["content-disposition"].startswith("attachment")
    for name, sent in (("book.cbz", b"Rar!"), ("book.zip", data.getvalue())):
        assert writer.post("/v1/documents", files=files((name, sent))).status_code == 415
