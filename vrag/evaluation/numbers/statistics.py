"""How far a mean over queries can be trusted, and whether two methods differ by more than chance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from vrag.errors import UsageError

SAMPLES = 10_000
_BLOCK = 1_000_000  # random numbers drawn at once, to bound memory


class ConfidenceInterval(NamedTuple):
    """Bounds of a confidence interval."""

    low: float
    high: float


def bootstrap_interval(
    values: npt.ArrayLike,
    confidence: float = 0.95,
    samples: int = SAMPLES,
    seed: int = 0,
    groups: Sequence[npt.NDArray[np.intp]] = (),
) -> ConfidenceInterval:
    """Percentile bootstrap interval of the mean over queries (Efron and Tibshirani 1993, chapter 13).

    Args:
        values: [q], a metric's value for each query.
        confidence: Share of such intervals that hold the true mean.
        samples: Resamplings.
        seed: Same seed, same interval.
        groups: Positions of each language's queries, when the mean wanted is that of the languages' means; queries
            are then drawn within their language.

    Raises:
        UsageError: There are no queries.
    """
    scores = _column(values)
    rng = np.random.default_rng(seed)
    means = [_resampled_means(scores[rows], samples, rng) for rows in groups or [np.arange(len(scores))]]
    low, high = np.quantile(np.mean(means, axis=0), [(1 - confidence) / 2, (1 + confidence) / 2])
    return ConfidenceInterval(float(low), float(high))


def ratio_interval(parts: npt.ArrayLike, wholes: npt.ArrayLike, samples: int = SAMPLES) -> ConfidenceInterval:
    """The same, at 95 %, of a ratio of sums over queries, as an F1 is one; 0 where the divisor is 0.

    Args:
        parts: [q], what each query adds to the dividend.
        wholes: [q], what it adds to the divisor.
        samples: Resamplings.

    Raises:
        UsageError: There are no queries, or not the same number of both.
    """
    one, other = _paired(parts, wholes)
    rng, ratios = np.random.default_rng(0), []
    for size in _blocks(samples, len(one)):
        drawn = rng.integers(0, len(one), (size, len(one)))
        sums = other[drawn].sum(1)
        ratios.append(np.divide(one[drawn].sum(1), sums, out=np.zeros(size), where=sums != 0))
    low, high = np.quantile(np.concatenate(ratios), [0.025, 0.975])
    return ConfidenceInterval(float(low), float(high))


def _resampled_means(
    scores: npt.NDArray[np.float64], samples: int, rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Means [samples] of as many scores as there are [q], drawn with replacement."""
    count = len(scores)
    return np.concatenate([scores[rng.integers(0, count, (size, count))].mean(1) for size in _blocks(samples, count)])


def randomisation_test(first: npt.ArrayLike, second: npt.ArrayLike, samples: int = SAMPLES, seed: int = 0) -> float:
    """Two-sided p-value of the paired randomisation test (Smucker, Allan and Carterette 2007).

    If both methods were equally good, each query's difference might as well have the other sign: p is
    the share of random sign flips whose mean is at least as far from 0 as the one observed.

    Args:
        first: [q], a metric's value for each query.
        second: [q], the same of the other method, in the same order.
        samples: Random sign flips.
        seed: Same seed, same p.

    Raises:
        UsageError: There are no queries, or not the same number of both.
    """
    one, other = _paired(first, second)
    differences = one - other
    observed = abs(differences.sum()) * (1 - 1e-9)  # a flip that gives the same sum must count despite rounding
    rng = np.random.default_rng(seed)
    extreme = 0
    for size in _blocks(samples, len(differences)):
        signs = rng.integers(0, 2, (size, len(differences))) * 2 - 1
        extreme += int((abs(signs @ differences) >= observed).sum())
    return (extreme + 1) / (samples + 1)


def _paired(first: npt.ArrayLike, second: npt.ArrayLike) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    one, other = _column(first), _column(second)
    if len(one) != len(other):
        raise UsageError(f"Cannot pair {len(one)} values with {len(other)}.", "Both need the same queries.")
    return one, other


def _column(values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    column = np.asarray(values, np.float64)
    if column.ndim != 1 or not len(column):
        raise UsageError(f"Values of at least one query are needed, [q], not {list(column.shape)}.")
    return column


def _blocks(samples: int, width: int) -> Iterator[int]:
    """Sizes that add up to `samples`, each of at most `_BLOCK` numbers of `width` a sample."""
    step = max(1, _BLOCK // width)
    for start in range(0, samples, step):
        yield min(step, samples - start)
