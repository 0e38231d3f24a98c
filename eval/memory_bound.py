"""Does the memory of an ingest grow with the number of pages? Prints the peak for N pages and for ten times as many.

python eval/memory_bound.py [N]

Synthetic PDFs of 50 pages with 60 words each are made in a temporary folder and indexed, each size in a process of
its own. The peak is the resident memory of that process and its workers together, files that the engine maps
included: the system may take those back at any time.
"""

from __future__ import annotations

import ctypes
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import pypdfium2 as pdfium
import pypdfium2.raw as raw

PAGES_A_FILE, LINES, WORDS_A_LINE, SIZE = 50, 10, 6, (612, 792)
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def main() -> None:
    """Measure both sizes, or, as a child, one."""
    if sys.argv[1:2] == ["--one"]:
        print(*measure(int(sys.argv[2])))
        return
    pages = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    peaks = {}
    for count in (pages, 10 * pages):
        command = [sys.executable, __file__, "--one", str(count)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        peak, private = map(int, done.stdout.split())
        peaks[count] = peak
        print(
            f"{count} pages: peak {peak / 2**20:.0f} MiB, {private / 2**20:.0f} MiB of it private to the main process"
        )
    print(f"ratio: {peaks[10 * pages] / peaks[pages]:.2f}")


def measure(pages: int) -> tuple[int, int]:
    """Index so many pages; the peak of all processes, and what the main process holds besides mapped files at the end.

    Both in bytes.
    """
    from vrag import Index
    from vrag.evaluation.memory import PeakMemory

    with tempfile.TemporaryDirectory() as root:
        folder = Path(root) / "d"
        folder.mkdir()
        chance = random.Random(1)
        for number in range(0, pages, PAGES_A_FILE):
            write_pdf(folder / f"{number}.pdf", min(PAGES_A_FILE, pages - number), chance)
        with Index.create(Path(root) / "i") as index, PeakMemory() as memory:
            report = index.ingest([folder])
            private = _private_bytes()
    assert report.added == pages, report.failed[:3]
    return memory.peak_bytes or 0, private


def write_pdf(path: Path, pages: int, chance: random.Random) -> None:
    """A PDF of random words."""
    document = pdfium.PdfDocument.new()
    for _ in range(pages):
        page = document.new_page(*SIZE)
        for line in range(LINES):
            words = " ".join("".join(chance.choices(LETTERS, k=chance.randint(2, 9))) for _ in range(WORDS_A_LINE))
            text = raw.FPDFPageObj_NewTextObj(document, b"Helvetica", 12.0)
            raw.FPDFText_SetText(text, _utf16(words))
            raw.FPDFPageObj_Transform(text, 1, 0, 0, 1, 72, 700 - 20 * line)
            raw.FPDFPage_InsertObject(page, text)
        page.gen_content()
        page.close()
    document.save(str(path))
    document.close()


def _utf16(text: str) -> ctypes.Array[ctypes.c_ushort]:
    codes = [*text.encode("utf-16-le"), 0, 0]
    return (ctypes.c_ushort * (len(codes) // 2)).from_buffer_copy(bytes(codes))


def _private_bytes() -> int:
    """Memory of this process that no file stands behind (`RssAnon` in /proc)."""
    status = Path("/proc/self/status")
    if not status.is_file():
        return 0
    line = next(line for line in status.read_text().splitlines() if line.startswith("RssAnon"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    main()
