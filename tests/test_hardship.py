"""Full disks, folders that may not be written, encrypted files: real ones, where the system lets tests make them."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.adversarial.rawpdf import plain
from tests.conftest import ANIMALS, MACHINES, copy_index
from tests.pages.builder import Sheet, make_pdf, picture, text, text_picture
from tests.pdfs import write_pdf
from vrag import Index
from vrag.errors import PageError, StoreError
from vrag.ingest.ingest_options import IngestOptions
from vrag.pages.load import PageLoader
from vrag.pages.page import PageSpec
from vrag.pages.workers import PageWorkers
from vrag.store.edge.edge import EdgeStore

root_only = pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root may mount")
MB = 1 << 20


@pytest.fixture
def mounted(tmp_path):
    """Mounts a file system of so many MB, or with other options; skips where that is not allowed."""
    places = []

    def mount(*options):
        place = tmp_path / f"mounted-{len(places)}"
        place.mkdir()
        done = subprocess.run(["mount", *options, str(place)], capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"cannot mount: {done.stderr.strip()}")
        places.append(place)
        return place

    yield mount
    for place in places:
        subprocess.run(["umount", "-l", str(place)], check=True)


@root_only
def test_a_full_disk_is_one_sentence_and_the_run_goes_on_once_there_is_room(cli, mounted, tmp_path):
    disk = mounted("-t", "tmpfs", "-o", "size=400m", "tmpfs")
    write_pdf(tmp_path / "d" / "a.pdf", ANIMALS)
    assert cli("ingest", "d", "--index", disk / "i", "--workers", 1, "--pipeline", "plain").code == 0
    (disk / "ballast").write_bytes(b"x" * (350 * MB))
    write_pdf(tmp_path / "d" / "b.pdf", MACHINES)
    done = cli("ingest", "d", "--index", disk / "i", "--workers", 1)
    assert done.code == 1
    assert "The disk is full" in done.err
    assert "Free some space and run the same command again." in done.err
    assert "The disk is full" in cli("search", "penguin", "--index", disk / "i").err
    (disk / "ballast").unlink()
    assert cli("ingest", "d", "--index", disk / "i", "--workers", 1, "--json").json["added"] == 2
    assert cli("verify", "--index", disk / "i").code == 0


@pytest.fixture
def small_disk(mounted, tmp_path):
    """A file system as disks have them, of 300 MB."""
    with (tmp_path / "disk").open("wb") as file:
        file.truncate(300 * MB)
    if shutil.which("mkfs.ext4") is None:
        pytest.skip("there is no mkfs.ext4")
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", str(tmp_path / "disk")], check=True)
    return mounted("-o", "loop", str(tmp_path / "disk"))


def leave(disk, free):
    """Fill a disk until no more than so many bytes are free."""
    with (disk / "ballast").open("ab") as file:
        for step in (MB, 4096):
            while shutil.disk_usage(disk).free >= free + step:
                os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), step)


@root_only
def test_reading_and_removing_go_on_where_nothing_can_be_added(small_disk, indexed, tmp_path):
    copy = copy_index(indexed, small_disk / "i")
    write_pdf(tmp_path / "more.pdf", ["Glaciers carve valleys"])
    leave(small_disk, 20 * MB)
    with Index.open(copy) as index:
        assert len(index.search("penguins on ice")) == 5
        with pytest.raises(StoreError, match="The disk is full"):
            index.ingest([tmp_path / "more.pdf"], workers=1)
        index.remove(index.find_documents(["machines.pdf"]))
        assert len(index.search("penguins on ice")) == 3
    (small_disk / "ballast").unlink()
    with Index.open(copy) as index:
        assert index.page_count == 3
        assert index.ingest([tmp_path / "more.pdf"], workers=1).added == 1


@root_only
def test_a_disk_that_another_program_fills_during_an_ingest_ends_it_in_one_sentence(small_disk, tmp_path, monkeypatch):
    """Another program fills it between two batches: what was acknowledged stays, and the next run goes on there."""
    write_pdf(tmp_path / "d" / "a.pdf", [f"Page {number} of the pump manual" for number in range(24)])
    upsert, written = EdgeStore.upsert, []

    def and_fill(self, records):
        upsert(self, records)
        written.extend(record for record in records if record.vectors)
        if len(written) == 8:
            leave(small_disk, 4 * MB)

    with Index.create(small_disk / "i") as index:
        monkeypatch.setattr(EdgeStore, "upsert", and_fill)
        with pytest.raises(StoreError, match="The disk is full"):
            index.ingest([tmp_path / "d"], workers=1)
        monkeypatch.undo()
        assert len(index.search("pump")) == 8
    (small_disk / "ballast").unlink()
    with Index.open(small_disk / "i") as index:
        assert index.page_count == 8
        assert index.ingest([tmp_path / "d"], workers=1).added == 16
        assert index.verify() == []


@root_only
def test_an_index_that_may_not_be_written_is_one_sentence(cli, mounted, indexed):
    place = mounted("--bind", str(indexed))
    subprocess.run(["mount", "-o", "remount,ro,bind", str(place)], check=True)
    for arguments in (["search", "krill"], ["ls"], ["verify"]):
        done = cli(*arguments, "--index", place)
        assert done.code == 1
        assert "The index may not be written" in done.err
        assert "copy the index" in done.err


def encrypted(folder):
    folder.mkdir(exist_ok=True)
    (folder / "secret.pdf").write_bytes(plain("locked words").build(b"hunter2"))
    return folder


def test_an_encrypted_pdf_waits_for_its_password(tmp_path):
    folder = encrypted(tmp_path / "d")
    with Index.create(tmp_path / "i") as index:
        (failure,) = index.ingest([folder], workers=1).failed
        assert "needs a password" in failure.reason
        assert "--password" in failure.hint
        (failure,) = index.ingest([folder], workers=1, options=IngestOptions(passwords=("wrong",))).failed
        assert "none of the passwords given opens it" in failure.reason
        assert failure.times == 2
        report = index.ingest([folder], workers=1, options=IngestOptions(passwords=("wrong", "hunter2")))
        assert (report.added, report.failed, index.failures()) == (1, [], [])
        with pytest.raises(PageError, match="needs a password"):
            index.page_image("secret.pdf", 1)


def test_passwords_come_from_the_environment_and_are_kept_nowhere(cli, tmp_path):
    encrypted(tmp_path / "d")
    for variable, value in (("VRAG_PASSWORD", "hunter2"), ("VRAG_PASSWORDS", "wrong\nhunter2\n")):
        done = cli("ingest", "d", "--index", variable, "--workers", 1, env={variable: value})
        assert done.code == 0, done.err
    done = cli("search", "locked", "--index", variable, "--image-dir", "hits", env={"VRAG_PASSWORD": "hunter2"})
    assert done.code == 0
    assert len(list((tmp_path / "hits").iterdir())) == 1
    assert cli("ingest", "d", "--index", "option", "--password", "hunter2", "--workers", 1).code == 0
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or b"hunter2" not in file.read_bytes()
    assert "hunter2" not in repr(PageSpec(passwords=("hunter2",))) + repr(IngestOptions(passwords=("hunter2",)))


@pytest.mark.parametrize(("mode", "sources"), [("never", {"layer": 1}), ("always", {"ocr": 2, "layer": 1})])
def test_ocr_is_chosen_when_the_index_is_made(cli, tmp_path, mode, sources):
    (tmp_path / "d").mkdir()
    scan = text_picture(["Only pixels here"])
    make_pdf(tmp_path / "d" / "a.pdf", [Sheet(text("typed")), Sheet(picture(50, 400, 450, 200))], scan)
    assert cli("ingest", "d", "--index", "i", "--ocr", mode, "--workers", 1).code == 0
    for source, page in sources.items():
        done = cli("search", "x", "--index", "i", "--where", f"source={source}", "--json")
        assert [hit["page"] for hit in done.json["hits"]] == [page]
    other = cli("ingest", "d", "--index", "i", "--ocr", "auto")
    assert other.code == 1
    assert f"was made with ocr {mode}, not auto" in other.err


def test_a_language_without_a_model_is_one_sentence(cli, tmp_path):
    write_pdf(tmp_path / "d" / "a.pdf", [""])
    done = cli("ingest", "d", "--index", "i", "--ocr-language", "klingon", "--workers", 1)
    assert done.code == 1
    assert "There is no OCR model for 'klingon'" in done.err
    assert not (tmp_path / "i").exists()


def test_a_language_takes_the_model_of_that_name(tmp_path, monkeypatch):
    import rapidocr

    from vrag.pages import ocr

    models = Path(rapidocr.__file__).parent / "models"
    (tmp_path / "my_latin_rec.onnx").symlink_to(next(models.glob("*rec*.onnx")))
    monkeypatch.setenv("VRAG_OCR_MODELS", str(tmp_path))
    assert ocr.recogniser("latin") == str(tmp_path / "my_latin_rec.onnx")


def test_memory_is_given_on_the_command_line(cli, tmp_path):
    write_pdf(tmp_path / "d" / "a.pdf", ANIMALS)
    assert cli("ingest", "d", "--index", "i", "--max-memory", "3GiB").code == 0
    for value, code, says in (("1GB", 2, "not enough"), ("0", 2, "not enough"), ("lots", 2, "is no size")):
        done = cli("ingest", "d", "--index", "i", "--max-memory", value)
        assert done.code == code
        assert says in done.err


def test_a_worker_that_dies_is_replaced(tmp_path):
    file = write_pdf(tmp_path / "a.pdf", ANIMALS * 2)
    with PageWorkers(PageSpec(ocr="never"), 1) as pool:
        first = pool.load(file, 1).result().words.texts
        for _ in range(2):
            (idle,) = pool._pool._pool_manager.worker_manager.workers
            os.kill(idle, signal.SIGKILL)
            answers = [pool.load(file, number) for number in (1, 2, 3)]
            assert [answer.result().number for answer in answers] == [1, 2, 3]
        assert pool.load(file, 1).result().words.texts == first


def test_threads_search_while_one_ingests_and_other_processes_are_told_who_does(tmp_path):
    write_pdf(tmp_path / "d" / "a.pdf", ANIMALS)
    write_pdf(tmp_path / "e" / "b.pdf", MACHINES * 8)
    with Index.create(tmp_path / "i") as index:
        index.ingest([tmp_path / "d"], workers=1)
        found, stop = [], threading.Event()

        def read():
            while not stop.is_set():
                found.append({hit.doc for hit in index.search("penguins on the ice", k=3)})

        readers = [threading.Thread(target=read) for _ in range(2)]
        for reader in readers:
            reader.start()
        assert index.ingest([tmp_path / "e"], workers=1).added == 16
        code = f"import vrag; vrag.Index.open({str(tmp_path / 'i')!r})"
        others = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True) for _ in range(2)]
        stop.set()
        for reader in readers:
            reader.join()
        for cascade in ("best", "exact", "runs@bits:100 > full@bits:100 > full"):
            hits = index.search("the oil filter of an engine, or hydraulic pumps", k=50, cascade=cascade)
            assert len({(hit.doc, hit.page) for hit in hits}) == 19, cascade
    assert len(found) > 5
    assert all("a.pdf" in docs for docs in found)
    assert all(f"process {os.getpid()} on" in other.stderr for other in others)


def test_an_error_of_the_engine_about_rights_is_a_sentence():
    from vrag.store.edge.edge_faults import edge_errors

    for said in ("Read-only file system (os error 30)", "Permission denied (os error 13)"):
        with pytest.raises(StoreError, match="may not be written"), edge_errors("opening the index"):
            raise Exception(said)


def test_a_page_that_needs_no_password_ignores_them(tmp_path):
    file = write_pdf(tmp_path / "a.pdf", ["open words"])
    assert PageLoader(PageSpec(passwords=("x",))).load(file, 1).words.texts == ("open", "words")


def test_a_program_without_a_main_guard_is_not_run_again_by_its_workers(tmp_path):
    write_pdf(tmp_path / "d" / "a.pdf", ANIMALS)
    program = tmp_path / "program.py"
    program.write_text(
        "from vrag import Index\n"
        "print('started')\n"
        "with Index.create('i') as index:\n"
        "    print(index.ingest(['d'], workers=2).added)\n"
    )
    done = subprocess.run([sys.executable, program], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.stdout.splitlines() == ["started", str(len(ANIMALS))], done.stderr
