"""Whether an answer cites the right pages, after ALCE (Gao et al. 2023, arXiv 2305.14627), without a judge model.

ALCE's citation recall asks a model whether what is cited entails a statement, its precision which citations are of
use. Here people have labelled the pages: recall is the share of them that are cited, precision the share of the cited
pages that are labelled. An answer without quotes cites nothing, and both are 0.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple


class Citation(NamedTuple):
    """How right the cited pages are.

    Args:
        precision_at_1: 1 when the first quote is of a labelled page.
        precision: Share of the cited pages that are labelled.
        recall: Share of the labelled pages that are cited.
        f1: Their harmonic mean, 2 x right / (cited + labelled).
    """

    precision_at_1: float
    precision: float
    recall: float
    f1: float


def citation(cited: Sequence[Hashable], labelled: AbstractSet[Hashable]) -> Citation:
    """Compare the pages of an answer's quotes with the labelled ones.

    Args:
        cited: Page of each quote, in the order of the quotes; a page may come twice.
        labelled: Of which there is at least one.
    """
    pages = set(cited)
    right = len(pages & labelled)
    return Citation(
        precision_at_1=float(bool(cited) and cited[0] in labelled),
        precision=right / max(len(pages), 1),
        recall=right / len(labelled),
        f1=2 * right / (len(pages) + len(labelled)),
    )
