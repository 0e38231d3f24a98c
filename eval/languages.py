"""How well pages and questions in six languages find each other: the built-in model, and the multilingual one.

    python eval/languages.py [--models builtin multilingual] [--json FILE]

Sixteen topics of a made-up company are told on a page each in English, German, French, Spanish, Russian and Chinese,
and asked for in each of them (`eval/languages/texts.toml`, written for this). A row of the tables is the language of
the pages, a column that of the questions, a number NDCG@10 over the sixteen pages of that language. `all pages` asks
all 96: any page of the topic counts. Needs the extras [languages] and [samples].
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vrag import Index, VragError
from vrag.evaluation.numbers.metrics import evaluate
from vrag.runtime.parsing import parse_toml, read_text

TEXTS = Path(__file__).with_name("languages") / "texts.toml"
NAMES = {"en": "english", "de": "german", "fr": "french", "es": "spanish", "ru": "russian", "zh": "chinese"}
Topics = Mapping[str, Mapping[str, Mapping[str, str]]]


@dataclass(frozen=True, slots=True)
class Table:
    """What one model finds.

    Args:
        model: Its name.
        scopes: NDCG@10 by language of the pages, and of the questions.
        all_pages: NDCG@10 by language of the questions.
    """

    model: str
    scopes: Mapping[str, Mapping[str, float]]
    all_pages: Mapping[str, float]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 when a model cannot be run."""
    options = _parse(arguments)
    topics: Topics = parse_toml(read_text(TEXTS))
    tables = []
    with tempfile.TemporaryDirectory() as folder:
        files = make_pages(topics, Path(folder))
        try:
            for model in options.models:
                tables.append(_measure(model, files, topics, Path(folder) / model))
        except VragError as error:
            print(f"Error: {error}", file=sys.stderr)
            return 1
    for table in tables:
        _print(table)
    if options.json:
        rows = [{"model": t.model, "scopes": t.scopes, "all_pages": t.all_pages} for t in tables]
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return 0


def make_pages(topics: Topics, folder: Path) -> list[Path]:
    """A PDF a language, in which each topic is a page; their paths."""
    return [_make_pdf(folder / f"{code}.pdf", code, topics) for code in NAMES]


def _make_pdf(file: Path, code: str, topics: Topics) -> Path:
    from reportlab.lib.enums import TA_LEFT
    from reportlab.lib.pagesizes import A5
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate

    font, wrap = _font(code), "CJK" if code == "zh" else None
    head = ParagraphStyle("head", fontName=font, fontSize=16, leading=20, spaceAfter=12, wordWrap=wrap)
    body = ParagraphStyle("body", fontName=font, fontSize=10, leading=14, alignment=TA_LEFT, wordWrap=wrap)
    story: list[Any] = []
    for texts in topics.values():
        story += [Paragraph(texts[code]["title"], head), Paragraph(texts[code]["text"], body), PageBreak()]
    SimpleDocTemplate(str(file), pagesize=A5, invariant=True).build(story)
    return file


def _font(code: str) -> str:
    """Name of a font that has the letters of a language."""
    from matplotlib import get_data_path
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfbase.ttfonts import TTFont

    if code == "zh":
        pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
        return "STSong-Light"
    pdfmetrics.registerFont(TTFont("DejaVu", f"{get_data_path()}/fonts/ttf/DejaVuSans.ttf"))
    return "DejaVu"


def _measure(model: str, files: Sequence[Path], topics: Topics, folder: Path) -> Table:
    with Index.create(folder, model) as index:
        index.ingest(list(files))
        scopes = {code: {asked: _ndcg(index, topics, asked, code) for asked in NAMES} for code in NAMES}
        return Table(model, scopes, {asked: _ndcg(index, topics, asked) for asked in NAMES})


def _ndcg(index: Index, topics: Topics, asked: str, code: str | None = None) -> float:
    """Mean over the questions of a language, asked of the pages of one, or of all."""
    run, labels = {}, {}
    for page, (topic, texts) in enumerate(topics.items(), 1):
        hits = index.search(texts[asked]["question"], k=10, where=f"doc={code}.pdf" if code else ())
        run[topic] = {f"{hit.doc}:{hit.page}": -float(rank) for rank, hit in enumerate(hits)}
        labels[topic] = {f"{other}.pdf:{page}": 1 for other in ([code] if code else NAMES)}
    return float(np.mean(evaluate(run, labels, ["ndcg@10"])["ndcg@10"]))


def _print(table: Table) -> None:
    print(f"\n{table.model}: NDCG@10, pages by questions")
    print(f"{'':12s}" + "".join(f"{name:>9s}" for name in NAMES.values()))
    for code, row in table.scopes.items():
        print(f"{NAMES[code]:12s}" + "".join(f"{row[asked]:9.3f}" for asked in NAMES))
    print(f"{'all pages':12s}" + "".join(f"{table.all_pages[asked]:9.3f}" for asked in NAMES))
    same = np.mean([table.scopes[code][code] for code in NAMES if code != "en"])
    other = np.mean([table.scopes[a][b] for a in NAMES for b in NAMES if a != b])
    print(f"one language, but English: {same:.3f}; question in another language than the page: {other:.3f}")


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["builtin", "multilingual"], help="pipelines of words")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers there")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
