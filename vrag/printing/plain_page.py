"""Text, Markdown and web pages as one plain web page, which asks for nothing from elsewhere and runs nothing."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Sequence
from html import escape
from html.parser import HTMLParser

_TAGS = frozenset({
    "a", "abbr", "address", "article", "aside", "b", "big", "blockquote", "br", "caption", "center", "cite", "code",
    "col", "colgroup", "dd", "del", "dfn", "div", "dl", "dt", "em", "figcaption", "figure", "footer", "h1", "h2",
    "h3", "h4", "h5", "h6", "header", "hr", "i", "img", "ins", "kbd", "li", "main", "mark", "nav", "ol", "p", "pre",
    "q", "s", "samp", "section", "small", "span", "strike", "strong", "sub", "sup", "table", "tbody", "td", "tfoot",
    "th", "thead", "time", "tr", "tt", "u", "ul", "var",
})  # fmt: skip
_UNSHOWN = frozenset({"script", "style", "iframe", "title", "textarea", "template", "noembed", "noframes"})
_ATTRIBUTES = frozenset({"colspan", "rowspan", "start"})
_PICTURE = re.compile(r"data:image/(png|jpeg|gif);base64,[A-Za-z0-9+/=\s]*", re.ASCII)  # within the page itself
_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?([\w-]{1,40})", re.IGNORECASE)
_HEAD = 2048  # bytes in which a page says how it is encoded
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_PAGE = (
    '<!DOCTYPE html><html><head><meta charset="utf-8"><title>{}</title>'
    '<meta name="author" content="{}"></head><body>\n{}\n</body></html>'
)


def plain_page(body: str, title: str = "", author: str = "") -> bytes:
    """A web page.

    Args:
        body: HTML that was cleaned.
        title: Text.
        author: Text.
    """
    return _PAGE.format(escape(title), escape(author), body).encode("utf-8", "replace")


def of_text(data: bytes) -> bytes:
    """The page of a text: its lines as they are."""
    return plain_page(preformatted(decoded(data)))


def of_markdown(data: bytes) -> bytes:
    """The page of a text in Markdown; HTML in it is shown as it is written."""
    from markdown_it import MarkdownIt

    html = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).render(decoded(data))
    return plain_page(cleaned(html)[0])


def of_html(data: bytes) -> bytes:
    """The page of a web page: its text, tables and the pictures that are in it."""
    says = _CHARSET.search(data[:_HEAD])
    body, title = cleaned(decoded(data, says[1].decode("ascii") if says else ""))
    return plain_page(body, title)


def preformatted(text: str) -> str:
    """HTML of text as it stands."""
    return f"<pre>{escape(text)}</pre>"


def decoded(data: bytes, encoding: str = "") -> str:
    """Text from bytes: by their mark, as they say, as UTF-8, or as Windows would.

    Args:
        data: They.
        encoding: What they say of themselves; may be wrong or empty.
    """
    marked = [name for mark, name in _MARKS if data.startswith(mark)]
    for name in (*marked, encoding, "utf-8"):
        try:
            return data.decode(name or "utf-8").replace("\0", "")
        except (LookupError, UnicodeError):
            continue
    return data.decode("cp1252", "replace").replace("\0", "")


def cleaned(html: str, find_picture: Callable[[str], str] = str) -> tuple[str, str]:
    """HTML without scripts, styles, frames, links and pictures from elsewhere; and its title.

    Args:
        html: As somebody wrote it.
        find_picture: Gives the `data:` address of a picture by the one that it has there; what is none is left out.
    """
    cleaner = _Cleaner(find_picture)
    cleaner.feed(html)
    cleaner.close()
    return "".join(cleaner.parts), " ".join("".join(cleaner.title).split())


class _Cleaner(HTMLParser):
    """Copies what may stay."""

    def __init__(self, find_picture: Callable[[str], str]) -> None:
        super().__init__(convert_charrefs=True)
        self._find_picture = find_picture
        self.parts: list[str] = []
        self.title: list[str] = []
        self._unshown = ""  # the tag that is being passed over

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        """A tag, when it may stay."""
        if self._unshown:
            return
        if tag in _UNSHOWN:
            self._unshown = tag
        elif tag in ("img", "image"):
            self.parts.append(_picture(dict(attrs), self._find_picture))
        elif tag in _TAGS:
            kept = "".join(f' {name}="{escape(value or "")}"' for name, value in attrs if name in _ATTRIBUTES)
            self.parts.append(f"<{tag}{kept}>")

    def handle_startendtag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        """A tag that closes itself has nothing in it that could be passed over."""
        if tag not in _UNSHOWN:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        """The end of one."""
        if tag == self._unshown:
            self._unshown = ""
        elif tag in _TAGS and not self._unshown:
            self.parts.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        """Text."""
        if not self._unshown:
            self.parts.append(escape(data))
        elif self._unshown == "title":
            self.title.append(data)


def _picture(attributes: dict[str, str | None], find_picture: Callable[[str], str]) -> str:
    """A picture that is part of the page, or what stands for it."""
    source = find_picture(attributes.get("src") or attributes.get("xlink:href") or "")
    if _PICTURE.fullmatch(source):
        return f'<img src="{source}">'
    return escape(attributes.get("alt") or "")
