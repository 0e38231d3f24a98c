"""Where a Qdrant server is and how to speak to it; nothing here loads the client or opens a connection."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from vrag.errors import UsageError
from vrag.runtime.hosts import is_local
from vrag.runtime.pathtext import quoted, shown

URL_ENV = "QDRANT_URL"
KEY_ENV = "QDRANT_API_KEY"
COLLECTION_ENV = "VRAG_COLLECTION"
GRPC_PORT_ENV = "VRAG_QDRANT_GRPC_PORT"
DEFAULT_COLLECTION = "vrag"
DEFAULT_TIMEOUT = 30.0
_REST_PORT, _GRPC_PORT = 6333, 6334
_ADDRESS = re.compile(r"[!-~]+")  # nothing that is not ASCII: names of other scripts have a form that is
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+(%[\w.-]+)?", re.ASCII)
_EXAMPLE = "e.g. --url http://localhost:6333"


@dataclass(frozen=True, slots=True)
class Server:
    """Address of a server, and those of the other nodes of its cluster.

    Args:
        url: `http[s]://HOST[:PORT][/PREFIX]`, normalised; port 6333 when left out.
        api_key: Sent with every request; never shown, never stored in an index.
        timeout: Seconds within which a search has answered or failed.
        patience: Seconds an ingest keeps trying to write through faults that may pass.
        grpc_port: Tried first; 0 speaks REST only. None: 6334 beside the usual port 6333, and REST only
            beside any other, where nobody knows what listens at 6334.
        others: Asked when this one is gone, in this order; each has no others of its own.
    """

    url: str
    api_key: str | None = field(default=None, repr=False)
    timeout: float = DEFAULT_TIMEOUT
    patience: float = 180.0
    grpc_port: int | None = None
    others: tuple[Server, ...] = ()

    @classmethod
    def from_environment(cls, url: str | Sequence[str] | None = None, timeout: float | None = None) -> Server:
        """The server at `url`, else at `QDRANT_URL`, with the key of `QDRANT_API_KEY`.

        Args:
            url: One address, or those of several nodes of a cluster: a list, or a text with commas between them.
            timeout: Seconds; None for the usual ones.

        Raises:
            UsageError: There is no address, or it is not one.
        """
        chosen = url or os.environ.get(URL_ENV, "")
        if not chosen:
            raise UsageError("No Qdrant server is named.", f"{_EXAMPLE}, or set {URL_ENV}.")
        key = os.environ.get(KEY_ENV) or None
        urls = parse_urls(chosen)
        ports = _grpc_ports(len(urls))
        first, *others = (
            cls(one, key, timeout or DEFAULT_TIMEOUT, grpc_port=port) for one, port in zip(urls, ports, strict=True)
        )
        _check_distinct([first, *others])
        return replace(first, others=tuple(others))

    @property
    def each(self) -> tuple[Server, ...]:
        """Every node that is named, this one first, each without the others."""
        return (replace(self, others=()), *self.others)

    @property
    def urls(self) -> str:
        """All addresses as `--url` takes them."""
        return ",".join(one.url for one in self.each)

    @property
    def host(self) -> str:
        """Host name or address."""
        return urlsplit(self.url).hostname or ""

    @property
    def grpc(self) -> int:
        """The port to try gRPC at, 0 for none."""
        usual = urlsplit(self.url).port == _REST_PORT
        return self.grpc_port if self.grpc_port is not None else (_GRPC_PORT if usual else 0)

    @property
    def exposes_key(self) -> bool:
        """Whether the key would cross a network in the clear."""
        return self.api_key is not None and self.url.startswith("http://") and not is_local(self.host)


def parse_urls(given: str | Sequence[str]) -> list[str]:
    """Addresses in their normal form, each once: of a list, or of a text with commas between them.

    Raises:
        UsageError: As `parse_url`.
    """
    texts = [given] if isinstance(given, str) else given
    return list(dict.fromkeys(parse_url(part.strip()) for text in texts for part in text.split(",")))


def parse_url(text: str) -> str:
    """The address in its normal form: scheme, host, port, and prefix without a slash at the end.

    Raises:
        UsageError: Another scheme, no host, a port out of range, or a password inside; what is
            before an `@` is never repeated in the message.
    """
    rest = shown(text.rsplit("@", 1)[-1])
    if not _ADDRESS.fullmatch(text):
        raise UsageError(f"{quoted(rest)} is not a server's address.", _EXAMPLE)
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        port = parts.port
    except ValueError as error:
        raise UsageError(f"{quoted(rest)} is not a server's address.", _EXAMPLE) from error
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(parts.hostname or ""):
        raise UsageError(f"{quoted(rest)} is not a server's address.", _EXAMPLE)
    if parts.username or parts.password:
        raise UsageError("A server's address must not hold a name or password.", f"Put the key into {KEY_ENV}.")
    name = parts.hostname or ""
    host = f"[{name}]" if ":" in name else name
    return f"{parts.scheme}://{host}:{port or _REST_PORT}{parts.path.rstrip('/')}"


def collection_name(explicit: str | None = None) -> str:
    """`explicit`, else `VRAG_COLLECTION`, else "vrag".

    Raises:
        UsageError: The name has characters that do not belong into one.
    """
    name = explicit or os.environ.get(COLLECTION_ENV) or DEFAULT_COLLECTION
    if len(name) > 255 or name in (".", "..") or any(c in '<>:"/\\|?*' or not c.isprintable() for c in name):
        raise UsageError(f"{name!r} cannot be the name of a collection.", "Use letters, digits, - and _.")
    return name


def _grpc_ports(count: int) -> list[int | None]:
    """The gRPC port of each of `count` addresses: one number counts for all, else there is one for each."""
    value = os.environ.get(GRPC_PORT_ENV, "")
    if not value:
        return [None] * count
    ports = [_port(part.strip(), value) for part in value.split(",")]
    if len(ports) not in (1, count):
        hint = "Give one for all, or one for each, in the order of the addresses."
        raise UsageError(f"{GRPC_PORT_ENV}={value!r} has {len(ports)} ports for {count} addresses.", hint)
    return [*ports] * (count if len(ports) == 1 else 1)


def _port(text: str, value: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > 5 or int(text) > 65535:
        raise UsageError(f"{GRPC_PORT_ENV}={value!r} is not a port.", "Use 0 to speak REST only.")
    return int(text)


def _check_distinct(servers: Sequence[Server]) -> None:
    """Refuse two addresses whose gRPC would be one node's: when that node dies, both are gone."""
    used = Counter((one.host, one.grpc) for one in servers if one.grpc)
    for (host, port), often in used.items():
        if often > 1:
            raise UsageError(
                f"{often} of the addresses at {host} have the same gRPC port, {port}.",
                f"Name one for each, in their order: {GRPC_PORT_ENV}=6334,6344; or 0 to speak REST only.",
            )
