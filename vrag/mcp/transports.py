"""How assistants reach the server: by the pipes of a process that they start, or by HTTP."""

from __future__ import annotations

import socket
from collections.abc import Callable

from mcp.server.transport_security import TransportSecuritySettings

from vrag.mcp.call_bounds import MOST_BODY, MOST_SESSIONS, SESSION_S
from vrag.mcp.mcp_server import AssistantServer
from vrag.serve.http.guard import Guard, Guarded
from vrag.serve.http.http_server import HttpServer
from vrag.serve.http.server import server_config

PATH = "/mcp"


def serve_pipes(server: AssistantServer) -> None:
    """Answer on standard output what comes on standard input, until that ends; nothing else is written there."""
    server.run("stdio")


def serve_http(server: AssistantServer, listener: socket.socket, guard: Guard, ready: Callable[[], None]) -> None:
    """Answer at `/mcp` of an address, until somebody ends it.

    Args:
        server: Answers.
        listener: Of the address.
        guard: Refuses requests of other web pages, and those without the token.
        ready: Called as soon as it answers.
    """
    app = server.streamable_http_app(
        streamable_http_path=PATH,
        max_request_body_size=MOST_BODY,
        max_sessions=MOST_SESSIONS,
        session_idle_timeout=SESSION_S,
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),  # the guard does it
    )
    HttpServer(server_config(Guarded(app, guard)), ready).run(sockets=[listener])
