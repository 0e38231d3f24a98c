"""What the service is asked, as pydantic reads it and OpenAPI describes it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from vrag.cascade.text import MOST_CHARACTERS as LONGEST_CASCADE
from vrag.runtime.data_url import data_url
from vrag.search.query_picture import MOST_BYTES
from vrag.search.query_text import MOST_CHARACTERS as LONGEST_QUERY
from vrag.search.query_text import Words

MOST_HITS = 100
MOST_IMAGES = 20  # hits with their pictures in the answer
MOST_TURNS = 50  # of a conversation before a question
Include = Literal["snippet", "text", "matches", "image"]
Shown = Literal["snippet", "text", "image"]
LONGEST_PICTURE = len(data_url(b"")) + 4 * (MOST_BYTES // 3 + 1)
_OTHERS = "Hits wanted; the page itself is none."
_SHOWN = "What each hit has besides: its snippet, text of the page, picture (data URI)."
_QUERY = "What is looked for, in words."
_CASCADE = "Name or text of a cascade; by default the index's own."
_WHERE = "Filters that must all hold, e.g. `year >= 2020` or `doc=report.pdf`."
_WORDS = 'typed: "phrases" must and -words must not be on a page; plain: a question; exact: every word must be there.'
_MIN_RELEVANCE = "Hits with less are left out; those whose relevance is not known stay."
_INCLUDE = "What each hit has besides: its snippet, text of the page, matches of query words, picture (data URI)."


class Asked(BaseModel):
    """A request's body: nothing unknown, nothing converted."""

    model_config = ConfigDict(extra="forbid", strict=True)


class SearchRequest(Asked):
    """A search."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"query": "revenue by region", "k": 5, "where": ["year >= 2020"]}]}
    )
    query: str = Field(description=_QUERY, min_length=1, max_length=LONGEST_QUERY)
    k: int = Field(10, description="Hits wanted.", ge=1, le=MOST_HITS)
    cascade: str | None = Field(None, description=_CASCADE, max_length=LONGEST_CASCADE)
    where: str | list[str] = Field(default_factory=list, description=_WHERE)
    words: Words = Field("typed", description=_WORDS)
    min_relevance: float = Field(0.0, description=_MIN_RELEVANCE, ge=0, le=1)
    include: list[Include] = Field(default=["snippet"], description=_INCLUDE, max_length=4)


class LikeRequest(Asked):
    """A page that others are to be like."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"doc": "report.pdf", "page": 3, "k": 5}]})
    doc_id: str | None = Field(None, description="Document by id.", max_length=64)
    doc: str | None = Field(None, description="Document by name.", min_length=1, max_length=4096)
    page: int = Field(description="From 1.", ge=1, le=2**31 - 1)
    k: int = Field(10, description=_OTHERS, ge=1, le=MOST_HITS)
    cascade: str | None = Field(None, description=_CASCADE, max_length=LONGEST_CASCADE)
    where: str | list[str] = Field(default_factory=list, description=_WHERE)
    include: list[Shown] = Field(default=["snippet"], description=_SHOWN, max_length=3)


class ImageRequest(Asked):
    """A picture that pages are to be like."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"image": "data:image/png;base64,iVBORw0KGgo=", "k": 5}]})
    image: str = Field(description="PNG or JPEG as a data URI.", min_length=1, max_length=LONGEST_PICTURE)
    k: int = Field(10, description="Hits wanted.", ge=1, le=MOST_HITS)
    cascade: str | None = Field(None, description=_CASCADE, max_length=LONGEST_CASCADE)
    where: str | list[str] = Field(default_factory=list, description=_WHERE)
    include: list[Shown] = Field(default=["snippet"], description=_SHOWN, max_length=3)


class Turn(Asked):
    """A question that was asked before in the conversation, and its answer."""

    question: str = Field(min_length=1, max_length=LONGEST_QUERY)
    answer: str = Field(max_length=LONGEST_QUERY)


class AskRequest(Asked):
    """A question."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"question": "What was the revenue in 2025?", "where": ["doc=report.pdf"]}]}
    )
    question: str = Field(description="In words.", min_length=1, max_length=LONGEST_QUERY)
    k: int = Field(5, description="Pages to look at.", ge=1, le=MOST_HITS)
    where: str | list[str] = Field(default_factory=list, description=_WHERE)
    model: bool = Field(
        True, description="Whether the service's language model writes the answer, where it has one; else quotes alone."
    )
    history: list[Turn] = Field(
        default_factory=list,
        description="The conversation before, its last turn last: the question may go on from it.",
        max_length=MOST_TURNS,
    )
    stream: bool = Field(False, description="Whether the answer comes as server-sent events.")


class ExplainRequest(Asked):
    """A page to be explained."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"query": "revenue by region", "doc": "report.pdf", "page": 3}]}
    )
    query: str = Field(description=_QUERY, min_length=1, max_length=LONGEST_QUERY)
    doc_id: str | None = Field(None, description="Document by id.", max_length=64)
    doc: str | None = Field(
        None,
        description="Document by name; without either, the best hit is explained.",
        min_length=1,
        max_length=4096,
    )
    page: int | None = Field(None, description="From 1; by default the document's best page.", ge=1, le=2**31 - 1)
    cascade: str | None = Field(None, description=_CASCADE, max_length=LONGEST_CASCADE)
    where: str | list[str] = Field(default_factory=list, description=_WHERE)
    k: int = Field(10, description="Hits that the search lets through.", ge=1, le=MOST_HITS)
    words: Words = Field("typed", description=_WORDS)


class MetadataRequest(Asked):
    """Metadata to be changed."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"metadata": {"year": 2024, "draft": None}}]})
    metadata: dict[str, Any] = Field(
        description="Values by key: text, number, date (`2024-03-01`), true or false, list of texts; "
        "null takes away what was given before.",
        max_length=1000,
    )


def clauses(where: str | list[str]) -> list[str]:
    """Filters as a list."""
    return [where] if isinstance(where, str) else where
