"""Office files, made by the libraries that people make them with, or by hand where something is wrong with them."""

import io
import zipfile
from email.message import EmailMessage
from html import escape

import docx
import openpyxl
import pptx
import pytest
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import parse_xml
from PIL import Image

from vrag.printing.libreoffice import INSTALL, find_libreoffice

needs_libreoffice = pytest.mark.skipif(find_libreoffice() is None, reason=f"LibreOffice is not installed. {INSTALL}")
_ODF = "application/vnd.oasis.opendocument."
_NAMES = " ".join(
    f'xmlns:{name}="{address}"'
    for name, address in {
        **{part: f"urn:oasis:names:tc:opendocument:xmlns:{part}:1.0" for part in ("office", "text", "table", "script")},
        "draw": "urn:oasis:names:tc:opendocument:xmlns:drawing:1.0",
        "svg": "urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0",
        "presentation": "urn:oasis:names:tc:opendocument:xmlns:presentation:1.0",
        "of": "urn:oasis:names:tc:opendocument:xmlns:of:1.2",
        "ooo": "http://openoffice.org/2004/office",
        "dom": "http://www.w3.org/2001/xml-events",
        "xlink": "http://www.w3.org/1999/xlink",
    }.items()
)
_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_DRAWING = "http://schemas.openxmlformats.org/drawingml/2006"
_REMOTE_PICTURE = f"""
<w:p xmlns:w="{_WORD}" xmlns:wp="{_DRAWING}/wordprocessingDrawing" xmlns:a="{_DRAWING}/main"
 xmlns:pic="{_DRAWING}/picture" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">
<w:r><w:drawing><wp:inline><wp:extent cx="914400" cy="914400"/><wp:docPr id="1" name="x"/><a:graphic>
<a:graphicData uri="{_DRAWING}/picture"><pic:pic><pic:nvPicPr><pic:cNvPr id="0" name="x"/><pic:cNvPicPr/></pic:nvPicPr>
<pic:blipFill><a:blip r:link="RELATION"/></pic:blipFill><pic:spPr><a:xfrm><a:off x="0" y="0"/>
<a:ext cx="914400" cy="914400"/></a:xfrm><a:prstGeom prst="rect"/></pic:spPr></pic:pic></a:graphicData></a:graphic>
</wp:inline></w:drawing></w:r></w:p>"""


def write_docx(path, pages, title=""):
    """A text document, a page for each text."""
    document = docx.Document()
    document.core_properties.title, document.core_properties.author = title, "Ann"
    for number, page in enumerate(pages):
        if number:
            document.add_page_break()
        document.add_paragraph(page)
    document.save(path)
    return path


def write_pptx(path, slides):
    """A presentation, a slide for each title."""
    deck = pptx.Presentation()
    for title in slides:
        deck.slides.add_slide(deck.slide_layouts[5]).shapes.title.text = title
    deck.save(path)
    return path


def write_xlsx(path, rows):
    """A workbook of one sheet."""
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def remote_docx(path, url):
    """A text document with a picture that lies at `url`."""
    document = docx.Document()
    document.add_paragraph("Words beside a picture.")
    relation = document.part.relate_to(f"{url}/docx.png", RELATIONSHIP_TYPE.IMAGE, is_external=True)
    document.element.body.insert(0, parse_xml(_REMOTE_PICTURE.replace("RELATION", relation)))
    document.save(path)
    return path


def write_odf(path, kind, body, parts=None, before=""):
    """A file of OpenDocument.

    Args:
        path: Where.
        kind: text, spreadsheet or presentation.
        body: XML in `office:text` and the like.
        parts: More files of the archive, by name.
        before: XML before the body.
    """
    entries = {"/": _ODF + kind, "content.xml": "text/xml", **dict.fromkeys(parts or {}, "text/xml")}
    manifest = "".join(
        f'<m:file-entry m:full-path="{name}" m:media-type="{media}"/>' for name, media in entries.items()
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", _ODF + kind)
        space = 'xmlns:m="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"'
        archive.writestr("META-INF/manifest.xml", f'<m:manifest {space} m:version="1.2">{manifest}</m:manifest>')
        archive.writestr(
            "content.xml",
            f'<office:document-content {_NAMES} office:version="1.2">{before}<office:body><office:{kind}>{body}'
            f"</office:{kind}></office:body></office:document-content>",
        )
        for name, text in (parts or {}).items():
            archive.writestr(name, text)
    return path


def text_odt(path, text):
    """A text document of OpenDocument."""
    return write_odf(path, "text", f"<text:p>{escape(text)}</text:p>")


def macro_odt(path, victim):
    """A text document that writes to a file when it is opened, if its macros may run."""
    basic = "http://openoffice.org/2000"
    module = (
        f'<script:module xmlns:script="{basic}/script" script:name="M" script:language="StarBasic">Sub Go\n'
        f'Open "{victim}" For Output As #1\nPrint #1, "was here"\nClose #1\nEnd Sub\n</script:module>'
    )
    library = (
        f'<library:library xmlns:library="{basic}/library" library:name="Standard" library:readonly="false" '
        'library:passwordprotected="false"><library:element library:name="M"/></library:library>'
    )
    libraries = (
        f'<library:libraries xmlns:library="{basic}/library">'
        '<library:library library:name="Standard" library:link="false"/></library:libraries>'
    )
    call = "vnd.sun.star.script:Standard.M.Go?language=Basic&amp;location=document"
    events = "".join(
        f'<script:event-listener script:language="ooo:script" script:event-name="{event}" xlink:href="{call}"/>'
        for event in ("dom:load", "office:load-finished", "office:view-created")
    )
    return write_odf(
        path,
        "text",
        "<text:p>Words beside a macro.</text:p>",
        {
            "Basic/Standard/M.xml": module,
            "Basic/Standard/script-lb.xml": library,
            "Basic/script-lc.xml": libraries,
        },
        f"<office:scripts><office:event-listeners>{events}</office:event-listeners></office:scripts>",
    )


def linked_odt(path, url, secret):
    """A text document with a picture and a section that lie at `url`, and a section that is a local file."""
    picture = (
        f'<text:p><draw:frame svg:width="2cm" svg:height="2cm" text:anchor-type="as-char"><draw:image '
        f'xlink:href="{url}/odt.png" xlink:type="simple" xlink:show="embed" xlink:actuate="onLoad"/>'
        "</draw:frame></text:p>"
    )
    sections = "".join(
        f'<text:section text:name="s{number}"><text:section-source xlink:href="{place}" text:filter-name="Text"/>'
        "<text:p>as it was</text:p></text:section>"
        for number, place in enumerate((f"{url}/section.txt", secret.as_uri()))
    )
    return write_odf(path, "text", f"<text:p>Words beside links.</text:p>{sections}{picture}")


def locked_docx(path):
    """What Office makes of a file with a password: a container of old with the encrypted one in it."""
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000) + "EncryptedPackage".encode("utf-16-le"))
    return path


def locked_odt(path):
    """The same of OpenDocument: the manifest says how it is encrypted."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", f"{_ODF}text")
        archive.writestr("META-INF/manifest.xml", "<m:manifest><m:encryption-data/></m:manifest>")
    return path


def mail(text="The pump is in Rotterdam.", html="", **heads):
    """A mail."""
    message = EmailMessage()
    known = {"From": "Ann <ann@example.org>", "To": "Bob <bob@example.org>", "Subject": "Pump", **heads}
    for name, value in known.items():
        message[name] = value
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
    return message


def attach(message, name, data, kind="application/octet-stream"):
    """Attach bytes to a mail."""
    main, sub = kind.split("/")
    message.add_attachment(data, maintype=main, subtype=sub, filename=name)


CONTAINER = '<container><rootfiles><rootfile full-path="O/content.opf"/></rootfiles></container>'
OPF = """<package><metadata><dc:title>Whales &amp; <x>more</dc:title><dc:creator>A. Author</dc:creator></metadata>
<manifest><item id="two" href="two.xhtml"/><item id="one" href="text/one%20a.xhtml#top"/><item id="css" href="a.css"/>
</manifest><spine><itemref idref="one"/><itemref idref="two"/><itemref idref="none"/><itemref idref="one"/></spine>"""
ONE = (
    '<?xml version="1.0"?><html><head><title/></head><body><h1>Ishmael</h1><img src="../a.png" alt="a"/></body></html>'
)
TWO = "<html><body><p>Lighthouses warn ships.</p></body></html>"


def red():
    data = io.BytesIO()
    Image.new("RGB", (200, 100), "red").save(data, "PNG")
    return data.getvalue()


def write_book(path, **changed):
    """A book of two chapters; parts by name, None for one that is left out."""
    parts = {
        "mimetype": "application/epub+zip", "META-INF/container.xml": CONTAINER, "O/content.opf": OPF,
        "O/text/one a.xhtml": ONE, "O/two.xhtml": TWO, "O/a.png": red(), **changed.pop("parts", {}),
    }  # fmt: skip
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            if data is not None:
                archive.writestr(name, data)
    return path
