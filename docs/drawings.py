"""Draws the pictures of docs/concepts from the sample pages: an index is made of them, and asked.

    python docs/drawings.py            # writes docs/pictures/concept-*.svg

`tests/test_docs_examples.py` draws them again and compares, so what they show is what vrag does.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from html import escape
from pathlib import Path

import numpy as np

from vrag import Index
from vrag.cascade.cascade import Cascade, Fusion, Step
from vrag.cascade.regions import best_region, window_starts
from vrag.catalog.contexts import name_words
from vrag.grid import Box, Grid, Tile
from vrag.pages.page import Words
from vrag.pipeline.pipeline import HEAD_ROWS, load_pipeline
from vrag.pooling.free import runs
from vrag.search.found import NOT_RELEVANT

PICTURES = Path(__file__).parent / "pictures"
SAMPLES = Path(__file__).parent.parent / "eval" / "samples" / "pdfs"
REPORT, SLIDES, PAPER = "ferry-annual-report.pdf", "bees-on-the-roof-slides.pdf", "solar-kiln-paper.pdf"
QUERY = "freight revenue growth"
COLOURS = ("#2f6db5", "#c8641e", "#3c8c4f", "#8a4fa3", "#b03a54", "#6b6f1d", "#1f8a8a")
STYLE = """
text { font: 13px/1.3 system-ui, sans-serif; fill: #1d2733 }
.quiet { fill: #5b6b7c } .strong { font-weight: 600 } .word { fill: #40505f }
.code { font-family: ui-monospace, monospace; font-size: 12px }
.paper { fill: #fff; stroke: #b9c4d0 } .room { fill: #f4f7fb; stroke: #8fa3b8 }
.line { fill: none; stroke: #5f7790; stroke-width: 1.3 }
"""


def svg(width: int, height: int, parts: Iterable[str]) -> str:
    """A drawing on white, which can be read in a dark page too."""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}">'
    back = f'<rect width="{width}" height="{height}" fill="#fff" rx="6"/>'
    return "\n".join([head, f"<style>{STYLE}</style>", back, *parts, "</svg>"]) + "\n"


def text(x: float, y: float, words: str, kind: str = "", more: str = "") -> str:
    """Words that begin at a place."""
    name = f' class="{kind}"' if kind else ""
    return f'<text{name} x="{x:.0f}" y="{y:.0f}"{more}>{escape(words)}</text>'


def rect(x: float, y: float, width: float, height: float, kind: str = "", more: str = "") -> str:
    """A rectangle, to a tenth of a pixel."""
    name = f' class="{kind}"' if kind else ""
    return f'<rect{name} x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"{more}/>'


class Paper:
    """A part of a page, drawn with its words where they stand.

    Args:
        part: x0, y0, x1, y1 of the page.
        left: Of the drawing, pixels.
        top: Likewise.
        width: Likewise; the height follows from an A4 page.
    """

    def __init__(self, part: Box, left: float, top: float, width: float, shape: float = 1.414) -> None:
        self.part, self.left, self.top, self.width = part, left, top, width
        self.scale = width / (part[2] - part[0])
        self.down = self.scale * shape
        self.height = (part[3] - part[1]) * self.down

    def place(self, box: Sequence[float]) -> Box:
        """x, y, width and height in the drawing of a box of the page."""
        x0, y0, x1, y1 = (float(value) for value in box)
        x, y = self.left + (x0 - self.part[0]) * self.scale, self.top + (y0 - self.part[1]) * self.down
        return x, y, (x1 - x0) * self.scale, (y1 - y0) * self.down

    def sheet(self) -> str:
        """The paper itself."""
        return rect(self.left, self.top, self.width, self.height, "paper")

    def words(self, words: Words) -> list[str]:
        """Every word of the part, as large as it is printed; words of a line stand on one line."""
        parts = []
        for line in np.unique(words.lines):
            on_line = np.flatnonzero(words.lines == line)
            boxes = words.boxes[on_line]
            if boxes[:, 1].min() < self.part[1] or boxes[:, 3].max() > self.part[3]:
                continue
            size = float((boxes[:, 3] - boxes[:, 1]).max()) * self.down
            for word, box in zip(on_line, boxes, strict=True):
                x, _, width, _ = self.place(box)
                foot = self.place(boxes[boxes[:, 3].argmin()])
                fit = f' style="font-size:{size:.1f}px" textLength="{width:.1f}" lengthAdjust="spacingAndGlyphs"'
                parts.append(text(x, foot[1] + foot[3], words.texts[word], "word", fit))
        return parts

    def box(self, box: Sequence[float], colour: str, opacity: float = 0.18, more: str = "") -> str:
        """A marked box of the page."""
        x, y, width, height = self.place(box)
        mark = f' fill="{colour}" fill-opacity="{opacity:.2f}" stroke="{colour}" rx="2"{more}'
        return rect(x - 1.5, y - 1.5, width + 3, height + 3, "", mark)


def page(index: Index) -> str:
    """Words with boxes, and patches."""
    words, grid = index.page_words(REPORT, 10), index.explain("ferry", REPORT, 10).grid
    part = (0.12, 0.085, 0.90, 0.265)
    patches = Grid.patches([Tile(32, 32)]).boxes
    inside = [box for box in patches if (box[:2] >= part[:2]).all() and (box[2:] <= part[2:]).all()]
    reads, sees = Paper(part, 20, 40, 560), Paper(part, 20, 270, 560)
    line = f' fill="none" stroke="{COLOURS[1]}" stroke-opacity="0.6"'
    parts = [text(20, 26, "a model that reads gets words, each with its box", "strong"), reads.sheet()]
    parts += [*reads.words(words), *(reads.box(box, COLOURS[0], 0.12) for box in grid.boxes if box[3] <= part[3])]
    parts += [text(20, 256, "a model that sees gets a picture, cut into patches (here 32 x 32 a page)", "strong")]
    parts += [sees.sheet(), *sees.words(words), *(rect(*sees.place(box), "", line) for box in inside)]
    return svg(600, int(sees.top + sees.height + 20), parts)


def multivector(index: Index) -> str:
    """Words of a line, each with the first numbers of its vector."""
    full, words = index.vectors(REPORT, 3), index.page_words(REPORT, 3)
    grid = index.explain(QUERY, REPORT, 3).grid
    parts = [
        text(20, 28, "word", "strong"),
        text(150, 28, f"its row: {full.shape[1]} numbers, the first 24 drawn", "strong"),
    ]
    shown = [row for row, box in enumerate(grid.boxes) if 0.295 < box[1] < 0.32][:6]
    greatest = float(np.abs(full[shown, :24]).max())
    for line, row in enumerate(shown):
        y = 44 + 26 * line
        parts.append(text(20, y + 15, _word_at(words, grid.boxes[row])))
        for n, value in enumerate(full[row, :24]):
            paint = COLOURS[0] if value > 0 else COLOURS[1]
            parts.append(
                rect(150 + 20 * n, y, 18, 20, "", f' fill="{paint}" fill-opacity="{abs(value) / greatest:.2f}"')
            )
        parts.append(text(636, y + 15, "…"))
    foot = 44 + 26 * len(shown) + 20
    parts.append(
        text(20, foot, f"… {len(full)} rows for this page of {len(words)} words: function words get none.", "quiet")
    )
    return svg(680, foot + 18, parts)


def maxsim(index: Index) -> str:
    """A table of dot products, the best of each row of the query framed."""
    full, words = index.vectors(REPORT, 3), index.page_words(REPORT, 3)
    found = index.explain(QUERY, REPORT, 3)
    query = index.embed_query(QUERY)
    best = [match.row for match in found.matches]
    line = [row for row, box in enumerate(found.grid.boxes) if 0.295 < box[1] < 0.32]
    columns = sorted({*best, *line[:5], 7, 8, 9, 16, 27})
    dots = query @ full[columns].T
    rows = f"{len(columns)} of the page's {len(full)} rows"
    parts = [text(20, 30, "query", "strong"), text(170, 30, rows, "strong")]
    for column, row in enumerate(columns):
        turned = f' transform="rotate(-38 {184 + 40 * column} 108)"'
        parts.append(text(180 + 40 * column, 108, _word_at(words, found.grid.boxes[row]), "", turned))
    right = 180 + 40 * len(columns) + 12
    parts.append(text(right, 108, "best", "strong"))
    for n, match in enumerate(found.matches):
        y = 118 + 30 * n
        parts.append(text(20, y + 19, match.token))
        for column, row in enumerate(columns):
            share = max(0.0, float(dots[n, column])) / float(dots.max())
            frame = ' stroke="#1d2733" stroke-width="2"' if row == match.row else ' stroke="#fff"'
            parts.append(
                rect(176 + 40 * column, y, 38, 28, "", f' fill="{COLOURS[0]}" fill-opacity="{share**2:.2f}"{frame}')
            )
        parts.append(text(right, y + 19, f"{match.contribution:.2f}"))
    foot = 118 + 30 * len(found.matches)
    parts += [
        f'<path class="line" d="M{right - 6} {foot + 4}h60"/>',
        text(right, foot + 22, f"{found.score:.2f}", "strong"),
    ]
    parts.append(text(20, foot + 22, "The sum of the best of each row is the score of the page.", "quiet"))
    return svg(right + 70, foot + 38, parts)


def pooling(index: Index) -> str:
    """Runs of neighbours on a page, each of which becomes one row."""
    full, words = index.vectors(REPORT, 3), index.page_words(REPORT, 3)
    grid = index.explain(QUERY, REPORT, 3).grid
    pooled = runs(full, grid)
    assert np.allclose(pooled.vectors, index.vectors(REPORT, 3, "runs"), atol=2e-3)
    paper = Paper((0.10, 0.08, 0.90, 0.37), 20, 40, 500)
    parts = [
        text(20, 26, f"{len(full)} rows of `full`, in reading order", "strong"),
        paper.sheet(),
        *paper.words(words),
    ]
    parts.append(text(560, 26, f"{len(pooled.vectors)} rows of `runs`", "strong"))
    for n, rows in enumerate(pooled.sources):
        colour = COLOURS[n % len(COLOURS)]
        inside = [grid.boxes[row] for row in rows if 0.08 <= grid.boxes[row][1] <= 0.37]
        parts += [paper.box(box, colour, 0.25) for box in inside]
        y = 44 + 42 * n
        parts.append(rect(560, y, 26, 26, "", f' fill="{colour}" fill-opacity="0.6" rx="4"'))
        parts.append(text(596, y + 17, f"mean of {len(rows)} rows"))
    return svg(740, int(paper.top + paper.height + 24), parts)


def cascade(index: Index) -> str:
    """The default and the three stages of the built-in pipeline, from their text."""
    pipeline = load_pipeline("builtin")
    sizes = {name: len(np.atleast_2d(index.vectors(REPORT, 3, name))) for name in ("full", "runs", "global")}
    parts, top = [], 0
    for name in ("three-stage", "best"):
        drawn, top = _steps(pipeline.cascade(name), sizes, top)
        parts += drawn
    return svg(760, top, parts)


def _steps(one: Cascade, sizes: dict[str, int], top: int) -> tuple[list[str], int]:
    """The boxes of a cascade, one below the other, and where they end."""
    parts, width = [text(20, top + 28, f"{one.name}:", "strong"), text(120, top + 28, str(one), "code")], 500
    y = top + 42
    parts += _box("all pages", "", 20, y, width)
    for step in one.steps:
        y, narrower = y + 50, width * 0.84
        parts.append(f'<path class="line" d="M20 {y - 16}l{0} 16M{20 + width:.0f} {y - 16}L{20 + narrower:.0f} {y}"/>')
        parts += _box(step.scoring, _said(step, sizes), 20, y, narrower)
        width = narrower
    return parts, y + 58


def _box(code: str, said: str, x: float, y: float, width: float) -> list[str]:
    return [
        rect(x, y, width, 34, "room", ' rx="5"'),
        text(x + 10, y + 21, code, "code"),
        text(x + width + 10, y + 21, said, "quiet"),
    ]


def _said(step: Step, sizes: dict[str, int]) -> str:
    """How many pages a step lets through."""
    if isinstance(step, Fusion):
        return " and ".join(f"{branch[-1].limit} by {branch[-1].vector}" for branch in step.branches)
    return f"the best {step.limit} go on" if step.limit else "the hits"


def region(index: Index) -> str:
    """All windows of a page with what they score, and the best one framed."""
    query = "how the crew put out a fire"
    found = index.explain(query, REPORT, 8)
    words, full = index.page_words(REPORT, 8), index.vectors(REPORT, 8)
    rule = load_pipeline("builtin").regions
    windows = rule.windows(())
    dots = index.embed_query(query) @ full.T
    scores = []
    for start in window_starts(len(full), *windows):
        rows = [*range(start, min(start + windows.size, len(full))), *range(HEAD_ROWS)]
        scores.append(float(dots[:, rows].max(axis=1).sum()))
    best = best_region(dots, windows, HEAD_ROWS, None)
    assert np.isclose(best.score, max(scores), atol=1e-3)
    boxes = found.grid.boxes
    paper = Paper((0.12, 0.08, 0.88, 0.30), 20, 40, 500)
    parts = [
        text(20, 26, f"“{query}”: the best window of {windows.size} rows", "strong"),
        paper.sheet(),
        *paper.words(words),
    ]
    rows = range(*rule.rows(found.grid, best.start))
    parts += [paper.box(boxes[row], COLOURS[0], 0.22) for row in rows]
    parts.append(text(560, 26, "score of each window", "strong"))
    for n, score in enumerate(scores):
        y, paint = 44 + 20 * n, COLOURS[0] if scores[n] == max(scores) else "#b9c4d0"
        parts.append(rect(560, y, 110 * score / max(scores), 14, "", f' fill="{paint}"'))
        parts.append(text(560 + 118, y + 12, f"{score:.2f}"))
    return svg(740, int(max(paper.top + paper.height, 44 + 20 * len(scores)) + 18), parts)


def context(index: Index) -> str:
    """Which words of a query the page answers, and which its document."""
    query = "price of a colony of bees"
    found = index.explain(query, SLIDES, 7)
    said = " ".join(name_words(SLIDES))
    parts = [text(20, 28, "query", "strong"), text(240, 28, "answered by", "strong"), text(600, 28, "adds", "strong")]
    for n, (match, answer) in enumerate(zip(found.matches, found.counted.answers, strict=True)):
        y = 40 + 28 * n
        of_document = answer.source == "context"
        colour = COLOURS[1] if of_document else COLOURS[0]
        where = f"the document: “{said} …”" if of_document else f"the page: “{answer.text}”"
        parts += [text(20, y + 17, match.token), f'<path class="line" d="M130 {y + 12}H228"/>']
        parts.append(rect(236, y, 340, 23, "", f' fill="{colour}" fill-opacity="0.15" stroke="{colour}" rx="4"'))
        parts += [text(246, y + 16, where), text(600, y + 17, f"{answer.contribution:.2f}")]
    return svg(680, 40 + 28 * len(found.matches) + 16, parts)


def relevance(index: Index) -> str:
    """Scores and relevances of the best pages of two searches."""
    parts = [text(470, 28, "score", "strong"), text(610, 28, "relevance", "strong")]
    y = 40
    for query in ("freight revenue", "How many subscribers did Netflix lose in Canada?"):
        parts.append(text(20, y + 15, f"“{query}”", "strong"))
        y += 24
        for hit in index.search(query, k=2):
            parts.append(text(36, y + 15, f"{hit.doc}, page {hit.page}"))
            known = hit.relevance or 0.0
            parts.append(rect(330, y + 3, 25 * hit.score, 14, "", ' fill="#b9c4d0"'))
            parts.append(text(470, y + 15, f"{hit.score:.2f}"))
            parts.append(rect(530, y + 3, 70 * known, 14, "", f' fill="{COLOURS[0]}"'))
            parts.append(text(610, y + 15, f"{known:.2f}"))
            y += 24
        y += 10
    limit = 530 + 70 * NOT_RELEVANT
    parts.append(f'<path d="M{limit:.0f} 36V{y}" stroke="{COLOURS[4]}" stroke-dasharray="4 3"/>')
    parts.append(text(limit - 20, y + 16, f"below {NOT_RELEVANT}: nothing relevant", "quiet"))
    return svg(740, y + 32, parts)


def _word_at(words: Words, box: Sequence[float]) -> str:
    """The word with this box."""
    return words.texts[int(np.abs(words.boxes - np.asarray(box)).sum(axis=1).argmin())]


DRAWINGS: tuple[Callable[[Index], str], ...] = (
    page,
    multivector,
    maxsim,
    pooling,
    cascade,
    region,
    context,
    relevance,
)


def drawings(folder: Path) -> dict[str, str]:
    """Every drawing by name, of an index of the samples that is made in `folder`, as `my-index`."""
    with Index.create(folder / "my-index") as index:
        index.ingest([SAMPLES / name for name in (REPORT, SLIDES, PAPER)])
        return {draw.__name__: draw(index) for draw in DRAWINGS}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        for name, drawn in drawings(Path(temporary)).items():
            (PICTURES / f"concept-{name}.svg").write_text(drawn, encoding="utf-8")
