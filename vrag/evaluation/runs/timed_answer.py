"""An answer with the time it took, and how a journal keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from vrag.ask.answer import Answer, Claim, Mismatch, Quote
from vrag.evaluation.runs.journal import Form


@dataclass(frozen=True, slots=True)
class TimedAnswer:
    """An answer to a question of a benchmark.

    Args:
        answer: Without the pages that were looked at.
        seconds: That it took.
        failure: Why the language model gave none; then the answer is empty, and no journal keeps it.
    """

    answer: Answer
    seconds: float
    failure: str = ""

    @property
    def says_nothing_answers(self) -> bool:
        """Whether the question is said not to be answered by the pages."""
        return not self.answer.found and not self.failure


def _written(timed: TimedAnswer) -> Mapping[str, Any]:
    return {"answer": asdict(timed.answer), "seconds": timed.seconds}


def _read(row: Mapping[str, Any]) -> TimedAnswer:
    said = row["answer"]
    quotes, claims = tuple(map(_quote, said["quotes"])), tuple(map(_claim, said["claims"]))
    whole = {**said, "quotes": quotes, "claims": claims, "left_out": tuple(said["left_out"]), "pages": ()}
    return TimedAnswer(Answer(**whole), row["seconds"])


def _quote(said: Mapping[str, Any]) -> Quote:
    mismatches = tuple(Mismatch(**one) for one in said["mismatches"])
    return Quote(**{**said, "boxes": tuple(map(tuple, said["boxes"])), "mismatches": mismatches})


def _claim(said: Mapping[str, Any]) -> Claim:
    return Claim(**{**said, "quotes": tuple(said["quotes"]), "unquoted": tuple(said["unquoted"])})


TIMED: Form[TimedAnswer] = Form(_written, _read)
