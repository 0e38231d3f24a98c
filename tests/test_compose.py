"""docker-compose.yml: what it promises, and that docker reads it (where docker compose is installed)."""

import os
import re
import shutil
import subprocess
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import yaml
from qdrant_client import models

from tests.qdrant.fixtures import program
from tests.qdrant.nodes import cluster
from vrag.errors import StoreError
from vrag.pipeline.pipeline import load_pipeline
from vrag.store.server.connect import MINIMUM, connect
from vrag.store.server.server import ServerStore

ROOT = Path(__file__).parent.parent
FILE = ROOT / "docker-compose.yml"
NODES = ("node-1", "node-2", "node-3")
SETTINGS = {  # of the server's own configuration, section by section
    "QDRANT__SERVICE__API_KEY",
    "QDRANT__TELEMETRY_DISABLED",
    "QDRANT__CLUSTER__ENABLED",
    "QDRANT__STORAGE__COLLECTION__REPLICATION_FACTOR",
    "QDRANT__STORAGE__COLLECTION__SHARD_NUMBER_PER_NODE",
}


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load(FILE.read_text())


def test_every_node_is_pinned_healthy_and_keeps_its_data(compose):
    assert set(compose["services"]) == {"qdrant", *NODES, "vrag"}
    for name in ("qdrant", *NODES):
        service = compose["services"][name]
        assert re.fullmatch(r"qdrant/qdrant:v\d+\.\d+\.\d+", service["image"])
        assert "/readyz" in service["healthcheck"]["test"][-1]
        volume, _, folder = service["volumes"][0].partition(":")
        assert (volume, folder) == (name, "/qdrant/storage")
        assert volume in compose["volumes"]


def test_the_image_is_new_enough_for_the_client(compose):
    image = compose["services"]["qdrant"]["image"]
    assert tuple(map(int, re.findall(r"\d+", image))) >= MINIMUM


def test_the_key_is_required_and_written_nowhere(compose):
    for name in ("qdrant", *NODES):
        assert compose["services"][name]["environment"]["QDRANT__SERVICE__API_KEY"].startswith("${QDRANT_API_KEY:?")


def test_what_is_set_is_what_the_server_has_settings_for(compose):
    """It takes other names without a word."""
    for name in ("qdrant", *NODES):
        assert compose["services"][name]["environment"].keys() <= SETTINGS


@pytest.mark.qdrant
def test_the_settings_do_what_they_are_there_for(compose, tmp_path):
    settings = {**compose["services"]["node-1"]["environment"], "QDRANT__SERVICE__API_KEY": "of-the-test"}
    assert settings.keys() == SETTINGS
    with cluster(program(), tmp_path, 1, settings) as (node,):
        server = node.server(api_key="of-the-test")
        client = connect(server).client
        client.create_collection("c", models.VectorParams(size=2, distance=models.Distance.DOT))
        made = client.get_collection("c").config.params
        assert (made.replication_factor, made.shard_number) == (2, 2)
        with pytest.raises(StoreError, match="refused the key"):
            ServerStore(connect(node.server()), "c", ()).exists()
        assert "Telemetry reporting disabled" in node.said()
        client.close()


def test_ports_are_open_to_this_machine_only_and_every_node_has_its_own(compose):
    outside = {"qdrant": [6333, 6334], "node-1": [6333, 6334], "node-2": [6343, 6344], "node-3": [6353, 6354]}
    for name, ports in outside.items():
        open_here = [
            f"${{QDRANT_BIND:-127.0.0.1}}:{port}:{inside}" for port, inside in zip(ports, (6333, 6334), strict=True)
        ]
        assert compose["services"][name]["ports"] == open_here
    told = re.findall(
        r"QDRANT_URL=(\S+) VRAG_QDRANT_GRPC_PORT=(\S+)", (ROOT / "docs" / "reference" / "server.md").read_text()
    )
    rest, grpc = zip(*list(outside.values())[1:], strict=True)
    assert (",".join(f"http://localhost:{port}" for port in rest), ",".join(map(str, grpc))) in told


def test_the_cluster_is_three_nodes_that_find_each_other(compose):
    for name in NODES:
        node = compose["services"][name]
        assert node["profiles"] == ["cluster"]
        assert node["environment"]["QDRANT__CLUSTER__ENABLED"] == "true"
        assert node["command"][-2:] == ["--uri", f"http://{name}:6335"]
        assert name == "node-1" or node["command"][1:3] == ["--bootstrap", "http://node-1:6335"]
    assert "profiles" not in compose["services"]["qdrant"]


def test_the_clusters_recipe_is_the_built_in_one_spread_out():
    cluster, builtin = load_pipeline("cluster"), load_pipeline("builtin")
    assert (cluster.server.shards, cluster.server.replication) == (6, 2)
    spread = {key: value for key, value in cluster.source.items() if key not in ("server", "description")}
    assert spread == {key: value for key, value in builtin.source.items() if key != "description"}


def test_the_health_check_sees_ready_and_not_ready(compose, tmp_path):
    from tests.store.rest import serving

    command = compose["services"]["qdrant"]["healthcheck"]["test"][1:]
    for ready in (True, False):
        with serving(Readiness, ready=ready) as url:
            port = url.rsplit(":", 1)[1]
            check = [part.replace("/127.0.0.1/6333", f"/127.0.0.1/{port}") for part in command]
            assert (subprocess.run(check, timeout=20).returncode == 0) is ready


class Readiness(BaseHTTPRequestHandler):
    """A server that is ready or not."""

    ready = True

    def do_GET(self):
        assert self.path == "/readyz"
        self.send_response(200 if self.ready else 503)
        self.end_headers()

    def log_message(self, *arguments):
        pass


def _docker_compose():
    for command in (["docker", "compose"], ["docker-compose"]):
        found = shutil.which(command[0])
        if found and subprocess.run([*command, "version"], capture_output=True).returncode == 0:
            return command
    return None


@pytest.mark.skipif(_docker_compose() is None, reason="docker compose is not installed")
def test_docker_compose_reads_it():
    base = [*_docker_compose(), "-f", str(FILE), "--profile", "cluster", "--profile", "vrag", "config", "-q"]
    assert subprocess.run(base, env={**os.environ, "QDRANT_API_KEY": "k"}, timeout=60).returncode == 0
    without = {key: value for key, value in os.environ.items() if key != "QDRANT_API_KEY"}
    refused = subprocess.run(base, env=without, capture_output=True, text=True, timeout=60)
    assert refused.returncode != 0
    assert "key of your own" in refused.stderr
