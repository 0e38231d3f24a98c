"""Similarities of a query's rows with rows of pages, on the thread that asks for them."""

from __future__ import annotations

import numpy as np

from vrag.grid import FloatArray

_UNDIVIDED = 1 << 18  # multiplications up to which OpenBLAS leaves a product to one thread


def similarities(query: FloatArray, rows: FloatArray) -> FloatArray:
    """Dot products of all rows of a query with all rows of a page: float32 [m, n].

    numpy's OpenBLAS divides a larger product among all processors, and its threads then wait for the next one without
    sleeping, for 100 ms. A query has a few such products: our own threads, and other queries, would lack those
    processors for nearly all of its time. So it is made of products that are not divided.

    Args:
        query: float32 [m, d].
        rows: float32 [n, d].
    """
    step = _UNDIVIDED // max(query.size, 1)
    if len(rows) <= step or not step:  # a query of so many rows has work for all processors
        return query @ rows.T
    found = np.empty((len(rows), len(query)), np.float32)
    for first in range(0, len(rows), step):
        np.matmul(rows[first : first + step], query.T, out=found[first : first + step])
    return found.T
