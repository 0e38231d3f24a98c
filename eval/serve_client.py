"""A `vrag serve` process and the HTTP of those who ask it, for programs that measure it."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from resident import resident

START_S, END_S = 120.0, 60.0
_POLL_S = 0.02
ENDED = ("done", "failed", "cancelled")


class Client(AbstractContextManager["Client"]):
    """One connection that is kept.

    Args:
        port: Of the service, on this machine.
    """

    def __init__(self, port: int) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=120)

    def ask(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
        """What the service answers, parsed; bytes are sent as they are, anything else as JSON.

        Raises:
            ServiceError: The answer is a problem.
            OSError: There is none.
        """
        is_json = body is not None and not isinstance(body, bytes)
        sent = json.dumps(body).encode() if is_json else body
        kind = {"Content-Type": "application/json"} if is_json else {}
        self._connection.request(method, path, sent, {**kind, **(headers or {})})
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status >= 400:
            raise ServiceError(f"{method} {path}: {answer.status} {text[:500].decode(errors='replace')}")
        return json.loads(text) if text else None

    def search(self, query: str, k: int = 10, where: str = "") -> list[dict[str, Any]]:
        """Hits as JSON, without texts: what `Index.search` finds."""
        asked = {"query": query, "k": k, "where": [where] if where else [], "include": []}
        hits: list[dict[str, Any]] = self.ask("POST", "/v1/search", asked)["hits"]
        return hits

    def upload(self, files: Mapping[str, bytes]) -> str:
        """Send files by name; the id of the job that indexes them, which the service has promised to do."""
        border = secrets.token_hex(16)
        parts = [
            f'--{border}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n'
            f"Content-Type: application/pdf\r\n\r\n".encode()
            + content
            + b"\r\n"
            for name, content in files.items()
        ]
        body = b"".join(parts) + f"--{border}--\r\n".encode()
        kind = {"Content-Type": f"multipart/form-data; boundary={border}"}
        return str(self.ask("POST", "/v1/documents", body, kind)["job"])

    def delete(self, doc_id: str) -> str:
        """Remove a document; the id of the job that does."""
        return str(self.ask("DELETE", f"/v1/documents/{doc_id}")["job"])

    def finish(self, job: str) -> dict[str, Any]:
        """A job once it has ended."""
        while True:
            status: dict[str, Any] = self.ask("GET", f"/v1/jobs/{job}")
            if status["state"] in ENDED:
                return status
            time.sleep(_POLL_S)

    def __exit__(self, *_: object) -> None:
        self._connection.close()


class ServiceError(Exception):
    """The service has answered with a problem."""


class ServiceProcess(AbstractContextManager["ServiceProcess"]):
    """A `vrag serve` of this checkout, ready from `with` on.

    Args:
        index: Folder of the index.
        log: File for what it says.
    """

    def __init__(self, index: Path, log: Path) -> None:
        self.port = _free_port()
        with log.open("ab") as said:
            command = [sys.executable, "-m", "vrag", "serve", "--index", str(index), "--port", str(self.port)]
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        self._log = log

    def __enter__(self) -> ServiceProcess:
        until = time.monotonic() + START_S
        while not self._is_ready():
            if self.process.poll() is not None or time.monotonic() > until:
                self.process.kill()
                raise ServiceError(f"vrag serve does not start:\n{self._log.read_text()[-2000:]}")
            time.sleep(_POLL_S)
        return self

    def _is_ready(self) -> bool:
        try:
            with Client(self.port) as client:
                client.ask("GET", "/readyz")
        except (OSError, HTTPException, ServiceError):
            return False
        return True

    @property
    def rss(self) -> int:
        """Bytes of memory that it has for itself, mapped files of the index not counted."""
        return resident(self.process.pid)["RssAnon"]

    @property
    def descriptors(self) -> int:
        """Files and sockets that it has open."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(END_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise ServiceError(f"vrag serve does not end within {END_S:.0f} s of SIGTERM.") from None


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
