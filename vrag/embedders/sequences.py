"""Sequences of pieces that an encoder reads together, and several of them read at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vrag.grid import FloatArray
from vrag.runtime.machine import usable_cpus

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TokenSequence:
    """Pieces that are read together.

    Args:
        ids: int64 [length], vocabulary ids with the special tokens; 1 <= length <= 512.
        rows: int64 [k], places of the pieces whose vectors are wanted, k >= 1.
    """

    ids: IntArray
    rows: IntArray


def read_each(
    read: Callable[[TokenSequence], FloatArray], sequences: Sequence[TokenSequence], threads: int | None
) -> list[FloatArray]:
    """What `read` makes of each sequence.

    Args:
        read: Called by several threads, each of which takes the priority of whoever asks.
        sequences: Any number.
        threads: How many are read at once; None for one a CPU this process may use.
    """
    width = min(threads or usable_cpus(), len(sequences))
    if width < 2:
        return [read(sequence) for sequence in sequences]
    with ThreadPoolExecutor(width, thread_name_prefix="vrag-model") as pool:
        return list(pool.map(read, sequences))
