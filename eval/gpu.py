"""Pages a second of `vrag ingest` on a GPU, beside a plain loop of colpali-engine with the same model and batch.

    python eval/gpu.py [--json gpu.json] [--pages 512] [--batch-size 8] [--minutes 8]

ColPali and ColQwen2.5 are made here in their real size with random weights: no hub is asked, and speed does not depend
on what a model has learnt. The pages are those of `eval/samples/pdfs`, again and again. An ingest reads, renders,
embeds, pools and stores them; the plain loop has the same pictures in memory, prepares and embeds them. The program
ends in time by itself: when it gets late, fewer pages are taken. Where there is no GPU it says so in a line.
"""

from __future__ import annotations

import argparse
import faulthandler
import gc
import json
import os
import signal
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from importlib import metadata
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import pypdfium2
from card_busy import Busy, Read, reader
from plain_loop import Plain
from random_checkpoints import PROCESSORS, write_checkpoint
from tables import markdown

from vrag import Index
from vrag.bench.run import machine
from vrag.embedders.colpali.torch_engine import import_engine
from vrag.embedders.options import ModelOptions
from vrag.errors import ModelError, VragError
from vrag.ingest.report import IngestReport
from vrag.pages.workers import PageWorkers
from vrag.runtime.timing import bound

SAMPLES = Path(__file__).parent / "samples" / "pdfs"
PACKAGES = ("torch", "transformers", "colpali-engine", "vrag-toolkit")
WARM_PAGES = 16
SPARE_S = 20  # to stop processes and remove files
PREPARED, INGESTED = 0.5, 0.8  # by when, as shares of a model's time


class OutOfTime(BaseException):
    """Time is up; no `Exception`, so that nothing on the way takes it for a page's fault."""


@dataclass
class Figures:
    """What was measured of one model.

    Args:
        model: Class of colpali-engine.
        millions: Of its parameters.
        batch: Pages of a forward pass.
        pages: That the ingest took.
        pages_per_s: Of the ingest.
        busy: Share of the ingest's time that the card was at work; None where the machine does not tell.
        seconds: By stage of the ingest; stages overlap.
        bound: What the ingest waited for most.
        plain_pages: That the plain loop took.
        plain_pages_per_s: Of the plain loop.
        plain_busy: As `busy`, of the plain loop.
        plain_seconds: Of its two stages.
        attention: How the plain loop's model computes attention.
        note: Why figures are missing.
    """

    model: str
    millions: int = 0
    batch: int = 0
    pages: int = 0
    pages_per_s: float = 0.0
    busy: float | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    bound: str = ""
    plain_pages: int = 0
    plain_pages_per_s: float = 0.0
    plain_busy: float | None = None
    plain_seconds: dict[str, float] = field(default_factory=dict)
    attention: str = ""
    note: str = ""


@contextmanager
def until(moment: float) -> Iterator[None]:
    """Raise `OutOfTime` in this block when `time.monotonic()` has come to a moment."""

    def late(*_: object) -> None:
        raise OutOfTime

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, max(moment - time.monotonic(), 0.001))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def write_pages(path: Path, count: int) -> int:
    """Write a PDF of so many pages, those of the samples again and again; how many differ."""
    made = pypdfium2.PdfDocument.new()
    samples = [pypdfium2.PdfDocument(file) for file in sorted(SAMPLES.glob("*.pdf"))]
    places = [(sample, page) for sample in samples for page in range(len(sample))]
    for sample, page in islice(cycle(places), count):
        made.import_pages(sample, [page])
    made.save(path)
    return min(count, len(places))


def ingest(figures: Figures, index: Index, pages: Path, read: Read | None, end: float) -> None:
    """Ingest the pages, or as many as fit in; what the first forward passes load is there already."""
    report = IngestReport(index="")
    with Busy(read) as busy, suppress(OutOfTime), until(end):
        index.ingest([pages], report=report)
    figures.batch = index.embedder.batch_size
    figures.pages, figures.busy = report.added, busy.share
    figures.pages_per_s = round(report.added / (report.seconds or 1), 2)
    figures.seconds = {stage: round(seconds, 2) for stage, seconds in report.timing.items()}
    figures.bound = bound(report.timing, report.workers, os.cpu_count() or 1).partition(" (")[0]


def pictures(index: Index, pages: Path, differing: int) -> list[Any]:
    """The pages as the ingest gives them to the model."""
    spec = index.pipeline.page_spec(index.embedder.page_spec)
    with PageWorkers(spec, os.cpu_count() or 1) as workers:
        loading = [workers.load(pages, number) for number in range(1, differing + 1)]
        return [one.result().image for one in loading]


def measure(figures: Figures, asked: argparse.Namespace, read: Read | None, folder: Path, stop: float) -> None:
    """Make a model, ingest with it, and run the plain loop, each in its share of the time that is left."""
    begun = time.monotonic()
    prepared, ingested = (begun + share * (stop - begun) for share in (PREPARED, INGESTED))
    checkpoint, pages, warm = folder / "model", folder / "pages.pdf", folder / "warm.pdf"
    differing = write_pages(pages, asked.pages)  # in no hurry: what is raised in a callback of pdfium's gets lost
    write_pages(warm, WARM_PAGES)
    with until(prepared):
        figures.millions = write_checkpoint(figures.model, asked.size, asked.device, checkpoint)
        tidy()
        options = ModelOptions(device=asked.device, batch_size=asked.batch_size)
        index = Index.create(folder / "index", model=str(checkpoint), options=options)
    with index:
        with until(ingested):
            index.ingest([warm])
        ingest(figures, index, pages, read, ingested)
        with until(stop):
            images = pictures(index, pages, differing)
    del index
    tidy()
    with until(stop):
        loop = Plain(figures.model, checkpoint, asked.device)
        figures.attention = loop.attention
        run_plain(figures, loop, images, asked.pages, read)


def run_plain(figures: Figures, loop: Plain, images: Sequence[Any], most: int, read: Read | None) -> None:
    """Run the plain loop; the figures are there after each batch, whenever it is stopped."""
    loop.embed([images[i % len(images)] for i in range(figures.batch)])  # loads what first forward passes load
    with Busy(read) as busy:
        for pages, preparing, embedding in loop.run(images, most, figures.batch):
            figures.plain_pages, figures.plain_busy = pages, busy.share
            figures.plain_pages_per_s = round(pages / (preparing + embedding), 2)
            figures.plain_seconds = {"preprocess": round(preparing, 2), "forward": round(embedding, 2)}


def tidy() -> None:
    """Give the card the memory of a model back that is not used any more."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def measured(model: str, asked: argparse.Namespace, read: Read | None, stop: float) -> Figures:
    """The figures of one model; those that there was no time or memory for are missing."""
    figures = Figures(model)
    with tempfile.TemporaryDirectory(dir=asked.folder, ignore_cleanup_errors=True) as folder:
        try:
            measure(figures, asked, read, Path(folder), stop)
        except OutOfTime:
            pass
        except (VragError, RuntimeError, OSError, ValueError) as error:
            figures.note = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
    tidy()
    if not figures.note and not (figures.pages and figures.plain_pages):
        figures.note = "out of time"
    return figures


def record(asked: argparse.Namespace, models: Sequence[Figures]) -> dict[str, Any]:
    """What was measured, and where."""
    import torch

    card = torch.cuda.get_device_name(asked.device) if asked.device.startswith("cuda") else asked.device
    run = {"card": card, "machine": machine(), "size": asked.size, "pages": asked.pages}
    return {**run, **{name: metadata.version(name) for name in PACKAGES}, "models": [asdict(one) for one in models]}


def tables(found: dict[str, Any]) -> str:
    """The record for people."""
    head = ("model", "batch", "`vrag ingest`", "plain loop", "ingest / plain", "card busy", "in the plain loop")
    rows = [_row(Figures(**one)) for one in found["models"]]
    stages = [_stages(Figures(**one)) for one in found["models"]]
    where = ", ".join((found["card"], found["machine"], *(f"{name} {found[name]}" for name in PACKAGES)))
    parts = (f"Pages a second on {where}; {found['size']} models with random weights.", markdown(head, rows))
    return "\n\n".join((*parts, "Seconds of each stage; those of an ingest overlap:", "\n".join(stages)))


def _row(one: Figures) -> tuple[str, ...]:
    name, plain = f"{one.model}, {one.millions} million", one.plain_pages_per_s
    ratio = f"{one.pages_per_s / plain:.2f}" if plain else "–"
    shares = ["not known" if share is None else f"{share:.0%}" for share in (one.busy, one.plain_busy)]
    speeds = (f"{one.pages_per_s} ({one.pages} pages)", f"{plain} ({one.plain_pages} pages, {one.attention})")
    return (name, str(one.batch), *speeds, ratio, *shares)


def _stages(one: Figures) -> str:
    spent, plain = (
        ", ".join(f"{stage} {s}" for stage, s in each.items()) or "–" for each in (one.seconds, one.plain_seconds)
    )
    return f"- {one.model}: {one.note or spent}; plain loop: {plain}; bound by {one.bound or '–'}"


def options() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, after each model")
    parser.add_argument("--pages", type=int, default=512, help="of an ingest and a plain loop, where there is time")
    parser.add_argument("--batch-size", type=int, help="pages of a forward pass (default: as vrag ingest takes them)")
    parser.add_argument("--minutes", type=float, default=8, help="after which it has ended")
    parser.add_argument("--folder", type=Path, help="where 10 GB are written for a while (default: the system's)")
    parser.add_argument("--device", default="cuda", help=argparse.SUPPRESS)  # cpu: to try the program
    parser.add_argument("--size", choices=("real", "tiny"), default="real", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.pages < 1 or (asked.batch_size or 1) < 1 or asked.minutes * 60 <= SPARE_S:
        parser.error(f"--pages and --batch-size are at least 1, --minutes more than {SPARE_S / 60:.2f}")
    return asked


def missing(device: str) -> str:
    """Why nothing can be measured here; empty when it can."""
    try:
        import_engine()  # before the clock starts
    except ModelError as error:
        return str(error)
    import torch

    return "no GPU" if device.startswith("cuda") and not torch.cuda.is_available() else ""


def main() -> int:
    """Measure, tell, write down."""
    asked = options()
    if why := missing(asked.device):
        print(f"skipped: {why}")
        return 0
    faulthandler.dump_traceback_later(asked.minutes * 60, exit=True)  # should a call of the driver never come back
    end = time.monotonic() + asked.minutes * 60 - SPARE_S
    read, found = reader(asked.device), {}
    figures: list[Figures] = []
    for left, model in zip(range(len(PROCESSORS), 0, -1), PROCESSORS, strict=True):
        now = time.monotonic()
        figures.append(measured(model, asked, read, now + (end - now) / left))
        found = record(asked, figures)
        if asked.json:
            asked.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(tables(found))
    faulthandler.cancel_dump_traceback_later()
    return 1 if any(one.note for one in figures) else 0


if __name__ == "__main__":
    raise SystemExit(main())
