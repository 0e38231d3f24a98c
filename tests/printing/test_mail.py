"""Mails: their heads, their text, and what is attached to them."""

import pypdfium2

from tests.pdfs import pdf_bytes
from tests.printing.office_files import attach, mail, needs_libreoffice
from vrag.printing.mail import MOST_ATTACHMENTS, read_mail
from vrag.printing.printed import printed


def texts(pdf):
    with pypdfium2.PdfDocument(pdf) as pages:
        return [page.get_textpage().get_text_bounded() for page in pages]


def test_heads_text_and_attachments_are_read():
    message = mail("Plain.", "<p>Marked <img src='http://x/p.png'></p>", Cc="Eve")
    attach(message, "a.PDF", b"%PDF-", "application/pdf")
    attach(message, "../../etc/notes.txt", b"x")
    attach(message, "no ending", b"x", "application/pdf")
    attach(message, "odd.<x>", b"x")
    found = read_mail(message.as_bytes())
    assert found.heads == {
        "From": "Ann <ann@example.org>",
        "To": "Bob <bob@example.org>",
        "Cc": "Eve",
        "Subject": "Pump",
    }
    assert "Marked" in found.body
    assert "http" not in found.body
    assert [one.suffix for one in found.attachments] == [".pdf", ".txt", ".pdf", ""]
    page = found.page([True, False, False, False]).decode()
    assert "<title>Pump</title>" in page
    assert "a.PDF</td>" in page
    assert "notes.txt (not shown)" in page
    assert "odd.&lt;x&gt; (not shown)" in page


def test_a_picture_within_the_text_is_no_attachment():
    message = mail()
    message.add_related(b"\x89PNG", "image", "png", cid="<logo>")
    attach(message, "photo.png", b"\x89PNG", "image/png")
    assert [one.name for one in read_mail(message.as_bytes()).attachments] == ["photo.png"]


def test_a_mail_that_is_none_is_read_as_far_as_it_goes():
    found = read_mail(b"\xff\xfe not a mail \x00\r\n\r\nbody words")
    assert found.heads == {}
    assert "body words" in found.body
    assert read_mail(b"Subject: =?utf-8?b?broken\r\nContent-Type: multipart/mixed; boundary\r\n\r\nx").attachments == ()


@needs_libreoffice
def test_attachments_follow_the_mail(tmp_path):
    inner = mail("The inner mail.", Subject="Inner")
    message = mail("See what is attached.")
    attach(message, "letter.txt", b"A letter about valves.")
    attach(message, "broken.docx", b"PK broken")
    attach(message, "pages.pdf", pdf_bytes(["Sheet one", "Sheet two"]), "application/pdf")
    attach(message, "program.exe", b"MZ")
    message.add_attachment(inner)
    (tmp_path / "a.eml").write_bytes(message.as_bytes())
    mine, letter, one, two, other = texts(printed(tmp_path / "a.eml"))
    assert "See what is attached." in mine
    assert "broken.docx (not shown)" in mine
    assert "program.exe (not shown)" in mine
    assert "pages.pdf" in mine
    assert "A letter about valves." in letter
    assert ("Sheet one" in one, "Sheet two" in two) == (True, True)
    assert "The inner mail." in other


@needs_libreoffice
def test_attachments_are_bounded(tmp_path, monkeypatch):
    message = mail()
    for number in range(MOST_ATTACHMENTS + 30):
        attach(message, f"{number}.pdf", pdf_bytes([f"sheet {number}"]), "application/pdf")
    assert len(read_mail(message.as_bytes()).attachments) == MOST_ATTACHMENTS + 1
    (tmp_path / "a.eml").write_bytes(message.as_bytes())
    monkeypatch.setattr("vrag.printing.printer.MOST_ATTACHED", 9)
    first, *sheets = texts(printed(tmp_path / "a.eml"))
    assert sheets == [f"sheet {number}" for number in range(9)]
    assert " ".join(first.split()).count("(not shown)") == MOST_ATTACHMENTS + 1 - 9
