"""A language model's endpoint for tests: the real protocol over a real socket, saying what a test wants said.

The fixture `endpoint` is there for every test (`tests/conftest.py`):

    def test_something(index, endpoint):
        answer = index.ask(QUESTION, llm=endpoint.llm())          # quotes the first line of the first source
        endpoint.will_say(claims(("It is 500 hours.", 1, "every 500 hours")))   # one reply for each request to come
        endpoint.will_say(Reply(status=429, headers={"Retry-After": "0"}), "no JSON", ...)   # the last one is repeated
        endpoint.asked[0].text, .pictures, .headers, .body        # what came

From the command line: `cli("ask", QUESTION, "--llm", endpoint.url, "--llm-model", "stub", "--llm-sees", "text")`; or
`env={"VRAG_LLM_URL": endpoint.url, ...}`.

A `Reply` is sent piece by piece: a text is said by the model, a dict is a chunk of the protocol, bytes go as they are.
An `Event` among its pieces holds it there until the test sets it, so that a test can look at what has come so far, or
have several requests wait for each other; `HANG` waits until the client has gone, and `asked.gone` is set when it has.
`cut=True` ends the connection in the middle.
"""

import base64
import contextlib
import io
import json
import re
import select
import socket
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from PIL import Image

from vrag.llm.llm import Llm

MODEL = "stub"
HANG = threading.Event()  # never set
PATIENCE_S = 20.0
_FENCED = re.compile(r"^(==== \w+ ====)\n(.+?)\n\1$", re.MULTILINE | re.DOTALL)
_SOURCE = re.compile(r"^Source (\d+): ", re.MULTILINE)


@dataclass
class Asked:
    """A request as it came."""

    path: str
    headers: dict[str, str]
    body: dict = field(default_factory=dict)
    gone: threading.Event = field(default_factory=threading.Event)  # the client left before the end

    @property
    def text(self):
        """All that is said in it, message by message."""
        return "\n".join(part for part in self._parts() if isinstance(part, str))

    @property
    def pictures(self):
        """Its pictures, decoded."""
        return [part for part in self._parts() if not isinstance(part, str)]

    @property
    def pages(self):
        """The words of pages that it shows, one text each."""
        return [found[1] for found in _FENCED.findall(self.text)]

    @property
    def sources(self):
        """Numbers of the pages that it shows."""
        return [int(number) for number in _SOURCE.findall(self.text)]

    def _parts(self):
        for message in self.body.get("messages", ()):
            content = message["content"]
            for part in [{"type": "text", "text": content}] if isinstance(content, str) else content:
                yield part["text"] if part["type"] == "text" else _picture(part["image_url"]["url"])


@dataclass
class Reply:
    """What is answered.

    Args:
        text: Said by the model, where there are no pieces.
        pieces: The same in pieces, see above.
        status: Another than 200 sends `body` alone.
        body: Sent as it is, instead of a stream.
        headers: Besides the usual.
        finish: Reason why the model stops; None says none.
        cut: End the connection without an end.
    """

    text: str = ""
    pieces: Iterable = ()
    status: int = 200
    body: bytes | None = None
    headers: dict = field(default_factory=dict)
    finish: str | None = "stop"
    cut: bool = False


Answering = Callable[[Asked], Reply | str]


def claims(*said, found=True):
    """An answer of claims: (text, source, quote), with more sources and quotes behind, or (text,) without any."""
    rows = [
        {"text": text, "quotes": [{"source": rest[i], "quote": rest[i + 1]} for i in range(0, len(rest), 2)]}
        for text, *rest in said
    ]
    return json.dumps({"found": found, "claims": rows})


def error(message, status=400, **headers):
    """A refusal as most endpoints write it."""
    return Reply(status=status, body=json.dumps({"error": {"message": message}}).encode(), headers=headers)


def quoting(asked):
    """What a model says that quotes the first line of the first page, and knows nothing else."""
    if not asked.pages:
        return claims(found=False)
    line = asked.pages[0].split("\n")[0]
    return claims((f"The page says: {line}", asked.sources[0], line))


class Stub:
    """An endpoint that is listening."""

    def __init__(self):
        self.asked: list[Asked] = []
        self.models = [{"id": MODEL}]  # None: nothing is known of a list
        self.list_status = 200
        self.on_list: Callable[[], object] = lambda: None  # called before the list of models is sent
        self.usage = True  # whether it says how much was read
        self.room = 10**9  # tokens, of which it reads no more and says nothing
        self.answering: Answering = quoting
        self._replies: list[Reply | str] = []
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"stub": self}))
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def llm(self, **named):
        """The model of this endpoint, which is shown words unless a test says otherwise."""
        return Llm(**{"url": self.url, "model": MODEL, "sees": "text", "timeout_s": PATIENCE_S, **named})

    def will_say(self, *replies):
        """One reply for each request to come; the last one for all others."""
        self._replies = list(replies)

    def reply(self, asked):
        with self._lock:
            self.asked.append(asked)
            many = len(self._replies) > 1
            said = self._replies.pop(0) if many else next(iter(self._replies), None)
        said = self.answering(asked) if said is None else said
        return Reply(said) if isinstance(said, str) else said

    def close(self):
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """A client may leave whenever it likes."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    stub: Stub

    def handle(self):
        with contextlib.suppress(ConnectionError):  # the client has what it wanted, and does not read the end
            super().handle()

    def log_message(self, *_):
        pass

    def do_GET(self):  # noqa: N802
        if self.path != "/v1/models" or self.stub.models is None:
            self._send(404, b'{"error": {"message": "no such path"}}', {})
            return
        self.stub.on_list()
        self._send(self.stub.list_status, json.dumps({"object": "list", "data": self.stub.models}).encode(), {})

    def do_POST(self):  # noqa: N802
        body = self.rfile.read(int(self.headers["Content-Length"]))
        asked = Asked(self.path, dict(self.headers), json.loads(body))
        reply = self.stub.reply(asked)
        try:
            if reply.status != 200 or reply.body is not None:
                self._send(reply.status, reply.body or b"", reply.headers)
            else:
                self._stream(asked, reply)
        except OSError:
            asked.gone.set()
            self.close_connection = True

    def _send(self, status, body, headers):
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": len(body), **headers}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, asked, reply):
        self.send_response(200)
        for name, value in {"Content-Type": "text/event-stream", **reply.headers}.items():
            self.send_header(name, value)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in reply.pieces or [reply.text[i : i + 40] for i in range(0, len(reply.text), 40)]:
            if not isinstance(piece, threading.Event):
                self._chunk(piece if isinstance(piece, bytes) else event(piece))
            elif not self._may_go_on(piece):
                asked.gone.set()
                self.close_connection = True
                return
        if reply.cut:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        if reply.finish:
            self._chunk(event(chunk(finish_reason=reply.finish)))
            if self.stub.usage and "stream_options" in asked.body:
                read = min(self.stub.room, len(asked.text) // 4)
                self._chunk(event({"choices": [], "usage": {"prompt_tokens": read}}))
            self._chunk(b"data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def _chunk(self, data):
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def _may_go_on(self, event):
        """Whether the event is set; False when the client leaves before."""
        while not event.wait(0.01):
            if select.select([self.connection], [], [], 0)[0] and not self.connection.recv(1, socket.MSG_PEEK):
                return False
        return True


def event(piece):
    """A piece as an event of the stream."""
    said = chunk({"content": piece}) if isinstance(piece, str) else piece
    return f"data: {json.dumps(said)}\n\n".encode()


def chunk(delta=None, **choice):
    """A chunk of the protocol."""
    return {"choices": [{"index": 0, "delta": delta or {}, **choice}]}


def _picture(url):
    head, data = url.split(",", 1)
    assert head == "data:image/jpeg;base64"
    picture = Image.open(io.BytesIO(base64.b64decode(data)), formats=["JPEG"])
    picture.load()
    return picture


@pytest.fixture
def endpoint():
    """A language model's endpoint, see `tests/llm/endpoint.py`."""
    stub = Stub()
    yield stub
    stub.close()
