"""Office files in an index: their pages are found, drawn and given out; without LibreOffice the others are indexed."""

import pytest

from tests.conftest import ANIMALS
from tests.pdfs import write_pdf
from tests.printing.office_files import attach, locked_docx, mail, needs_libreoffice, write_docx
from tests.serve.http.running import service_of, serving
from vrag import Index
from vrag.printing.printed import FOLDER_ENV

BARE_PATH = {"PATH": "/nonexistent"}


@pytest.fixture(autouse=True)
def prints(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER_ENV, str(tmp_path / "prints"))


@needs_libreoffice
def test_office_files_are_indexed_found_drawn_changed_and_removed(cli, tmp_path):
    folder = tmp_path / "d"
    folder.mkdir()
    report = write_docx(folder / "report.docx", ["Minutes of the board.", "Turbine seven was repaired."], "The minutes")
    letter = mail("See the letter.")
    attach(letter, "letter.txt", b"The valve in Rotterdam leaks.")
    (folder / "valve.eml").write_bytes(letter.as_bytes())
    locked_docx(folder / "locked.docx")
    write_pdf(folder / "animals.pdf", ANIMALS)
    done = cli("ingest", "d", "--json")
    assert done.code == 1
    assert (done.json["documents"], done.json["added"], done.json["left_out"]) == (3, 3 + 2 + 2, {})
    assert [(failed["path"], failed["reason"]) for failed in done.json["failed"]] == [
        (str(folder / "locked.docx"), "The file is encrypted and needs a password.")
    ]
    (hit,) = cli("search", "turbine repaired", "-k", "1", "--json", "--image-dir", "pages").json["hits"]
    assert (hit["doc"], hit["page"], hit["path"]) == ("report.docx", 2, str(report))
    assert [file.suffix for file in (tmp_path / "pages").iterdir()] == [".png"]
    (hit,) = cli("search", "valve leaks", "-k", "1", "--json").json["hits"]
    assert (hit["doc"], hit["page"]) == ("valve.eml", 2)
    listed = {row["doc"]: row["meta"] for row in cli("ls", "--json").json}
    assert listed["report.docx"] == {"title": "The minutes", "author": "Ann"}  # and no date: a print is of today
    assert listed["valve.eml"]["title"] == "Pump"
    (folder / "locked.docx").unlink()
    again = cli("ingest", "d", "--json")
    assert (again.code, again.json["added"], again.json["unchanged"]) == (0, 0, 7)
    write_docx(report, ["Turbine eight was sold."])
    (folder / "valve.eml").unlink()
    changed = cli("ingest", "d", "--prune", "--yes", "--json").json
    assert (changed["added"], changed["unchanged"], changed["removed"]) == (1, 3, 1)
    assert {row["doc"]: row["pages"] for row in cli("ls", "--json").json} == {"animals.pdf": 3, "report.docx": 1}
    assert cli("verify").code == 0


def test_without_libreoffice_the_others_are_indexed_and_it_is_said(cli, tmp_path):
    folder = tmp_path / "d"
    write_pdf(folder / "animals.pdf", ANIMALS[:1])
    for name in ("a.docx", "b.docx", "c.txt"):
        (folder / name).write_text("x")
    done = cli("ingest", "d", "--json", env=BARE_PATH)
    assert (done.code, done.json["added"], done.json["left_out"]) == (0, 1, {"docx": 2, "txt": 1})
    (line,) = [line for line in done.err.splitlines() if "Left out" in line]
    assert line.startswith(
        "Left out: 2 docx, 1 txt: LibreOffice, which prints such files, is not installed. Install it:"
    )
    named = cli("ingest", "d/a.docx", env=BARE_PATH)
    assert named.code == 2
    assert "is printed by LibreOffice, which is not installed" in named.err


@needs_libreoffice
def test_a_service_gives_the_file_itself_and_pictures_of_its_pages(tmp_path):
    file = write_docx(tmp_path / "report.docx", ["Minutes.", "Turbine seven."])
    page = tmp_path / "page.html"
    page.write_text("<script>alert(1)</script>Words")
    with Index.create(tmp_path / "index") as index:
        assert index.ingest([file, page]).added == 3
    with service_of(tmp_path / "index") as service, serving(service) as running:
        rows = {row["doc"]: row for row in running.get("/v1/documents").json()["documents"]}
        for original in (file, page):
            given = running.get(rows[original.name]["file_url"])
            assert given.content == original.read_bytes()
            assert (
                given.headers["content-type"] == "application/octet-stream"
            )  # a browser keeps it, and runs none of it
            assert given.headers["content-disposition"].startswith("attachment;")
        picture = running.get(f"/v1/documents/{rows['report.docx']['id']}/pages/2/image")
        assert (picture.status_code, picture.headers["content-type"]) == (200, "image/webp")
