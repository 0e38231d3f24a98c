"""The tools as assistants see them: names, arguments, and descriptions for a model that has never heard of vrag.

Every word of a description is read by the model in every conversation: `tests/mcp/test_descriptions.py` holds their
size.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Concatenate, ParamSpec, TypeVar

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ResourceNotFoundError, ToolError
from mcp_types import CallToolResult, ToolAnnotations
from pydantic import BaseModel, BeforeValidator, Field

from vrag.llm.llm import Llm
from vrag.mcp import answer_tool, changing_tools, looking, shown_pages
from vrag.mcp.at_work import ToldSteps, ToolCalls
from vrag.mcp.call_bounds import (
    LEAST_WIDTH,
    LONGEST_NAME,
    MOST_HITS,
    MOST_NAMED,
    MOST_PICTURES,
    MOST_READ,
    MOST_SHOWN,
    MOST_START,
    MOST_WIDTH,
    WIDTH,
)
from vrag.mcp.changing_tools import Roots
from vrag.mcp.kept_index import KeptIndex
from vrag.mcp.tool_answers import (
    FoundPages,
    IngestedFiles,
    ListedDocuments,
    PageText,
    RemovedDocuments,
    ShownPages,
    WrittenAnswer,
    result_of,
)
from vrag.remote.any_index import AnyIndex
from vrag.runtime.stopping import Stop
from vrag.search.query_text import MOST_CHARACTERS as LONGEST_QUERY
from vrag.search.where import MOST_CHARACTERS as LONGEST_CLAUSE
from vrag.search.where import MOST_CLAUSES

Given = ParamSpec("Given")
Answered = TypeVar("Answered")
_READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
_ASKS = ToolAnnotations(read_only_hint=True, open_world_hint=True)  # its model may be anywhere
_ADDS = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
_REMOVES = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False)

_ONE_OR_MORE = BeforeValidator(lambda given: [given] if isinstance(given, str) else given)  # models forget the brackets

Clause = Annotated[str, Field(max_length=LONGEST_CLAUSE)]
Where = Annotated[
    list[Clause],
    Field(
        max_length=MOST_CLAUSES,
        description='Filters, all must hold: "doc=report.pdf", "year >= 2020". list_documents gives the keys.',
    ),
    _ONE_OR_MORE,
]
Start = Annotated[int, Field(ge=0, le=MOST_START, description="Where to go on, as `more` of the last answer says.")]
Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
Question = Annotated[str, Field(min_length=1, max_length=LONGEST_QUERY)]


class Tools:
    """The tools of a server, on one index.

    Args:
        kept: The index.
        llm: Writes answers; None for no tool that does.
        roots: Folders whose files may be indexed; none for no tool that does.
        may_remove: Whether documents may be removed.
    """

    def __init__(self, kept: KeptIndex, llm: Llm | None, roots: Roots | None, may_remove: bool) -> None:
        self._kept = kept
        self._llm = llm
        self._roots = roots
        self._may_remove = may_remove
        self.calls = ToolCalls()

    def add_to(self, server: MCPServer[Any]) -> None:
        """Give a server those that are allowed."""
        add = server.add_tool
        add(self.search, title="Search pages", annotations=_READS, description=_SEARCH)
        add(self.fetch, title="Read a page", annotations=_READS, description=_FETCH)
        add(self.show_page, title="Look at pages", annotations=_READS, description=_SHOW)
        add(self.list_documents, title="List documents", annotations=_READS, description=_LIST)
        if self._llm is not None:
            add(self.ask, title="Ask", annotations=_ASKS, description=_ASK)
        if self._roots is not None:
            add(self.ingest, title="Index files", annotations=_ADDS, description=_INGEST)
        if self._may_remove:
            add(self.remove, title="Remove documents", annotations=_REMOVES, description=_REMOVE)

    async def search(
        self,
        query: Annotated[str, Field(min_length=1, max_length=LONGEST_QUERY, description="A question or keywords.")],
        k: Annotated[int, Field(ge=1, le=MOST_HITS, description="Pages wanted.")] = 5,
        where: Where = [],  # noqa: B006  # read, never changed
    ) -> Annotated[CallToolResult, FoundPages]:
        """Pages for a query."""
        return await self._answer(looking.search, query, k, where)

    async def fetch(
        self,
        id: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME, description="Of a page, e.g. report.pdf#12.")],
        start: Start = 0,
    ) -> Annotated[CallToolResult, PageText]:
        """The words of a page."""
        return await self._answer(looking.fetch, id, start)

    async def show_page(
        self,
        ids: Annotated[
            list[Name],
            Field(min_length=1, max_length=MOST_SHOWN, description='Of pages, e.g. ["report.pdf#12"].'),
            _ONE_OR_MORE,
        ],
        width: Annotated[
            int, Field(ge=LEAST_WIDTH, le=MOST_WIDTH, description="Pixels; more for small print.")
        ] = WIDTH,
        query: Annotated[
            str, Field(max_length=LONGEST_QUERY, description="A question: a frame is drawn around what answers it.")
        ] = "",
    ) -> Annotated[CallToolResult, ShownPages]:
        """Pictures of pages."""
        return await self._run(shown_pages.show_pages, ids, width, query)

    async def list_documents(
        self,
        where: Where = [],  # noqa: B006  # read, never changed
        key: Annotated[str, Field(max_length=200, description="Count documents by this metadata key instead.")] = "",
        start: Start = 0,
    ) -> Annotated[CallToolResult, ListedDocuments]:
        """The documents there are."""
        return await self._answer(looking.list_documents, where, key, start)

    async def ask(
        self,
        question: Question,
        context: Context[Any, Any],
        k: Annotated[int, Field(ge=1, le=MOST_READ, description="Pages it reads.")] = 5,
        where: Where = [],  # noqa: B006  # read, never changed
    ) -> Annotated[CallToolResult, WrittenAnswer]:
        """An answer of the model."""
        assert self._llm is not None
        stop = Stop()
        told = ToldSteps(context, stop)
        answer = partial(self._using, answer_tool.ask, self._llm, question, k, where, told)
        return result_of(await self.calls.run(answer, stop))

    async def ingest(
        self,
        context: Context[Any, Any],
        paths: Annotated[
            list[Name],
            Field(max_length=MOST_NAMED, description="Files or folders; by default all that are allowed."),
            _ONE_OR_MORE,
        ] = [],  # noqa: B006
    ) -> Annotated[CallToolResult, IngestedFiles]:
        """Index files."""
        assert self._roots is not None
        stop = Stop()
        told = ToldSteps(context, stop)
        work = partial(self._using, changing_tools.ingest, self._roots, paths, told)
        return result_of(await self.calls.run(work, stop))

    async def remove(
        self,
        names: Annotated[
            list[Name],
            Field(min_length=1, max_length=MOST_NAMED, description="Of documents, as list_documents gives them."),
            _ONE_OR_MORE,
        ],
    ) -> Annotated[CallToolResult, RemovedDocuments]:
        """Remove documents."""
        return await self._answer(changing_tools.remove, names)

    async def page_text(self, doc: str, page: str) -> str:
        """The words of a page, as a resource.

        Raises:
            ResourceNotFoundError: There is no such page.
        """
        try:
            found = await self._run(looking.fetch, f"{doc}#{page}", 0)
        except ToolError as error:
            raise ResourceNotFoundError(str(error)) from error
        return "\n".join(filter(None, (found.text, found.note, found.more)))

    async def _answer(
        self, look: Callable[Concatenate[AnyIndex, Given], BaseModel], *given: Given.args, **named: Given.kwargs
    ) -> CallToolResult:
        return result_of(await self._run(look, *given, **named))

    async def _run(
        self, look: Callable[Concatenate[AnyIndex, Given], Answered], *given: Given.args, **named: Given.kwargs
    ) -> Answered:
        return await self.calls.run(lambda: self._using(look, *given, **named), Stop())

    def _using(
        self, look: Callable[Concatenate[AnyIndex, Given], Answered], *given: Given.args, **named: Given.kwargs
    ) -> Answered:
        with self._kept.using() as index:
            return look(index, *given, **named)


_SEARCH = """\
Find pages of the user's documents (PDFs, scans, slides) that answer a question. Gives ids, each with the best \
passage and its relevance from 0 to 1. Ask in full sentences; search again in other words if the passages do not \
answer."""
_FETCH = """\
Read all words of a page, tables with | between cells. If `note` says the words are poor, or the page has charts or \
figures, look at it with show_page. Neighbouring pages have the next numbers."""
_SHOW = f"""\
Look at pages as pictures: charts, figures, scans, layout. At most {MOST_PICTURES} at once."""
_LIST = """\
List the documents with pages and metadata, or count them by a metadata key. Start here when asked what there is."""
_ASK = """\
Let another language model read the best pages and answer, each claim with quotes that were checked on their page. \
Slower than search; read the pages yourself when you can."""
_INGEST = """\
Index PDFs and pictures in the folders that the user allowed, so that they can be searched. Slow for many pages; what \
is indexed already costs nothing."""
_REMOVE = """\
Remove documents from the index. Their files stay. Only when the user asks for it."""
