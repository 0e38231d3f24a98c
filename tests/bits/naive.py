"""What the kernels must give, written as the formulas are."""

import numpy as np


def unit(rows):
    return (rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)).astype(np.float32)


def coded_query(query, planes):
    """The query's rows as rounded to `planes` bits a value."""
    levels = 2**planes - 1
    coded = np.zeros_like(query)
    for j, row in enumerate(query):
        if planes == 1:
            coded[j] = np.where(row > 0, 1, -1) * np.abs(row).mean()
        elif np.abs(row).max() > 0:
            step = 2 * np.abs(row).max() / levels
            codes = np.clip(np.rint(row / step + levels / 2), 0, levels)
            coded[j] = (codes - levels / 2) * step
    return coded


def similarities(signs, query, page, planes):
    """Estimated similarity [m, n] of every query row and page row."""
    return query @ signs.mean[:, None] + signs.scale * (coded_query(query, planes) @ codes(signs, page).T)


def codes(signs, page):
    """-1 and 1, or with two bits a value -3, -1, 1 and 3: the sign, and whether a value is large."""
    centred = page - signs.mean
    if signs.levels == 1:
        return np.where(centred > 0, 1.0, -1.0)
    return np.where(centred > 0, 1.0, -1.0) * np.where(np.abs(centred) > signs.threshold, 3.0, 1.0)


def maxsim(signs, query, page, planes):
    return similarities(signs, query, page, planes).max(axis=1).sum() if len(page) else -np.inf


def best_region(signs, query, page, planes, window, stride, context):
    """Best score over the windows and where it starts; windows step until one holds the last row."""
    best, start, at = -np.inf, 0, 0
    while len(page):
        similarity = similarities(signs, query, page[at : at + window], planes)
        score = np.maximum(similarity.max(axis=1), context).sum()
        if score > best:
            best, start = score, at
        if at + window >= len(page):
            break
        at += stride
    return best, start
