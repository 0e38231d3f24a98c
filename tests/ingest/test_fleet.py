"""Ingest over a local Ray cluster, workers killed while it runs.

One cluster serves all of them: to start one takes longer than any test.
"""

import os
import signal

import pytest

from tests.conftest import ANIMALS, MACHINES
from tests.embedders.tiny_onnx import make
from tests.pdfs import write_pdf
from vrag import Index
from vrag.embedders.options import ModelOptions
from vrag.errors import ModelError, UsageError

ray = pytest.importorskip("ray", reason="needs Ray, which is in [test]")
pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


REFUSED = "unspeakable"


def refuse_a_word():
    """Runs in every worker: the built-in model fails on pages with a certain word, as a model may on a picture."""
    from vrag.embedders.builtin import BuiltinEmbedder

    embed = BuiltinEmbedder.embed_pages

    def embed_pages(self, pages):
        if any(REFUSED in page.words.texts for page in pages):
            raise RuntimeError("no memory for this one")
        return embed(self, pages)

    BuiltinEmbedder.embed_pages = embed_pages


@pytest.fixture(scope="module", autouse=True)
def cluster():
    environment = {"worker_process_setup_hook": refuse_a_word}
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR", runtime_env=environment)
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


def test_a_page_that_the_model_refuses_costs_no_other(tmp_path):
    pages = [*ANIMALS, f"An {REFUSED} page", *MACHINES]
    write_pdf(tmp_path / "d" / "a.pdf", pages)
    with Index.create(tmp_path / "i") as index:
        report = index.ingest([tmp_path / "d"], ray="local")
        assert (report.added, index.page_count) == (5, 5)
        assert [(f.page, f.reason) for f in report.failed] == [(4, "The model cannot embed it: no memory for this one")]
        assert [document.complete for document in index.documents.all()] == [True]


def test_a_model_that_refuses_everything_ends_the_run(tmp_path):
    write_pdf(tmp_path / "d" / "a.pdf", [f"{REFUSED} {n}" for n in range(30)])
    with Index.create(tmp_path / "i") as index, pytest.raises(ModelError, match="no memory") as caught:
        index.ingest([tmp_path / "d"], ray="local")
    assert "embed_pages" in str(caught.value.__cause__)  # the worker's own traceback


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

    looked = embedding = reading = read = lambda self, *_, **__: None

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


def test_a_cluster_that_is_not_there_is_a_sentence(monkeypatch):
    from vrag.ingest.fleet.fleet import connect

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    with pytest.raises(UsageError, match="No Ray cluster at"):
        connect("127.0.0.1:1")


def test_a_checkpoint_runs_on_workers_as_it_does_here(tmp_path, folder):
    chosen = ModelOptions(device="cpu", threads=1, query_tokens="no_specials")
    model = str(make("colmodernvbert", tmp_path / "model"))
    with Index.create(tmp_path / "i", model=model, options=chosen) as index:
        report = index.ingest([folder], ray="local")
        assert (report.added, report.failed) == (5, [])
        assert {"render", "preprocess", "forward"} <= report.timing.keys()
        assert len(index.search("bees dance")) == 5
