"""Dockerfile and the compose service `vrag`: what they promise, read from the files; docker builds neither here."""

import json
import re
import shlex
import subprocess
import sys
from fnmatch import fnmatch
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import yaml

try:
    import tomllib
except ModuleNotFoundError:
    import tomli as tomllib

from tests.store.rest import serving
from vrag.cli.commands import Commands
from vrag.printing.libreoffice import INSTALL

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def steps():
    """The instructions of the Dockerfile, each a name and its text on one line."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE).replace("\\\n", "")
    return [tuple(line.split(maxsplit=1)) for line in text.splitlines() if line.strip()]


@pytest.fixture(scope="module")
def image(steps):
    """Those of its last stage, which is what runs."""
    return steps[max(place for place, (name, _) in enumerate(steps) if name == "FROM") :]


@pytest.fixture(scope="module")
def service():
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["vrag"]


def only(image, name):
    (text,) = (text for step, text in image if step == name)
    return text


def test_the_image_is_pinned_slim_and_nobodys(image):
    assert re.fullmatch(r"python:3\.\d+-slim-[a-z]+", only(image, "FROM"))
    names = [name for name, _ in image]
    assert only(image, "USER") not in ("root", "0")
    assert not {"RUN", "COPY", "ADD"} & set(names[names.index("USER") :])  # nothing is root's after it
    assert "poppler-utils" in only(image, "RUN")


def test_office_files_are_printed_in_it_unless_told_otherwise(image):
    """The packages that an answer without LibreOffice names, and fonts, without which lines break elsewhere."""
    (office,) = (text for step, text in image if step == "ARG" and text.startswith("OFFICE="))
    named = re.findall(r"libreoffice-\w+-nogui", INSTALL)
    assert len(named) == 3
    assert set(named) < set(re.findall(r"[\w-]+", office.partition("=")[2]))
    assert "fonts-" in office
    assert "poppler-utils ${OFFICE}" in only(image, "RUN")


def test_the_index_and_the_uploads_are_in_the_volume_that_the_user_may_write(image):
    volume = only(image, "VOLUME")
    settings = dict(pair.split("=", 1) for pair in only(image, "ENV").split())
    assert Path(settings["VRAG_INDEX"]).parent == Path(volume) == Path(only(image, "WORKDIR"))
    user = only(image, "USER")
    assert f"install -d -o {user} -g {user} {volume}" in only(image, "RUN")


def test_all_that_the_wheel_is_made_of_is_copied_and_not_ignored(steps):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    parts = {
        "pyproject.toml",
        "hatch_build.py",
        project["project"]["readme"],
        *project["project"]["license-files"],
        *wheel["packages"],
        *wheel["force-include"],
    }
    copied = {word.rstrip("/") for name, text in steps if name == "COPY" for word in text.split()[:-1]}
    assert parts <= copied
    rules = (ROOT / ".dockerignore").read_text().split()
    assert {part for part in parts if _is_ignored(part, rules)} == set()
    assert _is_ignored(".git", rules)
    assert _is_ignored("eval/samples", rules)


def _is_ignored(path, rules):
    """As docker decides: the last rule that names it or a folder above it holds."""
    names = [path, *(str(parent) for parent in Path(path).parents if str(parent) != ".")]
    holding = [rule for rule in rules if any(fnmatch(name, rule.lstrip("!")) for name in names)]
    return bool(holding) and not holding[-1].startswith("!")


def test_the_health_check_sees_a_service_and_none(image):
    port = only(image, "EXPOSE")
    command = json.loads(only(image, "HEALTHCHECK").split("CMD", 1)[1])
    assert command[0] == "python"
    for healthy in (True, False):
        with serving(Health, healthy=healthy) as url:
            check = [sys.executable, *(part.replace(f":{port}/", f":{url.rsplit(':', 1)[1]}/") for part in command[1:])]
            assert (subprocess.run(check, capture_output=True, timeout=20).returncode == 0) is healthy


class Health(BaseHTTPRequestHandler):
    """A service that is there or about to end."""

    healthy = True

    def do_GET(self):
        assert self.path == "/healthz"
        self.send_response(200 if self.healthy else 503)
        self.end_headers()

    def log_message(self, *arguments):
        pass


def test_compose_starts_it_when_asked_to_alone_and_on_this_machine_alone(image, service):
    port = only(image, "EXPOSE")
    assert service["profiles"] == ["vrag"]
    assert service["ports"] == [f"${{VRAG_BIND:-127.0.0.1}}:{port}:{port}"]
    assert service["volumes"] == [f"vrag:{only(image, 'VOLUME')}"]
    assert service["build"] == "."


def test_compose_and_the_image_run_the_same_command(image, service):
    command, options = service["command"].split(" ${", 1)
    assert shlex.split(command) == json.loads(only(image, "CMD"))
    assert options.startswith("VRAG_SERVE_OPTIONS:-")


def test_the_command_is_one_of_ours(image):
    program, name, *options = json.loads(only(image, "CMD"))
    known = [option for parameter in Commands()[name].params for option in parameter.opts]
    assert program == "vrag"
    assert [option for option in options if option.startswith("-") and option not in known] == []


def test_who_starts_qdrant_alone_needs_no_token(service):
    assert service["environment"]["VRAG_TOKEN"] == "${VRAG_TOKEN:-}"
