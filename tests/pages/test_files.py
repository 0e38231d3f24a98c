"""Which files are documents, and what people are told when there is none."""

import hashlib
import os
import sys
from pathlib import Path

import pytest

from vrag.errors import UsageError
from vrag.pages import files
from vrag.pages.files import display_name, find_files
from vrag.printing.printables import PRINTED_SUFFIXES
from vrag.runtime.file_facts import file_digest


@pytest.fixture
def tree(tmp_path):
    """A folder with documents on two levels, and what must be passed over."""
    for name in (
        "b.pdf",
        "a.PDF",
        "notes.log",
        "~$a.docx",
        "sub/c.jpeg",
        "sub/deeper/d.TIFF",
        ".vrag/x.pdf",
        "sub/.hidden/y.pdf",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"content")
    return tmp_path


def names(paths, root):
    return [path.relative_to(root).as_posix() for path in paths]


def test_documents_of_a_folder_are_found_to_the_bottom_and_sorted(tree):
    assert names(find_files([tree]), tree) == ["a.PDF", "b.pdf", "sub/c.jpeg", "sub/deeper/d.TIFF"]


def test_without_recursion_only_the_folder_itself_counts(tree):
    assert names(find_files([tree], recursive=False), tree) == ["a.PDF", "b.pdf"]


def test_a_file_named_twice_is_found_once_and_by_its_absolute_path(tree, monkeypatch):
    monkeypatch.chdir(tree)
    found = find_files([Path("b.pdf"), tree, tree / "sub" / ".." / "b.pdf"], recursive=False)
    assert found == [tree / "a.PDF", tree / "b.pdf"]


def test_hidden_folders_named_by_the_user_are_searched(tree):
    assert names(find_files([tree / ".vrag"]), tree) == [".vrag/x.pdf"]


def test_links_to_folders_cannot_make_it_run_in_circles(tree):
    (tree / "sub" / "loop").symlink_to(tree, target_is_directory=True)
    assert len(find_files([tree])) == 4


def test_links_to_nowhere_are_passed_over(tree):
    (tree / "gone.pdf").symlink_to(tree / "nothing.pdf")
    assert len(find_files([tree])) == 4


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may list everything")
def test_a_folder_that_cannot_be_listed_does_not_stop_the_others(tree):
    (tree / "sub").chmod(0)
    assert names(find_files([tree]), tree) == ["a.PDF", "b.pdf"]
    (tree / "sub").chmod(0o755)


def test_an_unlistable_folder_is_passed_over(tree, monkeypatch):
    listing = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: refuse() if str(path).endswith("sub") else listing(path))
    assert names(find_files([tree]), tree) == ["a.PDF", "b.pdf"]


def refuse():
    raise PermissionError("no")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing.pdf", "There is no file or folder"),
        ("notes.log", "notes.log is not a PDF, PNG, JPEG, TIFF, WebP or CBZ"),
    ],
)
def test_what_is_named_but_cannot_be_read_is_said(tree, name, message):
    with pytest.raises(UsageError, match=message):
        find_files([tree / name])


def test_a_folder_without_documents_is_said(tmp_path):
    with pytest.raises(
        UsageError, match="No PDF, PNG, JPEG, TIFF, WebP or CBZ file, nor one that LibreOffice prints, in"
    ):
        find_files([tmp_path])


@pytest.fixture
def office(tree, monkeypatch):
    """The folder with files that have to be printed; whether LibreOffice is there is up to the test."""
    for name in ("b.docx", "sub/page.HTML", "sub/deeper/mail.eml"):
        (tree / name).write_bytes(b"content")

    def installed(found):
        monkeypatch.setattr(files, "find_libreoffice", lambda: found)
        return tree

    return installed


def test_what_libreoffice_prints_is_a_document_where_it_is_installed(office):
    tree, left_out = office("soffice"), []
    found = names(find_files([tree, tree / "b.docx"], left_out=left_out.append), tree)
    assert [name for name in found if "." + name.split(".")[1].lower() in PRINTED_SUFFIXES] == [
        "b.docx",
        "sub/deeper/mail.eml",
        "sub/page.HTML",
    ]
    assert len(found) == 7
    assert left_out == []


def test_elsewhere_it_is_left_out_and_told(office):
    tree, left_out = office(None), []
    assert len(find_files([tree], left_out=left_out.append)) == 4
    assert sorted(names(left_out, tree)) == ["b.docx", "sub/deeper/mail.eml", "sub/page.HTML"]
    with pytest.raises(UsageError, match=r"b\.docx is printed by LibreOffice, which is not installed.*apt-get install"):
        find_files([tree / "b.docx"])


def test_a_folder_of_nothing_else_says_how_to_get_libreoffice(office):
    tree = office(None)
    only = tree / "only"
    only.mkdir()
    (tree / "b.docx").rename(only / "b.docx")
    with pytest.raises(UsageError, match="has 1 file for LibreOffice to print, and no other.*apt-get install"):
        find_files([only])
    assert find_files([only], may_be_empty=True) == []


def test_documents_only_in_sub_folders_are_hinted_at(tree):
    (tree / "only" / "below").mkdir(parents=True)
    (tree / "only" / "below" / "z.png").write_bytes(b"")
    with pytest.raises(UsageError, match="only in its sub-folders.*--no-recursive"):
        find_files([tree / "only"], recursive=False)


@pytest.mark.skipif(sys.platform != "linux", reason="other file systems refuse such names")
def test_names_of_any_bytes_are_found_and_can_be_shown(tmp_path):
    name = os.fsdecode(b"caf\xe9.pdf")
    (tmp_path / name).write_bytes(b"content")
    (found,) = find_files([tmp_path])
    assert found.name == name
    assert display_name(found) == "caf\N{REPLACEMENT CHARACTER}.pdf"


def test_the_digest_is_that_of_the_bytes(tmp_path):
    content = os.urandom(3 << 20)
    (tmp_path / "x.pdf").write_bytes(content)
    assert file_digest(tmp_path / "x.pdf") == hashlib.sha256(content).hexdigest()
