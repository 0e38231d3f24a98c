"""Fitting relevance to searches of which it is known whether the index has what was asked for, and measuring it.

A search is judged by its best hit, so the regression is fitted to best hits: which one that is follows from the
coefficients before, a few times over.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
_PENALTY = 1.0  # of squared coefficients, with the evidence in units of its spread
_ROUNDS, _STEPS = 6, 15
_BINS = 10


@dataclass(frozen=True, slots=True)
class Judged:
    """One search.

    Args:
        benchmark: Whose question it was.
        document: Of the question; all of a document's searches are left out together.
        evidence: float64 [hits, e], of its hits.
        is_there: Whether the index had the document.
    """

    benchmark: str
    document: str
    evidence: Values
    is_there: bool


def fit(searches: Sequence[Judged]) -> Values:
    """The coefficients, float64 [1 + e]; every benchmark weighs the same."""
    wanted = np.array([search.is_there for search in searches], np.float64)
    names = [search.benchmark for search in searches]
    weights = np.array([len(names) / names.count(name) for name in names]) / len(set(names))
    chosen = [0] * len(searches)
    for _ in range(_ROUNDS):
        best = np.stack([search.evidence[i] for search, i in zip(searches, chosen, strict=True)])
        found = _regression(best, wanted, weights)
        before, chosen = chosen, [int(np.argmax(search.evidence @ found[1:])) for search in searches]
        if chosen == before:
            break
    return found


def relevance(search: Judged, coefficients: Values) -> float:
    """Of the best hit."""
    return float(1 / (1 + np.exp(-coefficients[0] - (search.evidence @ coefficients[1:]).max())))


def cross_validated(searches: Sequence[Judged]) -> Values:
    """The relevance of each search by what was fitted without its document: float64 [n]."""
    found = np.zeros(len(searches))
    for document in {(search.benchmark, search.document) for search in searches}:
        is_out = [(search.benchmark, search.document) == document for search in searches]
        coefficients = fit([search for search, out in zip(searches, is_out, strict=True) if not out])
        for i in np.flatnonzero(is_out).tolist():
            found[i] = relevance(searches[i], coefficients)
    return found


def auc(there: Values, absent: Values) -> float:
    """How often a search that can find something is more relevant than one that cannot; half for equal ones."""
    differences = there[:, None] - absent[None, :]
    return float((differences > 0).mean() + (differences == 0).mean() / 2)


def calibration_error(found: Values, are_there: BoolArray) -> float:
    """The expected calibration error over ten bins of equal width."""
    bins = np.minimum((found * _BINS).astype(int), _BINS - 1)
    gaps = [(of_bin := bins == i).sum() * abs(found[of_bin].mean() - are_there[of_bin].mean()) for i in set(bins)]
    return float(sum(gaps) / len(found))


def auc_interval(there: Values, absent: Values, samples: int = 2000) -> tuple[float, float]:
    """The 95 % bootstrap interval of `auc`."""
    chance = np.random.default_rng(0)
    found = [auc(chance.choice(there, len(there)), chance.choice(absent, len(absent))) for _ in range(samples)]
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


def _regression(evidence: Values, wanted: Values, weights: Values) -> Values:
    """Logistic regression by Newton's method."""
    middle, spread = evidence.mean(axis=0), evidence.std(axis=0) + 1e-9
    columns = np.column_stack([np.ones(len(evidence)), (evidence - middle) / spread])
    penalty = np.diag([0.0, *[_PENALTY] * evidence.shape[1]])
    found = np.zeros(columns.shape[1])
    for _ in range(_STEPS):
        likely = 1 / (1 + np.exp(-columns @ found))
        slope = columns.T @ (weights * (likely - wanted)) + penalty @ found
        bend = (columns.T * (weights * likely * (1 - likely))) @ columns + penalty
        found = found - np.linalg.solve(bend, slope)
    scaled = found[1:] / spread
    return np.array([found[0] - scaled @ middle, *scaled])


def rows(benchmark: str, found: Values, searches: Sequence[Judged], least: float) -> Iterator[str]:
    """Figures of one benchmark as cells of a table.

    Args:
        benchmark: Its name.
        found: float64 [n], relevance of each search.
        searches: The n searches, of other benchmarks too.
        least: Relevance below which a search has found nothing.
    """
    of_it = np.array([search.benchmark == benchmark for search in searches])
    are_there = np.array([search.is_there for search in searches])
    there, absent = found[of_it & are_there], found[of_it & ~are_there]
    low, high = auc_interval(there, absent)
    yield f"{auc(there, absent):.3f} [{low:.3f}, {high:.3f}]"
    yield f"{calibration_error(found[of_it], are_there[of_it]):.3f}"
    yield f"{(there < least).mean():.1%}"
    yield f"{(absent < least).mean():.1%}"
