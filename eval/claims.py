"""How much quotes must say for a claim to rest on them: shares of claims that are let pass, by what is quoted for them.

    python eval/claims.py BENCHMARK INDEX [--seed 0]

Claims are questions of a benchmark with their right answers. What should pass is the answer where it stands literally
on a labelled page, alone and with five words on each side; what should not are stretches of that page without it.
Numbers are looked at apart (`vrag/ask/figures.py`), so both shares are printed: by words alone, and with the numbers.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from vrag import Index
from vrag.ask.backing import says_enough, stems
from vrag.ask.figures import Figures
from vrag.evaluation.numbers.containing import contains
from vrag.evaluation.numbers.short_answer import LITERAL

_AROUND, _LONGEST, _TIMES = 5, 12, 5
_SIZES = (1, 2, 3, 4, 5, 8)
Case = tuple[str, str, str, frozenset[str]]  # claim, quote, question, stems of the page


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the shares."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("benchmark", type=Path)
    parser.add_argument("index", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    chance, cases = random.Random(options.seed), dict[str, list[Case]]()
    with Index.hold(options.index) as index:
        for question, answer, page in labelled(options.benchmark):
            words = index.page_words(*page).texts
            for name, quote in quotes_of(words, answer, chance):
                case = (f"{question.rstrip('?')} {answer}.", quote, question, frozenset(stems(" ".join(words))))
                cases.setdefault(name, []).append(case)
    for name, some in sorted(cases.items()):
        by_words = [case for case in some if has_figure(case) or says_enough(case[0], [case[1]], case[2], case[3])]
        both = [case for case in by_words if not Figures(case[0]).missing([Figures(case[1])], Figures(case[2]))]
        print(f"{name}: {len(by_words) / len(some):.1%}, {len(both) / len(some):.1%} of {len(some)}")
    return 0


def has_figure(case: Case) -> bool:
    """Whether a quote has a figure that the claim has and the question has not."""
    claim, quote, question, _ = case
    wanted = Figures(claim).missing((), Figures(question))
    return wanted != Figures(claim).missing([Figures(quote)], Figures(question))


def labelled(benchmark: Path) -> Iterator[tuple[str, str, tuple[str, int]]]:
    """Each question with an answer that may stand literally on a page, and a labelled page of it."""
    files = ("queries", "answers", "corpus", "qrels")
    rows = {name: [json.loads(line) for line in (benchmark / f"{name}.jsonl").open(encoding="utf-8")] for name in files}
    asked = {row["query-id"]: row["query"] for row in rows["queries"]}
    pages = {row["corpus-id"]: (row["doc"], row["page"]) for row in rows["corpus"]}
    answers = {row["query-id"]: row["answer"] for row in rows["answers"] if row["format"] in LITERAL}
    for row in rows["qrels"]:
        if row["query-id"] in answers:
            yield asked[row["query-id"]], answers[row["query-id"]], pages[row["corpus-id"]]


def quotes_of(words: Sequence[str], answer: str, chance: random.Random) -> Iterator[tuple[str, str]]:
    """What is quoted of a page, each with the name of its kind."""
    spans = ((i, i + size) for size in range(1, _LONGEST) for i in range(len(words)))
    place = next((span for span in spans if contains(" ".join(words[slice(*span)]), answer)), None)
    if place is not None:
        first, end = place
        yield "the answer alone", " ".join(words[first:end])
        yield "the answer with words around it", " ".join(words[max(0, first - _AROUND) : end + _AROUND])
    for size in _SIZES if words else ():
        for _ in range(_TIMES):
            start = chance.randrange(max(1, len(words) - size + 1))
            quote = " ".join(words[start : start + size])
            if not contains(quote, answer):
                yield f"{size} other words", quote


if __name__ == "__main__":
    sys.exit(main())
