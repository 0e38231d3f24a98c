"""What an ingest says while it runs: the file that is read, every page by itself, and an honest time left."""

import io
import json
import random
from pathlib import Path

import pytest
from rich.progress import Progress

from tests.conftest import ANIMALS
from tests.pdfs import write_pdf
from vrag import Index
from vrag.cli.eta import Remaining, in_words
from vrag.cli.output import SafeConsole
from vrag.cli.progress import IngestBar
from vrag.ingest.report import Silent

RECORDED = json.loads((Path(__file__).parent / "recorded_ingests.json").read_text())


def run_of(*parts, start=4.0):
    """Arrivals `(seconds, slow)` of pages: each part is (pages, seconds a page, slow)."""
    now, events = start, []
    for pages, cost, slow in parts:
        for _ in range(pages):
            now += cost
            events.append((now, slow))
    return events


def shuffled(events, seed=1):
    costs = [(now - before, slow) for (before, _), (now, slow) in zip(events, events[1:], strict=False)]
    random.Random(seed).shuffle(costs)
    return run_of(*((1, cost, slow) for cost, slow in costs))


TEXT_THEN_SCANS = run_of((300, 0.2, False), (57, 0.8, True))
RUNS = {
    "a burst, then four minutes": run_of((8, 0, False), (349, 0.7, False)),
    "text, then scans": TEXT_THEN_SCANS,
    "scans, then text": run_of((57, 0.8, True), (300, 0.2, False)),
    "mixed": shuffled(TEXT_THEN_SCANS),
    "batches of eight": run_of(*[(1, 1.6, False), (7, 0, False)] * 40),
    "one long scan": run_of((12, 2.5, True)),
    **{name: [(now, bool(slow)) for now, slow in run["events"]] for name, run in RECORDED.items()},
}


def told(events):
    """Pages arrived, seconds said to be left and those that were, after every page."""
    remaining = Remaining(len(events))
    for number, (now, slow) in enumerate(events, 1):
        remaining.read(now, slow)
        yield number, remaining.seconds(), events[-1][0] - now


@pytest.mark.parametrize("name", RUNS)
def test_no_run_is_said_to_end_long_before_it_does(name):
    for number, said, left in told(RUNS[name]):
        if said is not None and left > 20:
            assert said > left / 4, f"after {number} pages {said:.0f} s are left, not {left:.0f}"


@pytest.mark.parametrize("name", RUNS)
def test_nothing_is_said_without_evidence_and_something_soon(name):
    events, said = RUNS[name], [said for _, said, _ in told(RUNS[name])]
    first = next(i for i, one in enumerate(said[:-1]) if one is not None)
    assert first >= 7
    assert events[first][0] - events[0][0] >= 5
    assert first <= max(10, len(events) / 4)
    assert said[-1] is None


@pytest.mark.parametrize("name", ["a burst, then four minutes", "mixed", "batches of eight", *RECORDED])
def test_half_way_it_is_about_right(name):
    events = RUNS[name]
    _, said, left = list(told(events))[len(events) // 2]
    assert left / 2 < said < left * 2


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (1, "about 10 s left"),
        (44, "about 40 s left"),
        (240, "about 4 min left"),
        (9000, "about 2.5 hours left"),
    ],
)
def test_an_estimate_is_as_rough_as_it_is(seconds, text):
    assert in_words(seconds) == text


class Heard(Silent):
    """Writes down what it is told."""

    def __init__(self):
        self.said = []

    def embedding(self, pages):
        self.said.append(("embedding", pages))

    def reading(self, path, page):
        self.said.append(("reading", path.name, page))

    def read(self, slow):
        self.said.append(("read", slow))


def test_every_page_is_told_before_and_after_it_is_read(tmp_path):
    write_pdf(tmp_path / "d" / "a.pdf", ANIMALS)
    heard = Heard()
    with Index.create(tmp_path / "i", "plain") as index:
        index.ingest([tmp_path / "d"], workers=1, progress=heard)
    pages = [event for page in (1, 2, 3) for event in (("reading", "a.pdf", page), ("read", False))]
    assert heard.said == [("embedding", 3), *pages]


def test_the_bar_names_the_file_and_counts_page_by_page():
    file, now = io.StringIO(), [0.0]
    with Progress(console=SafeConsole(file=file, force_terminal=True, width=200)) as progress:
        bar = IngestBar(progress, lambda: now[0])
        (task,) = progress.tasks
        bar.embedding(12)
        bar.reading(Path("/x/" + "long" * 20 + ".pdf"), 3)
        assert task.fields["doing"].startswith("longlong")
        assert task.fields["doing"].endswith("page 3")
        assert len(task.fields["doing"]) < 50
        for number in range(1, 12):
            now[0] += 2
            bar.read(slow=True)
            assert task.completed == number
            assert bool(task.fields["left"]) is (number >= 8)
        assert task.fields["left"] == "about 10 s left"
        bar.read(slow=True)
        assert (task.description, task.fields["left"], task.fields["doing"]) == ("Writing the last pages", "", "")
