"""How fast pages are read from their pixels, and whether the words are the same as those of plain RapidOCR.

    python eval/ocr_speed.py DATA [DATA ...] [--pages 60] [--layers 8] [--seed 7] [--json FILE] [--show]

DATA is a benchmark folder with `pdfs/*.pdf`. Three quarters of the pages are ones without a usable text layer, the rest
have large pictures beside their text; both are drawn at random. Plain RapidOCR, with the same models and on one thread,
reads the same pictures in the same run. Seconds are processor time, so other programs matter little. Recall and
precision compare the words page by page, exactly and as searches compare them: without case and punctuation, words
without a letter or a digit left out. Where both differ, `--show` prints what each has that the other lacks.

Which of them is right? `--layers` takes as many pages that have a text layer, and reads their pixels: whole, and the
upper left quarter of each in as many pixels, so that print is twice as large. The layer tells the truth.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from PIL import Image

from vrag.errors import VragError
from vrag.pages import ocr
from vrag.pages.load import PageLoader
from vrag.pages.page import PageSpec, Words
from vrag.pages.unread import is_blank

SIDE = PageSpec().ocr_side
FEW = 5  # words of a text layer that is of no use
SCANS = 0.75  # of the pages
Read = Callable[[Image.Image], Sequence[str]]


@dataclass(slots=True)
class Way:
    """A way of reading pictures, and what it took.

    Args:
        read: Gives the words of a picture.
        seconds: Of processor time, by part.
        words: Read so far, by page.
    """

    read: Read
    seconds: Counter[str]
    words: list[list[str]] = field(default_factory=list)

    def __call__(self, picture: Image.Image) -> None:
        """Read a picture and remember its words."""
        started = time.process_time()
        found = [] if is_blank(picture) else list(self.read(picture))
        self.seconds["all"] += time.process_time() - started
        self.words.append(found)


class Timed:
    """Something to call, whose processor time is counted; it keeps its other attributes."""

    def __init__(self, inner: Any, part: str, seconds: Counter[str], name: str = "") -> None:
        self._inner, self._part, self._seconds = inner, part, seconds
        if name:
            setattr(self, name, self.__call__)

    def __call__(self, *given: Any) -> Any:
        """What the inner one answers."""
        started = time.process_time()
        try:
            return (self._inner.run if hasattr(self._inner, "run") else self._inner)(*given)
        finally:
            self._seconds[self._part] += time.process_time() - started

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def plain() -> Way:
    """RapidOCR as it comes, but for its threads, and for pictures that are not blown up."""
    import cv2
    import rapidocr

    cv2.setNumThreads(1)
    folder = Path(rapidocr.__file__).parent / "models"
    params: dict[str, Any] = {
        f"{part}.model_path": str(next(folder.glob(f"*{part.lower()}*.onnx"))) for part in ("Det", "Cls", "Rec")
    }
    params |= {
        "Global.log_level": "critical",
        "Det.limit_type": "max",
        "Det.limit_side_len": 2000,
        "Rec.rec_batch_num": 1,
        "Rec.rec_img_shape": [3, 48, 160],
        "EngineConfig.onnxruntime.intra_op_num_threads": 1,
        "EngineConfig.onnxruntime.inter_op_num_threads": 1,
    }
    engine = rapidocr.RapidOCR(params=params)
    engine(np.zeros((64, 64, 3), np.uint8))  # its models are loaded when they are wanted
    seconds: Counter[str] = Counter()
    for name, part in (("det", "detection"), ("cls", "classification"), ("rec", "recognition")):
        stage = getattr(engine, f"_load_{name}_model")()
        stage.session = Timed(stage.session, part, seconds)

    def read(picture: Image.Image) -> list[str]:
        found: Any = engine(np.asarray(picture)[:, :, ::-1])
        return [word for line in found.txts or () for word in line.split()]

    return Way(read, seconds)


def ours() -> Way:
    """What an ingest does."""
    reader, seconds = ocr._reader(""), Counter[str]()
    for owner, name, part in (
        (reader._finder, "_session", "detection"),
        (reader, "_classifier", "classification"),
        (reader, "_recogniser", "recognition"),
    ):
        setattr(owner, name, Timed(getattr(owner, name), part, seconds, "run"))
    return Way(lambda picture: ocr.read_words(picture).texts, seconds)


def pages_of(folders: Sequence[Path], seed: int) -> Iterator[tuple[Path, int]]:
    """All pages of all PDFs, in an order drawn by the seed."""
    files = [file for folder in folders for file in sorted((folder / "pdfs").glob("*.pdf"))]
    every = []
    for file in files:
        with PageLoader(PageSpec(image=False)) as loader:
            every += [(file, number + 1) for number in range(loader.inspect(file).pages)]
    random.Random(seed).shuffle(every)
    yield from every


def pictures(pages: Iterator[tuple[Path, int]], count: int, seconds: Counter[str]) -> Iterator[Image.Image]:
    """What OCR is given of so many pages: scans and pages with large pictures."""
    wanted = {True: round(count * SCANS), False: count - round(count * SCANS)}
    for file, number in pages:
        given: list[Image.Image] = []
        with mock.patch.object(ocr, "read_words", lambda picture, *_, given=given: given.append(picture) or Words()):
            started = time.process_time()
            try:
                with PageLoader(PageSpec(image=False)) as loader:
                    page = loader.load(file, number)
            except VragError:
                continue
        is_scan = len(page.words) < FEW
        if given and wanted[is_scan]:
            seconds["rendering"] += time.process_time() - started
            wanted[is_scan] -= 1
            yield given[0]
        if not any(wanted.values()):
            return


def layered(pages: Iterator[tuple[Path, int]], count: int) -> Iterator[tuple[Image.Image, list[str]]]:
    """Pictures of so many pages with a text layer and its words; and of the upper left quarter of each."""
    for file, number in pages:
        for share in (1.0, 0.5):
            spec = PageSpec(ocr="never", dpi=600, max_side=round(SIDE / share))
            with PageLoader(spec) as loader:
                page = loader.load(file, number)
            if share == 1.0 and not 100 < len(page.words) < 900:
                break
            assert page.image is not None
            width, height = (round(side * share) for side in page.image.size)
            inside = (page.words.boxes[:, 2:] <= share).all(axis=1)
            texts = [text for text, is_in in zip(page.words.texts, inside, strict=True) if is_in]
            yield page.image.crop((0, 0, width, height)), texts
            count -= share == 0.5
        if count <= 0:
            return


def compared(words: Sequence[str]) -> list[str]:
    """Words as searches compare them."""
    stripped = ("".join(letter for letter in word.casefold() if letter.isalnum()) for word in words)
    return [word for word in stripped if word]


def agreement(truth: Sequence[Sequence[str]], found: Sequence[Sequence[str]]) -> tuple[float, float]:
    """Recall and precision over all pages, each word as often as it stands on a page."""
    pairs = [(Counter(a), Counter(b)) for a, b in zip(truth, found, strict=True)]
    same = sum((a & b).total() for a, b in pairs)
    return same / max(sum(a.total() for a, _ in pairs), 1), same / max(sum(b.total() for _, b in pairs), 1)


def both_ways(truth: Sequence[Sequence[str]], found: Sequence[Sequence[str]]) -> dict[str, float]:
    """Agreement of words exactly, and as searches compare them."""
    exact = agreement(truth, found)
    alike = agreement([compared(page) for page in truth], [compared(page) for page in found])
    names = ("recall", "precision", "recall of compared words", "precision of compared words")
    return dict(zip(names, (*exact, *alike), strict=True))


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Read everything both ways."""
    old, new, rendering = plain(), ours(), Counter[str]()
    for picture in pictures(pages_of(options.data, options.seed), options.pages, rendering):
        old(picture)
        new(picture)
    count = len(old.words)
    facts: dict[str, Any] = {"pages": count, "words": sum(len(words) for words in old.words)}
    for name, way in (("plain RapidOCR", old), ("vrag", new)):
        parts = {part: way.seconds[part] for part in ("detection", "classification", "recognition")}
        parts |= {"other": way.seconds["all"] - sum(parts.values()), "all": way.seconds["all"]}
        facts[name] = {part: seconds / count for part, seconds in parts.items()}
    facts["rendering"] = rendering["rendering"] / count
    facts["times as fast"] = old.seconds["all"] / new.seconds["all"]
    facts["against plain RapidOCR"] = both_ways(old.words, new.words)
    if options.show:
        show(old.words, new.words)
    truth, read = [], {"plain RapidOCR": plain(), "vrag": ours()}
    for picture, words in layered(pages_of(options.data, options.seed + 1), options.layers) if options.layers else ():
        truth.append(words)
        for way in read.values():
            way(picture)
    if truth:
        facts["against text layers"] = {name: both_ways(truth, way.words) for name, way in read.items()}
    return facts


def show(old: Sequence[Sequence[str]], new: Sequence[Sequence[str]]) -> None:
    """What pages have read differently."""
    for number, (before, after) in enumerate(zip(old, new, strict=True)):
        lost, won = Counter(before) - Counter(after), Counter(after) - Counter(before)
        if lost or won:
            print(f"{number}: {' '.join(lost.elements())}  ->  {' '.join(won.elements())}")


def told(facts: Mapping[str, Any]) -> Iterator[str]:
    """The facts in lines."""
    yield f"{facts['pages']} pages, {facts['words']:,} words; drawing a page takes {facts['rendering']:.3f} s"
    for name in ("plain RapidOCR", "vrag"):
        yield f"{name:16s}" + ", ".join(f"{part} {seconds:.3f}" for part, seconds in facts[name].items()) + " s a page"
    yield f"vrag is {facts['times as fast']:.2f} times as fast"
    rows = {"vrag's words against plain RapidOCR's": facts["against plain RapidOCR"]}
    rows |= {f"{name} against text layers": found for name, found in facts.get("against text layers", {}).items()}
    for name, found in rows.items():
        yield f"{name}: " + ", ".join(f"{what} {share:.4f}" for what, share in found.items())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="+", help="benchmark folders")
    parser.add_argument("--pages", type=int, default=60, help="that need OCR")
    parser.add_argument("--layers", type=int, default=8, help="pages with a text layer, read from pixels; 0 for none")
    parser.add_argument("--seed", type=int, default=7, help="draws the pages")
    parser.add_argument("--show", action="store_true", help="print the words that differ")
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    options = parser.parse_args()
    for folder in options.data:
        if not any((folder / "pdfs").glob("*.pdf")):
            parser.error(f"{folder} has no pdfs/*.pdf.")
    facts = measure(options)
    if options.json:
        options.json.write_text(json.dumps(facts, indent=1))
    print("\n".join(told(facts)))


if __name__ == "__main__":
    main()
