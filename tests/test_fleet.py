"""Ingest over a local Ray cluster, workers killed while it runs.

Needs the extra: pip install -e '.[ray]' (about 75 MB), then: pytest tests/test_fleet.py
"""

import os
import signal

import pytest

from tests.conftest import ANIMALS, MACHINES
from tests.pdfs import write_pdf
from tests.tiny_onnx import make
from vrag import Index
from vrag.embedders.options import ModelOptions
from vrag.errors import UsageError

ray = pytest.importorskip("ray", reason="needs Ray: pip install -e '.[ray]'")
pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module", autouse=True)
def cluster():
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    yield
    ray.shutdown()


def test_the_index_is_the_same_as_without_ray(tmp_path, folder, indexed):
    with Index.create(tmp_path / "i") as index:
        report = index.ingest([folder], ray="local")
        assert (report.added, report.failed) == (5, [])
        hits = index.search("bees dance", cascade="exact")
        again = index.ingest([folder], ray="local")
        assert (again.added, again.unchanged) == (0, 5)
    with Index.open(indexed) as plain:
        expected = plain.search("bees dance", cascade="exact")
    assert [(h.doc, h.page) for h in hits] == [(h.doc, h.page) for h in expected]
    assert [h.score for h in hits] == pytest.approx([h.score for h in expected], rel=1e-3)


def test_killed_workers_lose_nothing(tmp_path):
    write_pdf(tmp_path / "d" / "long.pdf", [f"{ANIMALS[n % 3]}\n{n}" for n in range(60)])
    write_pdf(tmp_path / "d" / "short.pdf", MACHINES)
    (tmp_path / "d" / "bad.pdf").write_bytes(b"this is no PDF")
    killer = Killer()
    with Index.create(tmp_path / "i") as index:
        report = index.ingest([tmp_path / "d"], ray="local", progress=killer)
        assert killer.killed >= 2
        assert report.added == 62
        assert [failure.path for failure in report.failed] == [str(tmp_path / "d" / "bad.pdf")]
        assert index.page_count == 62
        assert len(index.documents.all()) == 2


class Killer:
    """Kills a worker with SIGKILL after the 5th and the 30th page."""

    def __init__(self):
        self.seen = self.killed = 0

    def looking(self, files):
        pass

    looked = embedding = lambda self, *_: None

    def page(self, ok):
        self.seen += 1
        if self.seen in (5, 30):
            self.killed += self.kill_one()

    def kill_one(self):
        for pid in actors():
            os.kill(pid, signal.SIGKILL)
            return 1
        return 0


def actors():
    """Process ids of the actors on this machine."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdecimal():
            try:
                with open(f"/proc/{entry}/cmdline", "rb") as file:
                    if file.read().startswith(b"ray::PageActor"):
                        found.append(int(entry))
            except OSError:
                continue
    return found


def test_a_cluster_that_is_not_there_is_a_sentence(tmp_path):
    from vrag.fleet.fleet import connect

    ray.shutdown()
    try:
        with pytest.raises(UsageError, match="No Ray cluster at"):
            connect("127.0.0.1:1")
    finally:
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")


def test_a_checkpoint_runs_on_workers_as_it_does_here(tmp_path, folder):
    chosen = ModelOptions(device="cpu", threads=1, query_tokens="no_specials")
    model = str(make("colmodernvbert", tmp_path / "model"))
    with Index.create(tmp_path / "i", model=model, options=chosen) as index:
        report = index.ingest([folder], ray="local")
        assert (report.added, report.failed) == (5, [])
        assert {"render", "preprocess", "forward"} <= report.timing.keys()
        assert len(index.search("bees dance")) == 5
