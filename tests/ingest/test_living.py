"""An index that lives: files change, move, break and go, and threads search all the while."""

import gzip
import json
import os
import shutil
import sys
import threading

import numpy as np
import pytest

from tests.conftest import ANIMALS, MACHINES
from tests.pdfs import write_pdf
from vrag import Index
from vrag.catalog.documents import REPLACING
from vrag.embedders.protocol import PageVectors
from vrag.errors import StoreError, UsageError
from vrag.ingest.ingest_options import IngestOptions
from vrag.ingest.metadata_files import given
from vrag.pages.workers import PageWorkers
from vrag.upkeep.snapshot import create_snapshot

OLD = [f"{text}\nfirst edition" for text in ANIMALS]
NEW = [f"{text}\nsecond edition" for text in (*ANIMALS, *MACHINES)] * 4


@pytest.fixture
def index(tmp_path):
    with Index.create(tmp_path / "index") as index:
        yield index


def ingest(index, *paths, **options):
    return index.ingest(paths, workers=1, options=IngestOptions(**options))


def settle(folder):
    """Make files look as if they were written a while ago: only then is their time of change to be trusted."""
    for file in folder.rglob("*.pdf"):
        os.utime(file, (1_700_000_000, 1_700_000_000))


def forbid_hashing(monkeypatch):
    def refuse(path):
        raise AssertionError(f"{path} is hashed")

    monkeypatch.setattr("vrag.ingest.sources.file_digest", refuse)


def test_a_search_sees_all_of_the_old_or_all_of_the_new(index, tmp_path):
    file = write_pdf(tmp_path / "d" / "a.pdf", OLD)
    ingest(index, file)
    seen, stop = [], threading.Event()

    def read():
        while not stop.is_set():
            hits = index.search("edition of the animals", k=50, cascade="exact")
            seen.append((len(hits), {hit.doc for hit in hits}, {hit.path for hit in hits}))

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for pages in (NEW, OLD, NEW):
        write_pdf(file, pages)
        report = ingest(index, file)
        assert (report.added, report.failed) == (len(pages), [])
    stop.set()
    for reader in readers:
        reader.join()
    assert {count for count, _, _ in seen} <= {len(OLD), len(NEW)}
    assert len(seen) > 10
    assert all(docs == {"a.pdf"} and paths == {str(file)} for _, docs, paths in seen)
    assert len(index.documents.all()) == 1
    assert index.verify() == []


def test_an_exchange_that_was_interrupted_is_finished_when_the_index_is_opened(tmp_path, monkeypatch):
    file = write_pdf(tmp_path / "d" / "a.pdf", OLD)
    with Index.create(tmp_path / "i") as index:
        ingest(index, file)
        write_pdf(file, MACHINES)
        monkeypatch.setattr("vrag.catalog.replacing._finish", lambda *_: None)  # dies right after it has begun
        ingest(index, file)
        assert [d.pages for d in index.documents.in_state(REPLACING)] == [2]
        assert index.page_count == 3
    monkeypatch.undo()
    with Index.open(tmp_path / "i") as index:
        assert [(d.pages, d.state, d.complete) for d in index.documents.all()] == [(2, "current", True)]
        assert index.page_count == 2
        assert index.verify() == []


def test_a_file_that_looks_the_same_is_not_even_hashed(index, tmp_path, monkeypatch):
    write_pdf(tmp_path / "d" / "a.pdf", OLD)
    settle(tmp_path / "d")
    ingest(index, tmp_path / "d")
    forbid_hashing(monkeypatch)
    assert ingest(index, tmp_path / "d").unchanged == 3
    with pytest.raises(AssertionError, match="is hashed"):
        ingest(index, tmp_path / "d", check=True)


def test_check_finds_what_time_and_size_hide(index, tmp_path):
    file = write_pdf(tmp_path / "d" / "a.pdf", ["one leopard"])
    settle(tmp_path / "d")
    ingest(index, file)
    write_pdf(file, ["two leopard"])
    settle(tmp_path / "d")
    assert ingest(index, file).added == 0
    assert ingest(index, file, check=True).added == 1
    assert "two" in index.snippet("leopard", index.search("leopard")[0])


def test_a_fresh_file_is_hashed_again_because_its_time_proves_nothing(index, tmp_path):
    file = write_pdf(tmp_path / "d" / "a.pdf", ["one leopard"])
    ingest(index, file)
    times = file.stat()
    write_pdf(file, ["two leopard"])
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert ingest(index, file).added == 1


def test_a_renamed_file_is_linked_and_keeps_its_pages(index, tmp_path):
    file = write_pdf(tmp_path / "d" / "a.pdf", OLD)
    ingest(index, file)
    file.rename(tmp_path / "d" / "b.pdf")
    report = ingest(index, tmp_path / "d")
    assert (report.added, report.unchanged) == (0, 3)
    assert {hit.doc for hit in index.search("leopard")} == {"b.pdf"}
    assert [document.paths for document in index.documents.all()] == [(str(tmp_path / "d" / "b.pdf"),)]


def test_two_files_that_swap_their_contents_only_swap_their_names(index, tmp_path):
    a, b = write_pdf(tmp_path / "d" / "a.pdf", OLD), write_pdf(tmp_path / "d" / "b.pdf", MACHINES)
    ingest(index, tmp_path / "d")
    a.rename(tmp_path / "d" / "c")
    b.rename(a)
    (tmp_path / "d" / "c").rename(b)
    assert ingest(index, tmp_path / "d").added == 0
    assert index.search("oil filter")[0].doc == "a.pdf"
    assert index.search("leopard")[0].doc == "b.pdf"
    assert index.verify() == []


def test_what_is_gone_is_found_and_forgotten(index, tmp_path):
    a, b = write_pdf(tmp_path / "d" / "a.pdf", OLD), write_pdf(tmp_path / "d" / "b.pdf", MACHINES)
    shutil.copy(a, tmp_path / "d" / "copy.pdf")
    outside = write_pdf(tmp_path / "e" / "c.pdf", ["outside"])
    ingest(index, tmp_path / "d", tmp_path / "e")
    for file in (a, b, outside):
        file.unlink()
    gone = index.gone([tmp_path / "d"])
    assert {(one.path, one.is_last) for one in gone} == {(str(a), False), (str(b), True)}
    assert index.forget(gone) == 1
    assert index.page_count == 4
    assert {hit.doc for hit in index.search("leopard")} == {"copy.pdf", "c.pdf"}
    assert index.gone([tmp_path / "d"]) == []


@pytest.mark.skipif(sys.platform != "linux", reason="other file systems refuse such names")
def test_a_name_of_any_bytes_is_a_document(index, tmp_path):
    name = os.fsdecode(b"caf\xe9.pdf")
    file = write_pdf(tmp_path / "d" / name, OLD)
    assert ingest(index, tmp_path / "d").added == 3
    assert index.search("leopard", where=f"doc={name}")[0].path == str(file)
    assert ingest(index, tmp_path / "d").unchanged == 3
    file.unlink()
    assert index.forget(index.gone([tmp_path / "d"])) == 1


def test_a_file_that_changes_while_it_is_read_is_not_mixed_up(index, tmp_path, monkeypatch):
    file = write_pdf(tmp_path / "d" / "a.pdf", NEW)
    embed = type(index.embedder).embed_pages
    batches = []

    def embed_and_change(embedder, pages):
        batches.append([page.number for page in pages])
        if len(batches) == 1:
            write_pdf(file, OLD)
        return embed(embedder, pages)

    monkeypatch.setattr(type(index.embedder), "embed_pages", embed_and_change)
    report = ingest(index, file)
    assert report.failed[0].reason == "The file changed while it was read."
    assert batches == [list(range(1, 9))]
    monkeypatch.undo()
    assert ingest(index, file).added == 3
    assert index.page_count == 3
    assert index.failures() == []
    assert index.verify() == []


def test_a_file_that_vanishes_while_it_is_read_is_a_failure(index, tmp_path, monkeypatch):
    file = write_pdf(tmp_path / "d" / "a.pdf", OLD)
    write_pdf(tmp_path / "d" / "b.pdf", MACHINES)
    task = PageWorkers.inspect

    def vanish(workers, path):
        if path == file:
            file.unlink()
        return task(workers, path)

    monkeypatch.setattr(PageWorkers, "inspect", vanish)
    report = ingest(index, tmp_path / "d")
    assert [failure.path for failure in report.failed] == [str(file)]
    assert "not there any more" in report.failed[0].reason
    assert report.added == 2


def test_copies_that_cannot_be_read_are_each_named_once(index, tmp_path):
    for name in ("a.pdf", "b.pdf"):
        write_pdf(tmp_path / "d" / name, OLD).write_bytes(b"")
    told = [(failure.path, failure.reason) for failure in ingest(index, tmp_path / "d").failed]
    assert told == [(str(tmp_path / "d" / name), "The file is empty (0 bytes).") for name in ("a.pdf", "b.pdf")]


def test_failures_are_remembered_counted_and_cleared(index, tmp_path):
    bad = tmp_path / "d" / "bad.pdf"
    bad.parent.mkdir()
    bad.write_bytes(b"%PDF-1.4 nothing")
    assert ingest(index, bad).failed[0].times == 1
    again = ingest(index, bad)
    assert [(f.path, f.page, f.times) for f in again.failed] == [(str(bad), None, 1)]
    assert ingest(index, bad, retry=True).failed[0].times == 2
    (failure,) = index.failures()
    assert failure.reason == "The PDF is cut off: its end is missing."
    assert failure.hint
    write_pdf(bad, OLD)
    assert ingest(index, bad).added == 3
    assert index.failures() == []


def test_a_page_that_cannot_be_embedded_stays_on_the_list_until_it_can(index, tmp_path, monkeypatch):
    file = write_pdf(tmp_path / "d" / "a.pdf", NEW)
    embed = type(index.embedder).embed_pages

    def fail_on(number, outcome):
        def embed_some(embedder, pages):
            if outcome == "raises" and any(page.number == number for page in pages):
                raise RuntimeError("no memory for this one")
            vectors = embed(embedder, pages)
            return [
                PageVectors(np.full_like(v.full, np.nan), v.grid) if page.number == number else v
                for page, v in zip(pages, vectors, strict=True)
            ]

        return embed_some

    monkeypatch.setattr(type(index.embedder), "embed_pages", fail_on(3, "raises"))
    report = ingest(index, file)
    assert report.added == len(NEW) - 1
    assert [(f.page, f.reason) for f in report.failed] == [(3, "The model cannot embed it: no memory for this one")]
    assert index.verify() == []
    assert [(f.page, f.times) for f in ingest(index, file).failed] == [(3, 1)]
    monkeypatch.setattr(type(index.embedder), "embed_pages", fail_on(3, "nan"))
    assert [(f.page, f.times) for f in ingest(index, file, retry=True).failed] == [(3, 2)]
    assert "not finite" in index.failures()[0].reason
    monkeypatch.undo()
    report = ingest(index, file, retry=True)
    assert (report.added, report.unchanged, report.failed) == (1, len(NEW) - 1, [])
    assert index.failures() == []


def test_a_model_that_fails_on_everything_ends_the_run(index, tmp_path, monkeypatch):
    def fail(embedder, pages):
        raise RuntimeError("the device is lost")

    monkeypatch.setattr(type(index.embedder), "embed_pages", fail)
    with pytest.raises(RuntimeError, match="the device is lost"):
        ingest(index, write_pdf(tmp_path / "d" / "a.pdf", NEW * 3))


def test_metadata_comes_from_the_file_the_sidecar_and_the_user(index, tmp_path):
    file = write_pdf(tmp_path / "d" / "a.pdf", OLD)
    write_pdf(tmp_path / "d" / "b.pdf", MACHINES)
    (tmp_path / "d" / "a.pdf.json").write_text('{"year": 2023, "author": "Jones"}')
    (tmp_path / "m.csv").write_text("file,year\na.pdf,2024\nb.pdf,2020\n")
    ingest(index, tmp_path / "d", given=given(["project=alpha"], tmp_path / "m.csv"))
    assert {hit.doc for hit in index.search("x", where="year >= 2024")} == {"a.pdf"}
    assert len(index.search("x", where=["project=alpha", "author=Jones"])) == 3
    report = ingest(index, file, given=given(["year=1999", "project="]))
    assert (report.added, report.unchanged) == (0, 3)
    assert {hit.doc for hit in index.search("x", where="year < 2000")} == {"a.pdf"}
    assert index.search("x", where="project=alpha and author=Jones") == []
    assert len(index.search("x", where="year=2020")) == 2
    (tmp_path / "d" / "a.pdf.json").unlink()
    ingest(index, file)
    assert index.find_documents(where=["author=Jones"]) == []
    assert index.verify() == []


def test_metadata_of_the_wrong_type_is_refused_or_reported(index, tmp_path):
    file = write_pdf(tmp_path / "d" / "a.pdf", OLD)
    ingest(index, file, given=given(["year=2024"]))
    with pytest.raises(UsageError, match="year is a number"):
        ingest(index, file, given=given(["year=last"]))
    (tmp_path / "d" / "a.pdf.json").write_text('{"year": "soon"}')
    report = ingest(index, file)
    assert "year is a number" in report.failed[0].reason
    (tmp_path / "d" / "a.pdf.json").write_text("[]")
    assert "a.pdf.json" in ingest(index, file).failed[0].path + ingest(index, file).failed[0].reason
    assert len(index.search("x", where="year=2024")) == 3


def test_removed_documents_are_gone_at_once(index, tmp_path):
    write_pdf(tmp_path / "d" / "a.pdf", OLD)
    write_pdf(tmp_path / "d" / "b.pdf", MACHINES)
    ingest(index, tmp_path / "d")
    index.remove(index.find_documents(["a.pdf"]))
    assert index.page_count == 2
    assert {hit.doc for hit in index.search("leopard")} == {"b.pdf"}
    with pytest.raises(UsageError, match="No document called"):
        index.find_documents(["a.pdf"])
    assert ingest(index, tmp_path / "d").added == 3


def test_an_index_knows_who_has_it(tmp_path):
    with Index.create(tmp_path / "i"), pytest.raises(StoreError, match="already in this process"):
        Index.open(tmp_path / "i")
    Index.open(tmp_path / "i").close()


def test_a_folder_that_cannot_be_listed_is_reported(index, tmp_path, monkeypatch):
    write_pdf(tmp_path / "d" / "a.pdf", OLD)
    write_pdf(tmp_path / "d" / "closed" / "b.pdf", OLD)
    listing = os.scandir

    def refuse(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return listing(path)

    monkeypatch.setattr(os, "scandir", refuse)
    report = ingest(index, tmp_path / "d")
    assert report.added == 3
    assert [(f.path, f.reason) for f in report.failed] == [
        (str(tmp_path / "d" / "closed"), "The folder cannot be listed: Permission denied.")
    ]


def test_a_hundred_thousand_files_are_looked_at_once(index, tmp_path, monkeypatch):
    folder = tmp_path / "d"
    first = write_pdf(folder / "0.pdf", OLD)
    for number in range(1, 2_000):
        os.link(first, folder / f"{number}.pdf")
    for number in range(98_000):
        (folder / f"{number}.log").touch()
    settle(folder)
    written, put = [], type(index.documents).put
    monkeypatch.setattr(type(index.documents), "put", lambda self, d: written.append(d) or put(self, d))
    report = ingest(index, folder)
    assert (report.documents, report.copies, report.added, report.failed) == (1, 1_999, 3, [])
    assert len(written) == 2
    forbid_hashing(monkeypatch)
    again = ingest(index, folder)
    assert (again.documents, again.copies, again.unchanged, again.added) == (1, 1_999, 3, 0)
    assert len(written) == 2


def test_an_index_from_before_has_documents_without_metadata(index, tmp_path):
    file = write_pdf(tmp_path / "d" / "a.pdf", OLD)
    ingest(index, file)
    (document,) = index.documents.all()
    record = document.to_record()
    for key in ("state", "stamps", "layers", "meta", "added"):
        del record.payload[key]
    index.stored.store.upsert([record])
    assert ingest(index, file).unchanged == 3
    assert json.dumps(index.documents.all()[0].stamps)
    assert index.verify() == []


def test_no_file_has_a_word_of_a_document_that_was_removed_before_compacting(tmp_path):
    secrets = [b"quetzalcoatlus", b"Quetzalcoatlus", b"hush-hush.pdf"]
    write_pdf(tmp_path / "d" / "hush-hush.pdf", ["Quetzalcoatlus northropi flew\nover the plains.", "It was tall."])
    write_pdf(tmp_path / "d" / "animals.pdf", ANIMALS)

    def found():
        data = [file.read_bytes() for file in (tmp_path / "i").rglob("*") if file.is_file()]
        return {secret for secret in secrets for content in data if secret in content}

    with Index.create(tmp_path / "i") as index:
        ingest(index, tmp_path / "d")
        index.search("what flew over the plains", cascade="best")
        assert found() == set(secrets)
        index.remove(index.find_documents(["hush-hush.pdf"]))
        index.compact()
        assert len(index.stored.store.bits._contents) == 3
        assert index.search("honey bees")[0].page == 3
        assert index.verify() == []
    assert found() == set()
    create_snapshot(tmp_path / "i", tmp_path / "s.tar.gz")
    content = gzip.decompress((tmp_path / "s.tar.gz").read_bytes())
    assert not any(secret in content for secret in secrets)
    assert b"animals.pdf" in content
