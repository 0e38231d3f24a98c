"""Those who use a holder that may be killed at any moment: over HTTP, and by commands. Each is a process of its own.

They say what the holder has promised or done, as lines, each at the moment they know it: `promised JOB DOCUMENT` for an
upload that was answered with 202, `kept DOCUMENT` once its job is done, `removing DOCUMENT` before they ask for it,
`removed DOCUMENT` once that is done, `searched`, and `wrong TEXT` for an answer that must not be. They end with `gone`
when nobody answers any more.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from tests.commands import run_here
from tests.pdfs import pdf_bytes
from tests.soak.fork import say

ENDED = ("done", "failed", "cancelled")
MOST_PAGES = 5
PATIENCE_S = 60.0


class GoneError(Exception):
    """Nobody answers any more."""


@dataclass(frozen=True)
class Text:
    """A document that nobody has seen before.

    Args:
        word: On every page of it, and nowhere else.
        content: The PDF.
        pages: Of it.
    """

    word: str
    content: bytes
    pages: int

    @property
    def doc_id(self) -> str:
        return sha256(self.content).hexdigest()

    @property
    def name(self) -> str:
        return f"{self.word}.pdf"


def new_text(chance: random.Random) -> Text:
    """A document of a few pages."""
    word, pages = f"w{chance.getrandbits(64):x}", chance.randint(1, MOST_PAGES)
    lines = [" ".join(f"word{chance.randrange(99)}" for _ in range(6)) for _ in range(pages)]
    return Text(word, pdf_bytes([f"{word} page {n}\n{line}" for n, line in enumerate(lines)]), pages)


def ask(port: int, method: str, path: str, body: bytes | None = None, kind: str = "") -> tuple[int, Any]:
    """Status and JSON of an answer.

    Raises:
        GoneError: There is none.
    """
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        connection.request(method, path, body, {"Content-Type": kind} if kind else {})
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text else None
    except (OSError, HTTPException) as error:
        raise GoneError(str(error)) from error
    finally:
        connection.close()


def upload(port: int, files: Mapping[str, bytes]) -> str:
    """Send files; the id of the job that is to index them."""
    border = "b0rder-of-parts"
    parts = [
        f'--{border}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n'
        f"Content-Type: application/pdf\r\n\r\n".encode()
        + content
        + b"\r\n"
        for name, content in files.items()
    ]
    body = b"".join(parts) + f"--{border}--\r\n".encode()
    status, answer = ask(port, "POST", "/v1/documents", body, f"multipart/form-data; boundary={border}")
    if status != 202:
        raise AssertionError(f"an upload is answered with {status} {answer}")
    return str(answer["job"])


def finish(port: int, job: str) -> dict[str, Any]:
    """A job once it has ended."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        status, answer = ask(port, "GET", f"/v1/jobs/{job}")
        if status != 200:
            raise AssertionError(f"job {job}: {status} {answer}")
        if answer["state"] in ENDED:
            found: dict[str, Any] = answer
            return found
        time.sleep(0.01)
    raise AssertionError(f"job {job} does not end")


class Person:
    """Uploads, searches and removes until nobody answers.

    Args:
        seed: Of everything random.
    """

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._mine: list[Text] = []

    def live(self) -> None:
        """Until the end."""
        ways = [self.add, self.add, self.search, self.search, self.remove]
        try:
            while True:
                self._chance.choice(ways)()
        except GoneError:
            say("gone")
        except AssertionError as error:
            say("wrong", " ".join(str(error).split()))

    def add(self) -> None:
        """A new document or several."""
        raise NotImplementedError

    def search(self) -> None:
        """One of those that are there, by its word."""
        raise NotImplementedError

    def remove(self) -> None:
        """One of those that are there."""
        raise NotImplementedError

    def _kept(self, text: Text) -> None:
        say("kept", text.doc_id)
        self._mine.append(text)

    def _taken(self) -> Text | None:
        if not self._mine:
            return None
        text = self._mine.pop(self._chance.randrange(len(self._mine)))
        say("removing", text.doc_id)
        return text

    def _judge(self, text: Text, hits: list[dict[str, Any]]) -> None:
        pages = sorted(hit["page"] for hit in hits if hit["doc"].endswith(text.name))
        if pages != [*range(1, text.pages + 1)]:
            raise AssertionError(f"pages {pages} of the {text.pages} of {text.name} are found")
        say("searched")


class Visitor(Person):
    """Over HTTP.

    Args:
        port: Of the holder.
        seed: Of everything random.
    """

    def __init__(self, port: int, seed: int) -> None:
        super().__init__(seed)
        self._port = port

    def add(self) -> None:
        """Upload some at once."""
        texts = [new_text(self._chance) for _ in range(self._chance.randint(1, 3))]
        job = upload(self._port, {text.name: text.content for text in texts})
        say("promised", job, *(text.doc_id for text in texts))
        ended = finish(self._port, job)
        if ended["state"] != "done" or ended["result"]["failed"]:
            raise AssertionError(f"an upload ended so: {ended}")
        for text in texts:
            self._kept(text)

    def search(self) -> None:
        """By its word, over all pages."""
        if self._mine:
            text = self._chance.choice(self._mine)
            asked = json.dumps({"query": text.word, "k": MOST_PAGES, "words": "exact"}).encode()
            status, answer = ask(self._port, "POST", "/v1/search", asked, "application/json")
            if status != 200:
                raise AssertionError(f"a search is answered with {status} {answer}")
            self._judge(text, answer["hits"])

    def remove(self) -> None:
        """By its id."""
        if text := self._taken():
            status, answer = ask(self._port, "DELETE", f"/v1/documents/{text.doc_id}")
            if status != 202:
                raise AssertionError(f"a removal is answered with {status} {answer}")
            if (ended := finish(self._port, answer["job"]))["state"] != "done":
                raise AssertionError(f"a removal ended so: {ended}")
            say("removed", text.doc_id)


class Clerk(Person):
    """By commands, which find the holder by themselves.

    Args:
        index: Folder of the index.
        folder: For files.
        seed: Of everything random.
    """

    def __init__(self, index: Path, folder: Path, seed: int) -> None:
        super().__init__(seed)
        self._index, self._folder = index, folder

    def add(self) -> None:
        """Ingest a file."""
        text = new_text(self._chance)
        (self._folder / text.name).write_bytes(text.content)
        report = self._run("ingest", str(self._folder / text.name))
        if report["failed"]:
            raise AssertionError(f"an ingest ended so: {report}")
        self._kept(text)

    def search(self) -> None:
        """By its word, over all pages."""
        if self._mine:
            text = self._chance.choice(self._mine)
            self._judge(text, self._run("search", text.word, "-k", str(MOST_PAGES), "--exact-words")["hits"])

    def remove(self) -> None:
        """By its name."""
        if text := self._taken():
            self._run("rm", text.name, "--yes")
            say("removed", text.doc_id)

    def _run(self, *arguments: str) -> Any:
        """What a command prints; one that fails may have lost its holder, which is for others to judge."""
        code, out, err = command(*arguments, "--index", str(self._index), "--json")
        if "Traceback" in err:
            raise AssertionError(f"vrag {arguments[0]}: {err}")
        if code != 0:
            raise GoneError(out)
        return json.loads(out)


def command(*arguments: str) -> tuple[int, str, str]:
    """Exit code and output of a command, run in this process."""
    return run_here(arguments, os.environ, Path.cwd())
