"""Files of every kind, printed by the real LibreOffice; prints are kept, and found again by content."""

import os
import shutil
import threading
from pathlib import Path

import pypdfium2
import pytest

from tests.printing.office_files import (
    mail,
    needs_libreoffice,
    text_odt,
    write_book,
    write_docx,
    write_odf,
    write_pptx,
    write_xlsx,
)
from vrag.errors import PageError
from vrag.pages.load import PageLoader
from vrag.pages.page import PageSpec
from vrag.printing import printed as prints_module
from vrag.printing.libreoffice import find_libreoffice
from vrag.printing.printables import PRINTED_SUFFIXES
from vrag.printing.printed import make_room, printed

CELL = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
ROW = f"<table:table-row>{CELL}</table:table-row>"
FRAME = '<draw:frame svg:width="20cm" svg:height="5cm" svg:x="1cm" svg:y="1cm">{}</draw:frame>'
SLIDE = f"<draw:page>{FRAME.format('<draw:text-box><text:p>{}</text:p></draw:text-box>')}</draw:page>"
WORDS = "Turbine seven was repaired in Malmo."
MAKERS = {
    ".docx": lambda path: write_docx(path, [WORDS]),
    ".odt": lambda path: text_odt(path, WORDS),
    ".rtf": lambda path: path.write_text(rf"{{\rtf1 {WORDS}}}"),
    ".xlsx": lambda path: write_xlsx(path, [[WORDS]]),
    ".ods": lambda path: write_odf(path, "spreadsheet", f"<table:table>{ROW.format(WORDS)}</table:table>"),
    ".pptx": lambda path: write_pptx(path, [WORDS]),
    ".odp": lambda path: write_odf(path, "presentation", SLIDE.format(WORDS)),
    ".html": lambda path: path.write_text(f"<p>{WORDS}</p>"),
    ".htm": lambda path: path.write_text(f"<p>{WORDS}"),
    ".md": lambda path: path.write_text(f"*{WORDS}*"),
    ".txt": lambda path: path.write_text(WORDS),
    ".eml": lambda path: path.write_bytes(mail(WORDS).as_bytes()),
    ".epub": lambda path: write_book(path, parts={"O/text/one a.xhtml": None, "O/two.xhtml": f"<p>{WORDS}</p>"}),
}


@pytest.fixture(scope="module")
def loader():
    with PageLoader(PageSpec(ocr="never")) as loader:
        yield loader


def test_every_kind_is_tried_here():
    assert set(MAKERS) == set(PRINTED_SUFFIXES)


@needs_libreoffice
@pytest.mark.parametrize("suffix", sorted(MAKERS))
def test_a_file_becomes_pages_with_words_and_a_picture(loader, tmp_path, suffix):
    file = tmp_path / f"A report{suffix.upper()}"
    MAKERS[suffix](file)
    assert loader.inspect(file).pages == 1
    page = loader.load(file, 1)
    assert " ".join(page.words.texts).count(WORDS) == 1
    assert page.text_source == "layer"
    assert page.image.convert("L").getextrema()[0] < 100  # something is printed


@needs_libreoffice
def test_pages_and_title_are_those_of_the_print(loader, tmp_path):
    info = loader.inspect(write_docx(tmp_path / "a.docx", ["one", "two", "three"], "Three pages"))
    assert (info.pages, info.title, info.created) == (3, "Three pages", "")
    assert loader.load(tmp_path / "a.docx", 2).words.texts == ("two",)
    with pytest.raises(PageError, match=r"a\.docx, page 4: there is no such page, the document has 3"):
        loader.load(tmp_path / "a.docx", 4)


@needs_libreoffice
def test_a_file_is_printed_once_whatever_it_is_called(tmp_path, monkeypatch, prints):
    (tmp_path / "a.txt").write_text("same words")
    shutil.copy(tmp_path / "a.txt", tmp_path / "b.txt")
    first = printed(tmp_path / "a.txt")
    monkeypatch.setattr(prints_module, "print_file", pytest.fail)
    assert printed(tmp_path / "b.txt") == first
    assert [*prints.iterdir()] == [first]  # and nothing of the work is left
    assert prints.stat().st_mode & 0o077 == 0


@needs_libreoffice
@pytest.mark.skipif(os.name == "nt", reason="Windows allows no such names")
def test_names_say_nothing_to_a_command_line(tmp_path):
    file = tmp_path / f"-env:x --help 'y\" \n;c$(d) %20#?{os.fsdecode(bytes([255]))}.txt"
    file.write_text("words")
    with pypdfium2.PdfDocument(printed(file)) as pdf:
        assert pdf[0].get_textpage().get_text_bounded() == "words"


@needs_libreoffice
@pytest.mark.skipif(os.name == "nt", reason="the program that waits is a script for sh")
def test_two_are_printed_at_once(tmp_path, monkeypatch):
    """Both are in LibreOffice at the same time: a program in its place starts it once both have come."""
    real, meet = find_libreoffice(), tmp_path / "meet"
    meet.mkdir()
    program = tmp_path / "bin" / "soffice"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\ntouch "{meet}/$$"\nwhile [ "$(ls "{meet}" | wc -l)" -lt 2 ]; do sleep 0.05; done\n'
        f'exec "{real}" "$@"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    made = {}
    for name in "ab":
        (tmp_path / f"{name}.txt").write_text(f"words of {name}")
    threads = [
        threading.Thread(target=lambda name=name: made.update({name: printed(tmp_path / f"{name}.txt")}))
        for name in "ab"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len([*meet.iterdir()]) == 2
    for name in "ab":
        with pypdfium2.PdfDocument(made[name]) as pdf:
            assert pdf[0].get_textpage().get_text_bounded() == f"words of {name}"


@needs_libreoffice
def test_a_file_that_changes_while_it_is_printed_is_not_taken_for_what_it_was(tmp_path, monkeypatch):
    file, copy = tmp_path / "a.txt", shutil.copyfile
    file.write_text("before")

    def change_first(source, target):
        Path(source).write_text("after")
        return copy(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(prints_module.shutil, "copyfile", change_first)
        printed(file)
    file.write_text("before")
    with pypdfium2.PdfDocument(printed(file)) as pdf:
        assert pdf[0].get_textpage().get_text_bounded() == "before"


def test_the_prints_that_were_wanted_longest_ago_go(tmp_path):
    for age, name in enumerate(["new", "older", "oldest"]):
        (tmp_path / f"{name}.pdf").write_bytes(bytes(100))
        os.utime(tmp_path / f"{name}.pdf", (1_000_000 - age, 1_000_000 - age))
    (tmp_path / "in use.pdf").write_bytes(bytes(100))
    make_room(tmp_path, 250)
    assert {file.name for file in tmp_path.glob("*.pdf")} == {"new.pdf", "in use.pdf"}
    make_room(tmp_path, 0)
    assert {file.name for file in tmp_path.glob("*.pdf")} == {"in use.pdf"}


def test_without_libreoffice_it_is_said_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setattr("vrag.printing.libreoffice.find_libreoffice", lambda: None)
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(PageError, match=r"a\.txt: LibreOffice, which prints it, is not installed") as caught:
        PageLoader(PageSpec()).inspect(tmp_path / "a.txt")
    assert "apt-get install libreoffice-writer-nogui" in caught.value.hint
