"""How an assistant names a page: `report.pdf#12`, or as the address `vrag://page/report.pdf/12`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

from vrag.errors import UsageError
from vrag.mcp.call_bounds import LONGEST_NAME
from vrag.runtime.pathtext import from_stored, quoted, shown, to_stored
from vrag.search.where import MOST_PAGE

ADDRESS = "vrag://page/{doc}/{page}"
_REF = re.compile(r"(?P<doc>.+)#(?P<page>[0-9]{1,16})", re.DOTALL)
_URI = re.compile(r"vrag://page/(?P<doc>[^/]+)/(?P<page>[0-9]{1,16})")
_EXAMPLE = "The id of a page is its document and a number from 1, e.g. report.pdf#12."


@dataclass(frozen=True, slots=True)
class NamedPage:
    """A page, as assistants name it.

    Args:
        doc: Document name.
        page: From 1.
    """

    doc: str
    page: int

    @property
    def id(self) -> str:
        """Its name for calls."""
        return f"{to_stored(self.doc)}#{self.page}"

    @property
    def title(self) -> str:
        """Its name for people, on one line."""
        return f"{shown(self.doc)}, page {self.page}"

    @property
    def uri(self) -> str:
        """Its address as a resource."""
        return ADDRESS.format(doc=quote(to_stored(self.doc), safe=""), page=self.page)


def read_ref(text: str) -> NamedPage:
    """The page of an id or address.

    Raises:
        UsageError: It is neither.
    """
    if len(text) <= LONGEST_NAME:
        if found := _URI.fullmatch(text):
            return _ref(unquote(found["doc"]), found["page"])
        if found := _REF.fullmatch(text):
            return _ref(found["doc"], found["page"])
    raise UsageError(f"{quoted(text)} is no id of a page.", _EXAMPLE)


def _ref(doc: str, page: str) -> NamedPage:
    number = int(page)
    if not 1 <= number <= MOST_PAGE:
        raise UsageError(f"There is no page {number}.", _EXAMPLE)
    return NamedPage(from_stored(doc), number)
