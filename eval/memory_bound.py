"""Does the memory of an ingest grow with the number of pages? Prints the peak for N pages and for ten times as many.

python eval/memory_bound.py [N] [--model]

Synthetic PDFs of 50 pages with 450 words each are made in a temporary folder and indexed, each size in a process of
its own. Unless `--model` is given, random vectors, one a word, stand in for the model's: the store gets as many of
them, many times faster. The peak is the resident memory of the process and its workers together, mapped files
included, and sampled five times a second; the search at the end opens the index again and asks it five questions.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as raw
from resident import resident

PAGES_A_FILE, LINES, WORDS_A_LINE, SIZE, VOCABULARY = 50, 45, 10, (612, 792), 30_000
LETTERS = "abcdefghijklmnopqrstuvwxyz"
QUERIES = ("freight", "bees and nectar", "oak", "relief valve", "annual report")


def main() -> None:
    """Measure both sizes, or, as a child, one."""
    parser = argparse.ArgumentParser(description="Peak memory of an ingest by its number of pages.")
    parser.add_argument("pages", nargs="?", type=int, default=500)
    parser.add_argument("--model", action="store_true", help="embed with the built-in model")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(measure(args.pages, args.model)))
        return
    peaks = {}
    for count in (args.pages, 10 * args.pages):
        command = [sys.executable, __file__, str(count), "--one", *(["--model"] if args.model else [])]
        done = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)
        peaks[count] = done["ingest"]
        mib = {key: f"{value / 2**20:.0f} MiB" for key, value in done.items() if key != "seconds"}
        print(
            f"{count} pages: peak {mib['ingest']} (end: {mib['private']} private to the main process, "
            f"{mib['mapped']} mapped); search {mib['search']}; index {mib['disk']}; {done['seconds']:.0f} s"
        )
    print(f"ratio: {peaks[10 * args.pages] / peaks[args.pages]:.2f}")


def measure(pages: int, model: bool) -> dict[str, float]:
    """Index so many pages, then search.

    Returns:
        In bytes: `ingest` and `search`, the peaks of all processes; `private` and `mapped`, what the main process
        holds after the ingest, without and with a file behind it; `disk`. And `seconds` of the ingest.
    """
    from vrag import Index
    from vrag.evaluation.runs.ranking_memory import PeakMemory

    with tempfile.TemporaryDirectory() as root:
        write_pdfs(Path(root) / "d", pages)
        with Index.create(Path(root) / "i") as index:
            if not model:
                index.embedder = StandIn(index.embedder)
            with PeakMemory() as ingest:
                report = index.ingest([Path(root) / "d"])
            kinds, disk = resident(), index.disk_bytes
        assert report.added == pages, report.failed[:3]
        with PeakMemory() as search, Index.open(Path(root) / "i") as index:
            for query in QUERIES:
                assert index.search(query)
    peaks = {"ingest": ingest.peak_bytes or 0, "search": search.peak_bytes or 0}
    return {**peaks, "private": kinds["RssAnon"], "mapped": kinds["RssFile"], "disk": disk, "seconds": report.seconds}


class StandIn:
    """An embedder with random unit vectors instead of the model's; all else is the model's."""

    def __init__(self, embedder: object) -> None:
        self._embedder = embedder
        rows = np.random.default_rng(1).standard_normal((4096, embedder.dim)).astype(np.float32)
        self._rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def __getattr__(self, name: str) -> object:
        return getattr(self._embedder, name)

    def embed_pages(self, pages: Sequence[object]) -> list[object]:
        """One row a word."""
        from vrag.embedders.protocol import PageVectors

        start = np.random.default_rng(len(pages)).integers(0, 1024, len(pages))
        return [
            PageVectors(self._rows[i : i + len(page.words)], page.words.grid())
            for i, page in zip(start, pages, strict=True)
        ]


def write_pdfs(folder: Path, pages: int) -> None:
    """So many pages of random words."""
    folder.mkdir()
    chance = random.Random(1)
    words = ["".join(chance.choices(LETTERS, k=chance.randint(2, 9))) for _ in range(VOCABULARY)]
    for number in range(0, pages, PAGES_A_FILE):
        write_pdf(folder / f"{number}.pdf", min(PAGES_A_FILE, pages - number), words, chance)


def write_pdf(path: Path, pages: int, words: Sequence[str], chance: random.Random, lines: int = LINES) -> None:
    """A PDF of words, the nth one n times as rare as the first one, as in any language."""
    rarity = [1 / n for n in range(1, len(words) + 1)]
    document = pdfium.PdfDocument.new()
    for _ in range(pages):
        page = document.new_page(*SIZE)
        for number, line in enumerate(chance.choices(words, rarity, k=WORDS_A_LINE) for _ in range(lines)):
            text = raw.FPDFPageObj_NewTextObj(document, b"Helvetica", 9.0)
            raw.FPDFText_SetText(text, _utf16(" ".join(line)))
            raw.FPDFPageObj_Transform(text, 1, 0, 0, 1, 36, 750 - 15 * number)
            raw.FPDFPage_InsertObject(page, text)
        page.gen_content()
        page.close()
    document.save(str(path))
    document.close()


def _utf16(text: str) -> ctypes.Array[ctypes.c_ushort]:
    codes = [*text.encode("utf-16-le"), 0, 0]
    return (ctypes.c_ushort * (len(codes) // 2)).from_buffer_copy(bytes(codes))


if __name__ == "__main__":
    main()
