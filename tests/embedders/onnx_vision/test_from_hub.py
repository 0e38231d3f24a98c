"""Checkpoints from a hub that the test runs itself: revision, token, what is fetched, and working offline."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

pytest.importorskip("huggingface_hub", reason="needs huggingface_hub: make test-core installs it")
COMMIT = "1234567890abcdef1234567890abcdef12345678"
NAME = "somebody/pages-in-onnx"


class Hub(BaseHTTPRequestHandler):
    """The few answers of a hub that a download needs, for one checkpoint with the tag v1."""

    folder: Path
    seen: list

    def log_message(self, *arguments):
        pass

    def do_HEAD(self):
        self.answer(with_body=False)

    def do_GET(self):
        self.answer(with_body=True)

    def answer(self, with_body):
        path = self.path.split("?")[0]
        self.seen.append((path, self.headers.get("Authorization")))
        found = self.find(path)
        body = found if found is not None else b"{}"
        self.send_response(200 if found is not None else 404)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{hashlib.sha1(body).hexdigest()}"')
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def find(self, path):
        files = sorted(self.folder.iterdir())
        for revision in ("v1", COMMIT):
            if path == f"/api/models/{NAME}/revision/{revision}":
                siblings = [{"rfilename": file.name} for file in files]
                return json.dumps({"id": NAME, "sha": COMMIT, "siblings": siblings, "tags": []}).encode()
            if path == f"/api/models/{NAME}/tree/{revision}":
                entries = [self.entry(file) for file in files]
                return json.dumps(entries).encode()
            for file in files:
                if path == f"/{NAME}/resolve/{revision}/{file.name}":
                    return file.read_bytes()
        return None

    def entry(self, file):
        oid = hashlib.sha1(file.read_bytes()).hexdigest()
        return {"type": "file", "path": file.name, "size": file.stat().st_size, "oid": oid}


@pytest.fixture
def hub(checkpoint):
    """The address of a hub with the tiny checkpoint, and the requests it has seen."""
    seen = []
    handler = type("TheHub", (Hub,), {"folder": checkpoint("colmodernvbert"), "seen": seen})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", seen
    server.shutdown()
    server.server_close()
    thread.join()


def test_revision_token_cache_and_offline(process, hub, folder, tmp_path):
    address, seen = hub
    env = {"HF_ENDPOINT": address, "HF_HOME": str(tmp_path / "hf"), "HF_TOKEN": "hf_secret", "HF_HUB_DISABLE_XET": "1"}
    options = ("--model", NAME, "--revision", "v1", "--device", "cpu", "--index", "i", "--json")
    done = process("ingest", folder, *options, env=env)
    assert (done.code, done.json.get("added")) == (0, 5), done
    assert {token for path, token in seen if NAME in path} == {"Bearer hf_secret"}
    assert any(path.endswith("model_v2.onnx") for path, _ in seen)
    facts = json.loads((tmp_path / "i" / "index.json").read_text())
    assert COMMIT in json.dumps(facts)
    seen.clear()
    offline = {**env, "HF_HUB_OFFLINE": "1"}
    found = process("search", "oil filter", "--index", "i", "--json", env=offline)
    assert (found.code, len(found.json["hits"])) == (0, 5)
    assert seen == []
    gone = process(
        "ingest", folder, "--model", NAME, "--index", "j", "--json", env={**offline, "HF_HOME": str(tmp_path)}
    )
    assert gone.code == 1
    assert "not in the cache" in gone.json["error"] + gone.json["hint"]


def test_an_index_does_not_choose_what_is_downloaded(process, hub, folder, tmp_path):
    address, seen = hub
    env = {"HF_ENDPOINT": address, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_DISABLE_XET": "1"}
    options = ("--model", NAME, "--revision", "v1", "--device", "cpu", "--index", "i", "--json")
    assert process("ingest", folder, *options, env=env).code == 0
    seen.clear()
    elsewhere = {**env, "HF_HOME": str(tmp_path / "another machine")}
    done = process("search", "oil filter", "--index", "i", "--json", env=elsewhere)
    assert (done.code, seen) == (1, [])
    assert f"says that {NAME} made it" in done.json["error"]
    assert f"hf download {NAME}" in done.json["hint"]
    assert process("ingest", folder, *options, env=elsewhere).code == 0  # here the user has named it
    assert seen
    assert process("search", "oil filter", "--index", "i", "--json", env=elsewhere).code == 0


def test_a_revision_that_is_not_there_is_named(process, hub, folder, tmp_path):
    env = {"HF_ENDPOINT": hub[0], "HF_HOME": str(tmp_path / "hf")}
    done = process("ingest", folder, "--model", NAME, "--revision", "v9", "--index", "i", "--json", env=env)
    assert done.code == 1
    assert f"{NAME} cannot be fetched from the hub" in done.json["error"]
