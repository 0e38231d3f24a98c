"""What tools answer, as data: the schemas that programs read, and the JSON that an assistant does."""

from __future__ import annotations

from typing import Any

from mcp_types import CallToolResult, ContentBlock, TextContent
from pydantic import BaseModel


class FoundPage(BaseModel):
    """A page found: `id` is for `fetch` and `show_page`, `title` for citations, `relevance` 0 to 1 if known."""

    id: str
    title: str
    url: str
    text: str
    matched: list[str] = []
    relevance: float | None = None
    note: str = ""


class FoundPages(BaseModel):
    """Pages found, best first."""

    results: list[FoundPage]
    note: str = ""


class PageText(BaseModel):
    """The words of a page, or some of them; `more` says how to get the next."""

    id: str
    title: str
    text: str
    url: str
    metadata: dict[str, Any] = {}
    note: str = ""
    more: str = ""


class ShownPage(BaseModel):
    """A page whose picture is in the answer, with its size in pixels."""

    id: str
    title: str
    width: int
    height: int
    marked: bool = False


class ShownPages(BaseModel):
    """Pictures in the order of the answer, and what is not among them."""

    shown: list[ShownPage]
    failed: list[str] = []
    more: str = ""


class ListedDocument(BaseModel):
    """A document."""

    name: str
    pages: int
    metadata: dict[str, Any] = {}
    state: str = ""


class ListedValue(BaseModel):
    """A value of a metadata key, and what has it."""

    value: Any
    documents: int
    pages: int


class ListedDocuments(BaseModel):
    """Documents, or values of a key; `keys` can be used in `where`, `more` says how to get the next."""

    documents: list[ListedDocument] = []
    values: list[ListedValue] = []
    total_documents: int
    total_pages: int
    keys: list[str] = []
    more: str = ""


class QuotedPage(BaseModel):
    """A quote that was looked for on its page, and what came of it: "supported", "changed" or "not found"."""

    text: str
    page: str
    status: str


class WrittenAnswer(BaseModel):
    """An answer whose claims rest on quotes."""

    found: bool
    answer: str
    claims: list[dict[str, Any]] = []
    quotes: list[QuotedPage] = []
    model: str | None = None


class IngestedFiles(BaseModel):
    """What an ingest did."""

    added_pages: int
    unchanged_pages: int
    failed: list[str] = []
    note: str = ""


class RemovedDocuments(BaseModel):
    """What was removed from the index; files stay."""

    removed: list[str]
    pages: int


def result_of(answer: BaseModel, *blocks: ContentBlock) -> CallToolResult:
    """An answer as data and for reading: its JSON where no blocks are given.

    What is empty is left out of both.
    """
    data = answer.model_dump(mode="json", exclude_defaults=True)
    text = TextContent(type="text", text=answer.model_dump_json(exclude_defaults=True))
    return CallToolResult(content=[*blocks] or [text], structured_content=data)
