"""The step that weighs words: how much of the question's own wording the first pages have.

    score(page) = score before + weight * best score before * (title + pairs + years + places)

Each of the four is a share, 0 to 1:

- title: of the words with which the page begins, how many stand in the question, "balance sheet" above a balance sheet;
  each counts 0.85 times as much as the one before it;
- pairs: of the question's words that stand side by side, how many do so on the page: "working capital";
- years: of the years that the question names, how many stand on the page, and how many in its document's name, halved;
- places: 1 for a page that the question names by its number, "on page 12"; else, of what the question calls by a number
  of up to two digits, how much the page calls so too: "figure 3", "unit 14".

Words are compared without case and plural; short ones, "of the", are in no title and no pair. "FY2018" and "FY18" are
2018, as reports of fiscal years are asked for. Vectors tell none of this apart: the pages of a filing are about one
company, its years look alike, and nothing on page 3 says that it is the third.

Pages that the question names by number, of the documents that the first pages are of, are among those that are weighed
even where an earlier step has left them out, and their score before is that of their document's best page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING

from vrag.search.named_pages import LAST
from vrag.search.operators import ReadPayload, WeighWords
from vrag.search.trail import Entry
from vrag.search.wording_shares import AskedWords
from vrag.store.interface import Condition, Scored, Selection

if TYPE_CHECKING:
    from vrag.search.reading import Reading
    from vrag.search.running import Runner

MOST_LOOKED_UP = 100  # pages, by their numbers; of one document all that are named


def weigh_words(runner: Runner, operator: WeighWords, given: list[Scored] | None) -> Entry:
    """The first pages with their wording added to their scores, best first, and behind them the others.

    The entry's `blended` has those that were weighed, `joined` those that were looked up by their numbers.
    """
    points, reading = given or [], runner.reading
    if reading is None or not points:
        return Entry(operator, points)
    asked = AskedWords.of(reading.question)
    first, named = _with_named(runner, reading, operator, asked.pages, points)
    sums = _sums(runner, reading, asked, first, named)
    best = {_doc(point): point.score for point in reversed(points)}
    scale, blended = operator.wording.weight * abs(points[0].score), {}
    for point in first:
        before = best[_doc(point)] if point.id in named else point.score
        blended[point.id] = before, before + scale * sums[point.id]
    weighed = [point.at(blended[point.id][-1]) for point in first]
    behind = [point for point in points if point.id not in blended]
    found = sorted([*weighed, *behind], key=lambda point: (-point.score, point.id))
    return Entry(operator, found, blended=blended, joined=frozenset(blended).difference(point.id for point in points))


def _with_named(
    runner: Runner, reading: Reading, operator: WeighWords, pages: frozenset[int], points: Sequence[Scored]
) -> tuple[list[Scored], frozenset[str]]:
    """The first points and all pages of these numbers of their documents; and the ids of the latter."""
    first = list(points[: operator.wording.pages])
    if not pages:
        return first, frozenset()
    documents = list(dict.fromkeys(map(_doc, first)))[: max(1, MOST_LOOKED_UP // len(pages))]
    wanted = _numbers(reading, pages, documents)
    numbers = sorted(frozenset().union(*wanted.values()))
    conditions = Condition("doc_id", tuple(documents)), Condition("page", tuple(numbers))
    selection = replace(runner.selection, conditions=(*runner.selection.conditions, *conditions))
    records = runner.store.scroll(selection, keys=("doc_id", "page"))
    named = frozenset(record.id for record in records if record.payload["page"] in wanted[record.payload["doc_id"]])
    joining = [Scored(page, 0.0, {}) for page in sorted(named.difference(point.id for point in first))]
    return [*first, *runner.read_payload(ReadPayload(operator.step), joining).points], named


def _numbers(reading: Reading, pages: frozenset[int], documents: Sequence[str]) -> Mapping[str, frozenset[int]]:
    """Numbers of the named pages of each document: the last page has another one in each."""
    if LAST not in pages:
        return dict.fromkeys(documents, pages)
    found = reading.documents.selected(Selection((Condition("doc_id", tuple(documents)),)))
    last = {document.doc_id: document.pages for document in found}
    return {doc_id: pages - {LAST} | {last.get(doc_id, LAST)} for doc_id in documents}


def _sums(
    runner: Runner, reading: Reading, asked: AskedWords, points: Iterable[Scored], named: frozenset[str]
) -> dict[str, float]:
    """The sum of the four shares of each page."""
    documents = {point.id: _doc(point) for point in points}
    texts = runner.glance.pages.plain_texts(list(documents))
    labels = reading.documents.labels(list(dict.fromkeys(documents.values())))
    names = {doc_id: PurePath(path).stem for doc_id, (_, path) in labels.items()}
    return {
        page: sum(asked.shares(texts.get(page, ""), names.get(doc_id, ""), page in named))
        for page, doc_id in documents.items()
    }


def _doc(point: Scored) -> str:
    return str(point.payload["doc_id"])
