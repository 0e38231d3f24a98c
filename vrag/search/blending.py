"""Other scores added to those of a stage, so that a weight means the same for every query and every model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

_LEADING = 50  # pages that what is blended in is standardised over
_CONTRAST = 30  # pages down from the best by words, where they should mean less
Values = npt.NDArray[np.float64]


def blended(scores: Values, additions: Sequence[tuple[float, Values]]) -> Values:
    """Scores before and after each addition, float64 [1 + additions, p].

    An addition is standardised over the pages that lead by the stage's own score: those are the same however many
    candidates came this far, and so is what a page scores.

    Args:
        scores: float64 [p], the stage's own.
        additions: Weight and scores float64 [p] of each.
    """
    leading = np.argsort(-scores, kind="stable")[:_LEADING]
    spread, sums = scores[leading].std(), [scores]
    for weight, values in additions:
        sums.append(sums[-1] + weight * spread * _standardised(values, leading))
    return np.stack(sums)


def contrast(values: Values) -> float:
    """How well words tell pages apart, 0 to 1: by how much the best word score exceeds that of a page further down.

    Where every page of a filing has the query's words, their counts say little of the page that is meant.
    """
    down = np.sort(values)[::-1]
    return float(1 - down[min(_CONTRAST, len(down) - 1)] / down[0]) if len(down) and down[0] > 0 else 0.0


def _standardised(values: Values, leading: npt.NDArray[np.intp]) -> Values:
    """Zero mean and unit spread of the leading ones; zeros where these are all equal."""
    spread = values[leading].std()
    centred: Values = values - values[leading].mean()
    return centred / spread if spread > 0 else np.zeros_like(centred)
