"""`vrag serve`: one process holds the index, and people, programs and other commands use it."""

from __future__ import annotations

import html
import os
import socket
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vrag.cli import output
from vrag.cli.llm_options import LlmModelOption, LlmOption, LlmSeesOption, NoLlmOption, SeesName, chosen_llm
from vrag.cli.place import WAIT_S, CollectionOption, IndexOption, TimeoutOption, UrlOption, WaitOption, path_option
from vrag.errors import UsageError
from vrag.runtime.units import counted
from vrag.settings import TOKEN_ENV

if TYPE_CHECKING:
    from vrag.llm.llm import Llm
    from vrag.places.place import Place
    from vrag.serve.http.guard import Guard

PORT = 8321


def serve(
    index: IndexOption = None,
    url: UrlOption = None,
    collection: CollectionOption = None,
    timeout: TimeoutOption = None,
    wait: WaitOption = WAIT_S,
    host: Annotated[str, typer.Option(help="Address to listen at; any but this machine's own needs --token.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen at; 0: any free one.")] = PORT,
    token: Annotated[
        str | None, typer.Option(help=f"Whoever has it may ask. Better: {TOKEN_ENV}: others can read a command line.")
    ] = None,
    open_: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    read_only: Annotated[bool, typer.Option("--read-only", help="Let nobody change the index.")] = False,
    new: Annotated[bool, typer.Option("--new", help="Make an empty index where there is none.")] = False,
    uploads: Annotated[
        Path | None, path_option("Folder for uploaded files; default: in the index's folder.", "--uploads")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Searches that compute at the same time; default: one a core.")
    ] = None,
    llm: LlmOption = None,
    llm_model: LlmModelOption = None,
    llm_sees: LlmSeesOption = SeesName.auto,
    no_llm: NoLlmOption = False,
    force: Annotated[
        bool, typer.Option(help="Serve although another model made the index, or pages are lost.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the address as JSON once it answers.")] = False,
) -> int:
    """Serve an index to browsers, programs and other commands.

    While it runs, every other command on this machine works with it: search, ingest, rm and the rest. Ctrl-C ends it.

    Example: vrag serve --index ./my-index --open
    Example: vrag serve --index ./my-index --llm http://localhost:11434/v1
    """
    from vrag.places.place import choose_place
    from vrag.serve.http.guard import make_guard

    guard = make_guard(host, token or os.environ.get(TOKEN_ENV) or "")
    model = chosen_llm(llm, llm_model, llm_sees, no_llm)
    place = choose_place(index, url, collection, timeout, wait, writing=new)
    with listening(host, port) as listener, ExitStack() as last:
        address = address_at(host, listener.getsockname()[1])
        if new and not place.holds_index():
            _make(place)

        def tell(facts: dict[str, Any]) -> None:
            """It answers by now."""
            pages = f"{counted(facts['documents'], 'document')}, {counted(facts['pages'], 'page')}"
            output.note(f"{place.name}: {pages}. Ctrl-C ends it.")
            if model is not None:
                name = model.model or "the first model"
                output.note(f"Answers are written by {name} at {model.url}, which is sent questions and pages.")
            if json:
                output.data({"url": address, **facts})
            else:
                output.line(address)
            if open_:
                webbrowser.open(last.enter_context(_entrance(address, guard.token)) if guard.token else address)

        how = _How(guard, force, workers, read_only, uploads, model)
        _serve(place, listener, tell, how)
    output.note("Stopped.")
    return 0


@dataclass(frozen=True)
class _How:
    """What a service was started with."""

    guard: Guard
    force: bool
    searches: int | None
    read_only: bool
    uploads: Path | None
    llm: Llm | None


def _serve(place: Place, listener: socket.socket, tell: Callable[[dict[str, Any]], None], how: _How) -> None:
    from vrag.catalog.documents import CURRENT
    from vrag.runtime.memory import stay_small
    from vrag.serve.http.app import make_app, take_up_uploads
    from vrag.serve.http.http_server import HttpServer
    from vrag.serve.http.server import server_config
    from vrag.serve.serving import serving

    stay_small()
    with serving(place, how.force, how.searches, how.read_only, how.llm) as service:
        output.warn_of_loss(service.index.lost)
        service.warm_up()
        documents = len(service.index.documents.in_state(CURRENT))
        facts = {"index": place.name, "documents": documents, "pages": service.index.page_count, "pid": os.getpid()}
        app = make_app(service, how.guard, uploads=how.uploads)
        take_up_uploads(app)
        HttpServer(server_config(app), lambda: tell(facts)).run(sockets=[listener])


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """The socket of the service, taken before the model is loaded.

    Raises:
        UsageError: The address is not this machine's, or somebody listens there already.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host.strip("[]"), port), family=family, backlog=128)
    except (OSError, UnicodeError) as error:
        said = getattr(error, "strerror", None) or str(error)
        hint = f"Choose another one with --port, or ask who is at {port}: it may be vrag already."
        raise UsageError(f"Nothing can listen at {host}, port {port}: {said}.", hint) from error
    with listener:
        yield listener


def address_at(host: str, port: int) -> str:
    """Where a browser finds the page."""
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{name}:{port}/"


@contextmanager
def _entrance(address: str, token: str) -> Iterator[str]:
    """A file for its owner alone that leads on with the token: what a browser is started with, others can read."""
    with NamedTemporaryFile("w", suffix=".html") as file:
        file.write(f'<meta http-equiv="refresh" content="0; url={html.escape(address)}?token={html.escape(token)}">')
        file.flush()
        yield Path(file.name).as_uri()


def _make(place: Place) -> None:
    from vrag.index import Index

    Index.create(place).close()
    output.note(f"A new index, without pages yet: {place.name}.")
