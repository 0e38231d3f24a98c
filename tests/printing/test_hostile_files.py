"""Files that want more than to be printed: macros, links, bombs, passwords, and programs that never end."""

import os
import signal
import socket
import subprocess
import sys
import threading
import zipfile

import pypdfium2
import pytest

from tests.conftest import command
from tests.pages.holding import until
from tests.printing.office_files import (
    linked_odt,
    locked_docx,
    locked_odt,
    macro_odt,
    needs_libreoffice,
    remote_docx,
    text_odt,
    write_docx,
)
from vrag.errors import EncryptedError, PageError
from vrag.pages.page import PageSpec
from vrag.pages.workers import PageWorkers
from vrag.printing import confined, containers, libreoffice, printer
from vrag.printing.libreoffice import convert
from vrag.printing.printed import printed

on_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux takes the network away")
with_signals = pytest.mark.skipif(os.name == "nt", reason="Windows has no process groups to end")


@pytest.fixture
def listener():
    """A port of this machine that says what is asked of it, and answers that it is not there."""
    asked, server = [], socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                asked.append(connection.recv(1000).split(b"\r\n")[0])
                connection.sendall(b"HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n")

    threading.Thread(target=serve, daemon=True).start()
    yield f"http://127.0.0.1:{server.getsockname()[1]}", asked
    server.shutdown(socket.SHUT_RDWR)
    server.close()


def text_of(pdf):
    with pypdfium2.PdfDocument(pdf) as pages:
        return "\n".join(page.get_textpage().get_text_bounded() for page in pages)


def secret(tmp_path):
    file = tmp_path / "secret.txt"
    file.write_text("the secret words")
    return file


BARE = (
    '<p>Words.</p><img src="{0}/p.png"><iframe src="{0}/f.html"></iframe><link rel="stylesheet" href="{0}/s.css">'
    '<table background="{0}/b.png"><tr><td>x</td></tr></table>'
)


@needs_libreoffice
@pytest.mark.parametrize("kind", ["bare", "settings", "confinement"])
def test_nothing_is_fetched_by_either_of_two_bars_alone(tmp_path, monkeypatch, listener, kind):
    """With neither of them LibreOffice does ask: this test could fail."""
    url, asked = listener
    if kind != "settings":
        monkeypatch.setattr(libreoffice, "_SETTINGS", ())
    if kind != "confinement":
        monkeypatch.setattr(libreoffice, "_confinement", list)
    elif not sys.platform.startswith("linux"):
        pytest.skip("only Linux takes the network away")
    file = tmp_path / "page.html"
    file.write_text(BARE.format(url))
    assert "Words." in text_of(convert(file, "writer", tmp_path))
    assert bool(asked) == (kind == "bare")


@needs_libreoffice
def test_links_of_office_files_and_pages_are_not_followed(tmp_path, listener):
    url, asked = listener
    files = [
        linked_odt(tmp_path / "a.odt", url, secret(tmp_path)),
        remote_docx(tmp_path / "a.docx", url),
        tmp_path / "a.html",
    ]
    files[-1].write_text(BARE.format(url) + f'<embed src="{secret(tmp_path).as_uri()}">Words')
    for file in files:
        text = text_of(printed(file))
        assert "Words" in text
        assert "secret" not in text
    assert asked == []


@on_linux
def test_a_confined_program_has_no_network_and_writes_no_endless_file(tmp_path):
    """Nor have those that it starts; sockets within the machine's memory stay."""
    program = (
        "import socket, subprocess, sys\n"
        "socket.socket(socket.AF_UNIX).close()\n"
        "for kind in (socket.AF_INET, socket.AF_INET6):\n"
        "    try: socket.socket(kind); sys.exit(1)\n"
        "    except PermissionError: pass\n"
        "again = [sys.executable, '-c', sys.argv[1], sys.argv[1], 'x']\n"
        "if len(sys.argv) < 3: sys.exit(subprocess.run(again).returncode)\n"
    )
    start = [sys.executable, "-I", confined.__file__, "1000", sys.executable, "-c"]
    assert subprocess.run([*start, program, program], check=False).returncode == 0
    writing = f"open({str(tmp_path / 'big')!r}, 'wb', 0).write(bytes(5000))"
    subprocess.run([*start, writing], check=False, stderr=subprocess.DEVNULL)
    assert (tmp_path / "big").stat().st_size <= 1000


@needs_libreoffice
@with_signals
def test_macros_never_run(tmp_path, monkeypatch):
    """Opened by a profile that lets it, this one does run: the test could fail."""
    victim, file = tmp_path / "victim", tmp_path / "document.odt"
    assert "Words beside a macro." in text_of(convert(macro_odt(file, victim), "writer", tmp_path))
    assert not victim.exists()
    scripting = libreoffice._COMMON
    may = ((scripting, "MacroSecurityLevel", "0"), (scripting, "DisableMacrosExecution", "false"))
    monkeypatch.setattr(libreoffice, "_SETTINGS", may)
    profile = tmp_path / "careless"
    libreoffice._set_up(profile)
    start = [libreoffice.find_libreoffice(), f"-env:UserInstallation={profile.as_uri()}", "--headless", str(file)]
    opened = subprocess.Popen(start, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(victim.exists)
    finally:
        os.killpg(opened.pid, signal.SIGKILL)
        opened.wait()


def refused(file):
    with pytest.raises(PageError) as caught:
        printed(file)
    return caught.value


@pytest.mark.parametrize("make", [locked_docx, locked_odt])
def test_a_password_is_said_to_be_needed(tmp_path, make):
    error = refused(make(tmp_path / f"a.{make.__name__.split('_')[1]}"))
    assert isinstance(error, EncryptedError)
    assert "save a copy without a password" in error.hint


def test_what_a_file_is_not_is_said_before_it_is_opened(tmp_path, monkeypatch):
    monkeypatch.setattr(printer, "convert", pytest.fail)
    whole = write_docx(tmp_path / "whole.docx", ["words"]).read_bytes()
    plain = tmp_path / "plain.zip"
    with zipfile.ZipFile(plain, "w") as archive:
        archive.writestr("a.txt", "x")
    told = {
        "cut.docx": (whole[: len(whole) // 2], "damaged or cut off"),
        "empty.docx": (b"", "empty (0 bytes)"),
        "empty.txt": (b"", "empty (0 bytes)"),
        "text.xlsx": (b"just text", "no Office file"),
        "old.docx": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(3000), "older Office"),
        "archive.pptx": (plain.read_bytes(), "an archive, but no Office file"),
        "text.rtf": (b"just text", "no RTF file"),
    }
    for name, (data, said) in told.items():
        (tmp_path / name).write_bytes(data)
        assert said in refused(tmp_path / name).message


@needs_libreoffice
def test_a_whole_archive_with_broken_insides_is_a_sentence(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.docx", "w") as archive:
        archive.writestr("[Content_Types].xml", "<broken")
        archive.writestr("word/document.xml", "<broken")
    assert refused(tmp_path / "a.docx").message.startswith("LibreOffice cannot print it")


def test_a_bomb_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(printer, "convert", pytest.fail)
    bomb = write_docx(tmp_path / "bomb.docx", ["words"])
    with zipfile.ZipFile(bomb, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("word/media/zeros.bin", bytes(3 << 20))
    monkeypatch.setattr(containers, "MOST_UNPACKED", 3 << 20)
    assert "which is too much" in refused(bomb).message
    monkeypatch.setattr(containers, "MOST_UNPACKED", 1 << 30)
    monkeypatch.setattr(containers, "MOST_PARTS", 5)
    assert "parts, which is too much" in refused(bomb).message


def test_what_is_too_large_is_said_before_it_is_read(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text("x" * 100)
    monkeypatch.setattr(printer, "MOST_TEXT", 99)
    assert refused(tmp_path / "a.txt").message == "it has 100 bytes, and 99 are the most of its kind."
    monkeypatch.setattr("vrag.printing.printed.MOST_SOURCE", 98)
    assert refused(tmp_path / "a.txt").message == "it has 100 bytes, and 98 are the most to be printed."


@needs_libreoffice
def test_a_print_has_so_many_pages_and_no_more_are_made(tmp_path, monkeypatch):
    monkeypatch.setattr(libreoffice, "MOST_PAGES", 2)
    monkeypatch.setattr(printer, "MOST_PAGES", 2)
    lengths = []
    counted = printer.count_pages
    monkeypatch.setattr(printer, "count_pages", lambda pdf: lengths.append(counted(pdf)) or lengths[-1])
    printed(write_docx(tmp_path / "fits.docx", ["one", "two"]))
    error = refused(write_docx(tmp_path / "long.docx", ["one", "two", "three", "four", "five"]))
    assert error.message == "its print has more than 2 pages."
    assert lengths == [2, 3]


HANGING = '#!/bin/sh\ntrap "" INT TERM\nsleep 600 &\necho $$ $! > "{}"\nwait\nsleep 600\n'


@pytest.fixture
def hanging(tmp_path, monkeypatch):
    """A program in LibreOffice's place that never ends, nor does what it starts; where it writes their numbers."""
    program, numbers = tmp_path / "bin" / "soffice", tmp_path / "numbers"
    program.parent.mkdir()
    program.write_text(HANGING.format(numbers))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return numbers


def are_gone(numbers):
    return all(not _runs(int(number)) for number in numbers.read_text().split())


def _runs(number):
    """Whether a process runs; one that nobody has waited for yet does not."""
    try:
        with open(f"/proc/{number}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@on_linux
def test_a_print_that_never_ends_is_given_up_with_all_that_it_started(tmp_path, hanging, prints):
    file = text_odt(tmp_path / "a.odt", "words")
    with PageWorkers(PageSpec(image=False), 1, timeout_s=3) as workers:
        with pytest.raises(PageError, match=r"a\.odt: it took longer than 3 s and was given up"):
            workers.inspect(file).result()
        until(lambda: are_gone(hanging))
    assert [*prints.glob(".*")]  # its folder had no time to be cleared
    with pytest.raises(PageError):
        printed(locked_odt(tmp_path / "b.odt"))
    assert [*prints.iterdir()] == []  # the next one has done it


@on_linux
def test_ctrl_c_leaves_none_behind(tmp_path, hanging):
    file = text_odt(tmp_path / "a.odt", "words")
    ingest = subprocess.Popen(
        command("ingest", file, "--index", tmp_path / "index"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    until(lambda: hanging.exists() and len(hanging.read_text().split()) == 2)
    assert not are_gone(hanging)
    ingest.send_signal(signal.SIGINT)
    _, said = ingest.communicate(timeout=60)
    until(lambda: are_gone(hanging))
    assert b"Traceback" not in said
    assert ingest.returncode == 130
