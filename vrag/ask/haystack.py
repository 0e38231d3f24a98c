"""The words of a page in one order, made ready once for all quotes that are looked for among them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from vrag.ask.likeness import skeleton
from vrag.ask.tokens import Tokens, tokens_of

Indices = npt.NDArray[np.int64]
_BETWEEN = "\n"  # keys, none of which has it


class Haystack:
    """Words of a page, cut into t tokens.

    Args:
        texts: The n words of the page.
        order: int64 [n], in which they are read.
    """

    def __init__(self, texts: Sequence[str], order: Indices) -> None:
        self.order = order
        self.tokens: Tokens = tokens_of([texts[i] for i in order.tolist()])

    @cached_property
    def places(self) -> Indices:
        """Where in the order each word comes: int64 [n]."""
        return np.argsort(self.order, kind="stable")

    @cached_property
    def skeletons(self) -> list[str]:
        """The letters of each token, with one for all that look like it."""
        return [skeleton(key) for key in self.tokens.keys]

    @cached_property
    def letters(self) -> str:
        """The same one after the other."""
        return "".join(self.skeletons)

    @cached_property
    def ends(self) -> list[int]:
        """Where in `letters` each token ends."""
        return list(accumulate(map(len, self.skeletons)))

    def behind(self, words: Indices) -> int:
        """The first token behind all of some words."""
        return bisect_left(self.tokens.words, int(self.places[words].max()) + 1)

    def find(self, keys: Sequence[str], start: int) -> int | None:
        """The first token from `start` with which `keys` begin, one after the other; None where they do not."""
        at = self._keys.find(f"{_BETWEEN}{_BETWEEN.join(keys)}{_BETWEEN}", self._starts[start])
        return None if at < 0 else bisect_left(self._starts, at)

    @cached_property
    def _keys(self) -> str:
        return f"{_BETWEEN}{_BETWEEN.join(self.tokens.keys)}{_BETWEEN}"

    @cached_property
    def _starts(self) -> list[int]:
        """Where in `_keys` what is before each token stands."""
        return [0, *accumulate(len(key) + 1 for key in self.tokens.keys)]
