"""The service behind nginx, with the very lines of docs/reference/serve.md."""

import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import textwrap
import threading
import time
from pathlib import Path

import httpx
import pytest

from tests.llm.endpoint import Reply, claims
from tests.pdfs import pdf_bytes
from tests.serve.http.running import service_of, serving
from tests.serve.http.test_guard import TOKEN
from vrag.serve.http.guard import make_guard

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
pytestmark = pytest.mark.skipif(
    not (NGINX and shutil.which("openssl")), reason="nginx and openssl are not installed: apt-get install nginx openssl"
)
DOCS = Path(__file__).parents[3] / "docs" / "reference" / "serve.md"
NAME = "pages.example.org"


def lines_of_the_docs():
    section = DOCS.read_text().partition("## Behind a proxy")[2]
    return textwrap.dedent("\n".join(re.findall(r"^(?: {4}.*)$", section.partition("| what |")[0], re.M)))


def certificate(folder):
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={NAME}"]
    files = ["-addext", f"subjectAltName=DNS:{NAME}", "-keyout", folder / "key", "-out", folder / "pem"]
    subprocess.run([*made, *files], check=True, capture_output=True)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture
def proxied(own_service, tmp_path):
    """A client of the service through nginx with TLS."""
    certificate(tmp_path)
    port, text = free_port(), lines_of_the_docs()
    for old, new in (
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("127.0.0.1:8321", f"127.0.0.1:{own_service.port}"),
        (f"/etc/ssl/{NAME}.pem", f"{tmp_path}/pem"),
        (f"/etc/ssl/{NAME}.key", f"{tmp_path}/key"),
    ):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    kept = "".join(
        f"{kind}_temp_path {tmp_path}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root; " if os.geteuid() == 0 else ""  # else its workers are somebody who cannot write here
    rest = f"{user}daemon off; pid {tmp_path}/pid; error_log {tmp_path}/error; events {{}}"
    (tmp_path / "conf").write_text(f"{rest}\nhttp {{ access_log {tmp_path}/access; {kept}\n{text}\n}}\n")
    nginx = subprocess.Popen([NGINX, "-p", tmp_path, "-c", tmp_path / "conf"], stderr=subprocess.PIPE)
    try:
        until = time.monotonic() + 20
        while not answers(port):
            assert nginx.poll() is None, nginx.stderr.read()
            assert time.monotonic() < until
        trusted = ssl.create_default_context(cafile=str(tmp_path / "pem"))
        to_here = httpx.HTTPTransport(verify=trusted)
        with httpx.Client(base_url=f"https://{NAME}:{port}", transport=Here(to_here), timeout=60) as client:
            client.headers["Origin"] = f"https://{NAME}:{port}"
            yield client, tmp_path / "access"
    finally:
        nginx.send_signal(signal.SIGQUIT)
        nginx.wait(20)
        nginx.stderr.close()


class Here(httpx.BaseTransport):
    """The name of the docs is this machine's."""

    def __init__(self, transport):
        self._transport = transport

    def handle_request(self, asked):
        url = asked.url.copy_with(host="127.0.0.1")
        more = {**asked.extensions, "sni_hostname": NAME}
        return self._transport.handle_request(
            httpx.Request(asked.method, url, headers=asked.headers, stream=asked.stream, extensions=more)
        )

    def close(self):
        self._transport.close()


def answers(port):
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def own_service(own, endpoint):
    with service_of(own, llm=endpoint.llm()) as service, serving(service, make_guard("0.0.0.0", TOKEN)) as running:
        yield running


def test_people_and_programs_get_through_and_nothing_is_kept_back(proxied, endpoint):
    client, log = proxied
    assert client.get("/v1/index").status_code == 401
    entered = client.get(f"/?token={TOKEN}")
    assert (entered.status_code, entered.headers["location"]) == (303, "/")
    assert "Secure" in entered.headers["set-cookie"]
    assert client.get("/v1/search", params={"q": "penguins"}).json()["hits"][0]["doc"] == "animals.pdf"

    large = pdf_bytes(["Whales sing."]) + b"\n%" + os.urandom(1 << 21).hex().encode()  # more than nginx takes by itself
    upload = client.post("/v1/documents", files={"files": ("whales.pdf", large, "application/pdf")})
    assert upload.status_code == 202, upload.text
    with client.stream("GET", f"{upload.json()['url']}/events") as events:
        states = re.findall(r'"state":"(\w+)"', "".join(events.iter_text()))
    assert states[-1] == "done"
    assert client.get("/v1/index").json()["documents"] == 3

    go_on, first = threading.Event(), claims(("The leopards hunt.", 1, "The snow leopard"))[:-2]
    endpoint.will_say(Reply(pieces=[first, go_on, "]}"]))
    with client.stream("POST", "/v1/ask", json={"question": "What do snow leopards hunt?", "stream": True}) as answer:
        events = (line for line in answer.iter_lines() if line.startswith("event"))
        assert [next(events), next(events)] == ["event: found", "event: claim"]  # the model has not ended
        go_on.set()
        assert list(events) == ["event: answer"]
    elsewhere = client.delete("/v1/documents/x", headers={"Origin": "https://evil.example"})
    assert elsewhere.status_code == 403
    assert TOKEN not in log.read_text()
    assert "/v1/search" in log.read_text()
