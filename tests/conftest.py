"""Shared by all tests: the installed command, and a folder of documents that is indexed once."""

import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

from tests.commands import one_model, run_here
from tests.llm.endpoint import endpoint  # noqa: F401  # for every room
from tests.pdfs import write_pdf
from tests.qdrant.fixtures import any_server, qdrant  # noqa: F401  # for every room
from tests.served import always_served

os.environ.setdefault("VRAG_LOG", "off")  # nothing of a test goes into the user's log
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # or every process that a test starts compiles all modules again
sys.dont_write_bytecode = False
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a job in the background; what the tests start shall hear Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)
settings.register_profile("default", deadline=None)  # a shared machine is slow now and then
settings.load_profile("default")

ANIMALS = [
    "The snow leopard lives in the mountains\nof Central Asia and hunts blue sheep.",
    "Emperor penguins breed on the ice of Antarctica\nduring the winter and feed on krill.",
    "Honey bees dance to tell each other\nwhere nectar and pollen can be found.",
]
MACHINES = [
    "Replace the oil filter of the diesel engine\nafter every 500 hours of operation.",
    "Invoice number QX-4471 covers two hydraulic\npumps delivered to the Rotterdam plant.",
]


@dataclass
class Done:
    """A finished command."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def lines(self):
        return [json.loads(line) for line in self.out.splitlines()]


def command(*arguments):
    """The installed command's argument list."""
    return [str(Path(sys.executable).with_name("vrag")), *map(str, arguments)]


def pytest_addoption(parser):
    parser.addoption("--served", action="store_true", help="run commands while a service holds the index")


def pytest_collection_modifyitems(config, items):
    """A service beside commands changes nothing for tests that run none here: they are not run a second time."""
    if config.getoption("--served"):
        said_again = [item for item in items if not {"cli", "recorded"} & set(item.fixturenames)]
        config.hook.pytest_deselected(items=said_again)
        items[:] = [item for item in items if item not in said_again]


@pytest.fixture
def cli(tmp_path, request):
    """Run `vrag` as a user would, in an empty folder; in this process, which has loaded everything."""
    held = always_served if request.config.getoption("--served") else nullcontext

    def run(*arguments, env=None, cwd=tmp_path):
        with held():
            return _finished(*run_here([*map(str, arguments)], _environment(env), cwd))

    return run


@pytest.fixture
def process(tmp_path):
    """The same in a process of its own: what it finds locked, and what it reads once when it starts, is another's."""

    def run(*arguments, env=None, cwd=tmp_path, timeout=300):
        done = subprocess.run(
            command(*arguments), capture_output=True, text=True, env=_environment(env), cwd=cwd, timeout=timeout
        )
        return _finished(done.returncode, done.stdout, done.stderr)

    return run


def _environment(env):
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "160", **(env or {})}
    if not env:
        environment.pop("VRAG_INDEX", None)
    return environment


def _finished(code, out, err):
    assert "Traceback" not in err, err
    return Done(code, out, err)


@pytest.fixture(scope="session", autouse=True)
def _one_model():
    with one_model():
        yield


def copy_index(index, to):
    """A copy that a test may change; holes stay holes, or each would take 300 MB."""
    if sys.platform == "linux":
        subprocess.run(["cp", "-r", "--sparse=always", str(index), str(to)], check=True)
    else:
        shutil.copytree(index, to)
    return to


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A folder with two PDFs, one of them in a sub-folder."""
    folder = tmp_path_factory.mktemp("documents")
    write_pdf(folder / "animals.pdf", ANIMALS)
    write_pdf(folder / "sub" / "machines.pdf", MACHINES)
    return folder


@pytest.fixture(scope="session")
def indexed(folder, tmp_path_factory):
    """The path of an index of that folder; tests must not change it."""
    from vrag import Index

    path = tmp_path_factory.mktemp("indexed") / "index"
    with Index.create(path) as index:
        report = index.ingest([folder])
    assert report.added == 5
    assert not report.failed
    return path


@pytest.fixture(scope="module")
def index(indexed):
    """That index, open; tests must not change it."""
    from vrag import Index

    with Index.open(indexed) as opened:
        yield opened
