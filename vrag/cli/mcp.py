"""`vrag mcp`: assistants search, read and look at the pages of an index by the Model Context Protocol."""

from __future__ import annotations

import os
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vrag.cli import output
from vrag.cli.llm_options import LlmModelOption, LlmOption, LlmSeesOption, NoLlmOption, SeesName, chosen_llm
from vrag.cli.place import WAIT_S, CollectionOption, IndexOption, TimeoutOption, UrlOption, WaitOption, named_path
from vrag.cli.serve import address_at, listening
from vrag.errors import UsageError
from vrag.settings import INDEX_ENV, TOKEN_ENV

if TYPE_CHECKING:
    from vrag.mcp.mcp_server import AssistantServer

PORT = 8322


class TransportName(str, Enum):
    """How an assistant reaches the server."""

    stdio = "stdio"
    http = "http"


def mcp(
    index: IndexOption = None,
    url: UrlOption = None,
    collection: CollectionOption = None,
    timeout: TimeoutOption = None,
    wait: WaitOption = WAIT_S,
    transport: Annotated[
        TransportName, typer.Option(help="stdio: the assistant starts this command; http: it asks an address.")
    ] = TransportName.stdio,
    allow_writes: Annotated[
        bool, typer.Option("--allow-writes", help="Let assistants remove documents, and index files below --root.")
    ] = False,
    root: Annotated[
        list[Path] | None,
        typer.Option(
            "--root", parser=named_path, metavar="<path>", help="Folder whose files they may index; may be repeated."
        ),
    ] = None,
    host: Annotated[
        str, typer.Option(help="With http: address to listen at; any but this machine's own needs --token.")
    ] = ("127.0.0.1"),
    port: Annotated[int, typer.Option(min=0, max=65535, help="With http: port; 0: any free one.")] = PORT,
    token: Annotated[str | None, typer.Option(help=f"With http: whoever has it may ask. Better: {TOKEN_ENV}.")] = None,
    llm: LlmOption = None,
    llm_model: LlmModelOption = None,
    llm_sees: LlmSeesOption = SeesName.auto,
    no_llm: NoLlmOption = False,
    force: Annotated[
        bool, typer.Option(help="Use the index although another model made it, or pages are lost.")
    ] = False,
) -> int:
    """Let assistants search, read and look at pages (Model Context Protocol); read-only unless allowed otherwise.

    A host such as Claude Desktop, Cursor or VS Code starts it: docs/how-to/agents.md says what to paste where.

    Example: vrag mcp --index ./my-index
    Example: vrag mcp --index ./my-index --transport http --port 8322
    """
    if root and not allow_writes:
        raise UsageError("--root is for files that may be indexed.", "Give --allow-writes too, or leave it out.")
    for folder in root or ():
        if not folder.is_dir():
            raise UsageError(f"{folder} is no folder.", "Name the folder whose files may be indexed.")
    _require_extra()
    from vrag.mcp.changing_tools import Roots
    from vrag.mcp.kept_index import KeptIndex
    from vrag.mcp.mcp_server import AssistantServer
    from vrag.mcp.tools import Tools
    from vrag.mcp.transports import serve_pipes
    from vrag.places.place import choose_place
    from vrag.runtime.memory import stay_small

    model = chosen_llm(llm, llm_model, llm_sees, no_llm)
    is_named = bool(index or os.environ.get(INDEX_ENV))  # then it may come later: hosts start this and keep it
    place = choose_place(index, url, collection, timeout, wait, writing=is_named)
    if place.folder is not None and not place.holds_index():
        output.note(f"No index at {place.name} yet. Make one with: vrag ingest FOLDER --index {place.name}")
    kept = KeptIndex(place, collection, force)
    stay_small()
    server = AssistantServer(Tools(kept, model, Roots(root) if root else None, allow_writes))
    try:
        if transport is TransportName.stdio:
            serve_pipes(server)
        else:
            _serve_http(server, host, port, token)
    finally:
        kept.close()
    return 0


def _serve_http(server: AssistantServer, host: str, port: int, token: str | None) -> None:
    from vrag.mcp.transports import PATH, serve_http
    from vrag.serve.http.guard import make_guard

    guard = make_guard(host, token or os.environ.get(TOKEN_ENV) or "")
    with listening(host, port) as listener:
        address = address_at(host, listener.getsockname()[1]).rstrip("/") + PATH

        def tell() -> None:
            """It answers by now."""
            output.note("Ctrl-C ends it.")
            output.line(address)

        serve_http(server, listener, guard, tell)
    output.note("Stopped.")


def _require_extra() -> None:
    """Refuse to start without the protocol's package.

    Raises:
        UsageError: It is not installed.
    """
    try:
        import mcp.server.mcpserver  # noqa: F401
    except ImportError as error:
        raise UsageError(
            "vrag mcp needs the package `mcp`.", 'Install it with: pip install "vrag-toolkit[mcp]"'
        ) from error
