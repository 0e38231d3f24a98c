"""Make the sample documents that the demo indexes: `make samples`.

All text, figures and companies are invented for this project.
"""

from __future__ import annotations

from pathlib import Path

import paper
import report
import scans
import slides

FOLDER = Path(__file__).parent / "pdfs"
DOCUMENTS = {
    "ferry-annual-report.pdf": report.write,
    "bees-on-the-roof-slides.pdf": slides.write,
    "solar-kiln-paper.pdf": paper.write,
    "old-notices-scanned.pdf": scans.write,
}


def main() -> None:
    """Write every sample."""
    FOLDER.mkdir(exist_ok=True)
    for name, write in DOCUMENTS.items():
        write(FOLDER / name)
        print(f"{name}: {(FOLDER / name).stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
