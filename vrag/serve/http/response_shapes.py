"""What the service answers, as OpenAPI describes it; answers are made of plain dicts and not checked against these."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

Box = list[float]


class MatchOut(BaseModel):
    """What answers a row of the query on a page."""

    token: str
    similarity: float
    contribution: float
    row: int
    text: str
    place: str
    box: Box


class HitOut(BaseModel):
    """A page found."""

    rank: int
    score: float
    doc: str = Field(description="Name of the document.")
    doc_id: str
    title: str = Field(description="Title from its metadata, else its name.")
    path: str = Field(description="Of its file, on the service's machine.")
    page: int = Field(description="From 1.")
    stages: dict[str, float]
    region: Box | None = Field(description="x0, y0, x1, y1 of the best region, as shares of the page.")
    context_words: list[str]
    relevance: float | None = Field(
        description="How likely it is that the index has what was asked for, as this page shows it, 0 to 1; "
        "null where that cannot be told."
    )
    page_url: str
    image_url: str
    thumbnail_url: str
    file_url: str
    snippet: str | None = None
    matched: list[str] = Field([], description="Words of the snippet that the query has too, to be marked.")
    text: str | None = None
    matches: list[MatchOut] | None = None
    image: str | None = Field(None, description="The page as a data URI (JPEG).")


class SearchOut(BaseModel):
    """What a search found."""

    query: str
    cascade: str
    took_ms: float
    found: bool = Field(description="Whether any hit is relevant; if not, the hits are the nearest pages.")
    hits: list[HitOut]
    why_empty: str | None = Field(None, description="Why nothing was found, and what to try.")


class MismatchOut(BaseModel):
    """Where a quote says something else than its page."""

    said: str
    stands: str


class QuoteOut(BaseModel):
    """What an answer says that a page says."""

    text: str
    doc: str
    doc_id: str | None = None
    path: str = Field(description="Of its file, on the service's machine.")
    page: int = Field(description="From 1.")
    boxes: list[Box] = Field(description="Where it was found, one a line: x0, y0, x1, y1 as shares of the page.")
    status: Literal["supported", "changed", "not found"]
    mismatches: list[MismatchOut] | None = Field(None, description="What is changed.")
    page_url: str | None = Field(None, description="Like the other addresses, none of a page that was not looked at.")
    image_url: str | None = None
    thumbnail_url: str | None = None
    file_url: str | None = None


class ClaimOut(BaseModel):
    """One statement of a language model."""

    text: str
    quotes: list[int] = Field(description="Numbers of its quotes, from 1.")
    supported: bool = Field(description="Whether it has a quote, and its pages support all of them.")
    reason: str | None = Field(None, description="Why it is not supported.")
    unquoted: list[str] | None = Field(None, description="Figures and dates that it names and none of its quotes has.")


class AskOut(BaseModel):
    """An answer with its quotes."""

    question: str
    found: bool = Field(description="Whether there is a quote that its page supports.")
    answer: str = Field(description="In words, with [1], [2] for the quotes.")
    model: str | None = Field(None, description="Of the language model that wrote it; none for quotes alone.")
    quotes: list[QuoteOut]
    pages: list[HitOut] = Field(description="That were looked at, the nearest first.")
    claims: list[ClaimOut] | None = Field(None, description="All that a language model said.")
    searched: str | None = Field(None, description="What was searched for, where it is not the question as asked.")
    left_out: list[str] | None = Field(None, description="What the model was not shown, a sentence each.")


class FailureOut(BaseModel):
    """What could not be indexed."""

    path: str
    page: int | None
    reason: str
    hint: str
    times: int
    doc_id: str | None = None


class DocumentOut(BaseModel):
    """A document."""

    id: str = Field(description="SHA-256 of its bytes.")
    doc: str = Field(description="Name, as filters take it.")
    title: str
    path: str
    paths: list[str]
    pages: int
    state: Literal["complete", "partial", "arriving"]
    metadata: dict[str, Any]
    added: str = Field(description="When it came into the index, ISO 8601; empty where that is not known.")
    uploaded: bool = Field(description="Whether its file came by upload.")
    failures: list[FailureOut]
    url: str
    file_url: str
    thumbnail_url: str


class FacetOut(BaseModel):
    """How often a value occurs."""

    value: Any = Field(description="null: no value.")
    documents: int
    pages: int


class DocumentsOut(BaseModel):
    """A part of the documents."""

    total: int
    limit: int
    offset: int
    documents: list[DocumentOut]
    facets: dict[str, list[FacetOut]]


class FailuresOut(BaseModel):
    """All failures."""

    failures: list[FailureOut]


class WordOut(BaseModel):
    """A word on a page."""

    text: str
    box: Box = Field(description="x0, y0, x1, y1 as shares of the page.")
    line: int


class PageOut(BaseModel):
    """A page."""

    doc_id: str
    doc: str
    title: str
    page: int
    pages: int
    width: float | None = Field(description="Points (1/72 inch); null for a page that could not be read.")
    height: float | None
    source: str = Field(description="Where the words come from: layer, ocr, layer+ocr or none.")
    words: list[WordOut] = Field(description="In reading order.")
    text: str
    metadata: dict[str, Any]
    image_url: str
    thumbnail_url: str
    file_url: str
    previous_url: str | None
    next_url: str | None
    failure: FailureOut | None = None


class SummaryOut(BaseModel):
    """An explanation for people."""

    standing: str
    sentences: list[str]
    words: list[dict[str, Any]]
    region: Box | None


class ExplainOut(BaseModel):
    """Why a page stands where it stands: the object of `vrag explain --json`, and a summary."""

    query: str
    doc: str
    doc_id: str
    path: str
    page: int
    cascade: str
    score: float
    stages: list[dict[str, Any]]
    matches: list[MatchOut]
    counted: dict[str, Any] | None
    summary: SummaryOut


class JobOut(BaseModel):
    """A job."""

    id: str
    kind: str
    about: list[str]
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    created: str
    started: str | None
    ended: str | None
    done: int
    total: int | None
    doing: str
    result: dict[str, Any] | None
    error: dict[str, Any] | None
    version: int
    url: str


class JobsOut(BaseModel):
    """All jobs that are remembered, the newest first."""

    jobs: list[JobOut]
    contents: str = Field(description="Another text when documents came or went, where other processes write as well.")


class AcceptedOut(BaseModel):
    """Work that was taken on."""

    job: str
    url: str


class FilterOut(BaseModel):
    """A metadata key that filters can name."""

    key: str
    kind: Literal["string", "number", "date", "bool", "list"]


class UploadsOut(BaseModel):
    """What may be uploaded at once."""

    max_files: int
    max_bytes: int = Field(description="Of one file.")
    max_total_bytes: int = Field(description="Of all files of one upload.")
    printed: list[str] = Field(description="Endings of files that are taken since LibreOffice prints them here.")


class LanguageModelOut(BaseModel):
    """What writes answers."""

    name: str | None = Field(description="null: the first one that its endpoint lists.")
    sees: Literal["auto", "images", "text", "both"] = Field(description="What it is shown of pages.")


class IndexOut(BaseModel):
    """The index."""

    vrag: str
    index: str
    collection: str | None = Field(description="On a Qdrant server; null of an index in a folder.")
    pipeline: str
    model: str
    documents: int
    pages: int
    bytes: int | None
    default_cascade: str
    cascades: dict[str, str]
    vectors: list[str]
    read_only: bool
    uploads: UploadsOut
    filters: list[FilterOut]
    failed_files: int
    failed_pages: int
    partial: int
    arriving: int
    jobs_running: int
    language_model: LanguageModelOut | None = Field(description="null: answers are quotes alone.")


class StatusOut(BaseModel):
    """How the service is."""

    status: str


class ReportOut(BaseModel):
    """A report of an evaluation."""

    name: str
    title: str
    created: str
    url: str


class ReportsOut(BaseModel):
    """All of them, the newest first."""

    reports: list[ReportOut]
