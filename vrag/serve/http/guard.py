"""Who may ask: the names the service goes by, requests that other web pages make, and the token."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import parse_qsl, urlsplit

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from vrag.errors import UsageError
from vrag.serve.http.pages_of_ours import LOCKED
from vrag.serve.http.problems import problem

LOOPBACK = ("127.0.0.1", "localhost", "::1")
ANY_HOST = "*"
SHORTEST_TOKEN = 8  # characters
LONGEST_TOKEN = 256
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]+")  # what fits into a header (RFC 6750)
_SAFE = ("GET", "HEAD")
_OPEN = ("/healthz",)  # without a token: whoever restarts the service has none
_FORWARDED = "x-forwarded-proto"  # what a proxy was asked by; it can only make us stricter, whoever says it
_YEAR_S = 365 * 24 * 3600
_HINT = "Send it as `Authorization: Bearer TOKEN`, or open /?token=TOKEN in a browser."


@dataclass(frozen=True, slots=True)
class Guard:
    """What the service asks of a request before anything else looks at it.

    Args:
        hosts: Names and addresses it goes by, without ports; "*" for any, which is for those alone who have a token.
            A page of another site can make a browser believe that its name is ours, but has to say that name.
        token: Of those who may ask; empty for everybody who can reach it.
    """

    hosts: tuple[str, ...] = LOOPBACK
    token: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if self.token and not (_TOKEN.fullmatch(self.token) and SHORTEST_TOKEN <= len(self.token) <= LONGEST_TOKEN):
            raise UsageError(
                f"The token must be {SHORTEST_TOKEN} to {LONGEST_TOKEN} letters, digits or ._~+/=-.",
                f"e.g. {secrets.token_urlsafe(24)}",
            )
        if ANY_HOST in self.hosts and not self.token:
            raise UsageError("A service that other machines can reach needs a token.", "Give --token, or VRAG_TOKEN.")

    def is_called(self, host: str) -> bool:
        """Whether a Host header names this service."""
        name = _name_of(host)
        return name is not None and (ANY_HOST in self.hosts or name in self.hosts)

    def admits(self, headers: Mapping[str, str]) -> bool:
        """Whether a request brings the token, in its header or as the cookie."""
        if not self.token:
            return True
        kind, _, given = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self.is_token(given.strip()):
            return True
        return _same(cookie_parser(headers.get("cookie", "")).get(self.cookie_name(headers), ""), self.cookie)

    def is_token(self, text: str) -> bool:
        """Whether this is the token, found out in the same time whatever it is."""
        return _same(text, self.token)

    @property
    def cookie(self) -> str:
        """What the cookie holds: nothing that the token could be read from."""
        return hmac.new(self.token.encode(), b"vrag cookie", hashlib.sha256).hexdigest()

    def cookie_name(self, headers: Mapping[str, str]) -> str:
        """Of the cookie: browsers send cookies to every port of a host, so each port has one of its own."""
        port = headers.get("host", "").rpartition(":")[2]
        return f"vrag_{port}" if port.isdigit() else "vrag"


def make_guard(host: str, token: str | None = None) -> Guard:
    """The guard of a service that listens at a host.

    Args:
        host: Name or address.
        token: Needed unless only this machine can reach the service.

    Raises:
        UsageError: Other machines can reach it, and there is no token; or the token cannot be sent.
    """
    hosts = LOOPBACK if _is_loopback(host) else (ANY_HOST,)
    return Guard((*hosts, host.lower()) if hosts is LOOPBACK else hosts, token or "")


class Guarded:
    """Lets only those requests through that the guard admits (ASGI)."""

    def __init__(self, app: ASGIApp, guard: Guard) -> None:
        self._app = app
        self._guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what is refused, hand on the rest."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        else:
            answer = self._refusal(scope)
            await (self._app if answer is None else answer)(scope, receive, send)

    def _refusal(self, scope: Scope) -> ASGIApp | None:
        headers, path, method = Headers(scope=scope), scope["path"], scope["method"]
        if not self._guard.is_called(headers.get("host", "")):
            return problem(421, "This service does not go by that name.", "Use the address it printed.", path)
        if _is_foreign(headers, method):
            return problem(403, "Another web page has made this request.", "Open the service's own page.", path)
        if not self._guard.token or path in _OPEN:
            return None
        given = _token_in(scope["query_string"]) if path == "/" and method in _SAFE else None
        if given is not None and self._guard.is_token(given):
            return self._enter(headers)
        if self._guard.admits(headers):
            return None
        if given is not None:
            return LOCKED
        if "text/html" in headers.get("accept", ""):
            return LOCKED
        return problem(401, "The token is missing or wrong.", _HINT, path, {"WWW-Authenticate": 'Bearer realm="vrag"'})

    def _enter(self, headers: Headers) -> ASGIApp:
        """The cookie for whoever opens `/?token=...`, and on to the page without it: addresses are kept and shared."""
        answer = RedirectResponse("/", 303)
        name, secure = self._guard.cookie_name(headers), _scheme_of(headers) == "https"
        answer.set_cookie(name, self._guard.cookie, _YEAR_S, httponly=True, samesite="strict", secure=secure)
        return answer


def is_from_elsewhere(headers: Mapping[str, str]) -> bool:
    """Whether a page of another site is behind a request or a link that was followed, as far as the browser says."""
    return headers.get("sec-fetch-site", "none") not in ("same-origin", "none")


def _is_foreign(headers: Headers, method: str) -> bool:
    """Whether a page of another site is behind a request; programs do not say where they come from."""
    origin = headers.get("origin")
    if is_from_elsewhere(headers):
        is_link = method in _SAFE and headers.get("sec-fetch-mode") == "navigate"
        return not (is_link and headers.get("sec-fetch-dest") == "document")
    if origin is None or method in _SAFE:
        return False
    try:
        asking = urlsplit(origin)
    except ValueError:
        return True
    is_other_scheme = asking.scheme != (_scheme_of(headers) or asking.scheme)
    return is_other_scheme or asking.netloc.lower() != headers.get("host", "").lower()


def _scheme_of(headers: Mapping[str, str]) -> str:
    """How a proxy was asked, "http" or "https"; empty when no proxy says that."""
    return headers.get(_FORWARDED, "").split(",")[0].strip().lower()


def _token_in(query: bytes) -> str | None:
    """The token of `/?token=...`; None when there is none in it."""
    return dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True)).get("token")


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _name_of(host: str) -> str | None:
    """The name in a Host header, without the port; None when it is malformed."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return None


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())
