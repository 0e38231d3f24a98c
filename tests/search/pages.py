"""Forty pages with vectors of every kind, and a query; and pages of text."""

import numpy as np

from vrag.cascade.regions import RegionRule
from vrag.pages.page import Words
from vrag.search.rescoring import Rescorer
from vrag.search.running import Runner
from vrag.store.interface import Record, Selection, SparseVector, VectorField

PAGES, DIM = 40, 8
RULE = RegionRule(window=4, stride=1)
NAMES = ("full", "rows", "global", "text")
FIELDS = [
    VectorField("full", "multi", DIM),
    VectorField("rows", "multi", DIM),
    VectorField("global", "single", DIM, hnsw=True),
    VectorField("text", "sparse"),
]


def unit(count, rng):
    rows = rng.normal(size=(count, DIM)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


QUERY = unit(3, np.random.default_rng(3))
TERMS = SparseVector(np.array([7, 9], np.uint32), np.ones(2, np.float32))


def point_id(i):
    return f"00000000-0000-0000-0000-{i:012d}"


def record(i, vectors):
    """Page i; every fourth has a word of the query."""
    key, terms = point_id(i), [7] if i % 4 == 0 else [5]
    sparse = {"text": SparseVector(np.array(terms, np.uint32), np.ones(1, np.float32))}
    payload = {"doc_id": "even" if i % 2 == 0 else "odd", "page": i}
    return Record(key, payload, {name: vectors[name][key] for name in vectors}, sparse)


def form(stage):
    if stage.vector == "text":
        return TERMS
    return QUERY.sum(axis=0) if stage.vector == "global" else QUERY


def runner(store, selection=None, rescorer=None, pages=PAGES):
    rescorer = rescorer or Rescorer(store, None, RULE, head=2)
    return Runner(store, form, selection or Selection(), lambda: pages, rescorer)


def maxsim(rows):
    return float((QUERY @ rows.T).max(axis=1).sum())


def lines(*texts):
    """Words of lines one below the other, as text of one size is set."""
    words = [(word, number) for number, text in enumerate(texts) for word in text.split()]
    boxes = []
    for number, text in enumerate(texts):
        left = 0.1
        for word in text.split():
            right = left + 0.01 * len(word)
            boxes.append((left, 0.1 + 0.02 * number, right, 0.115 + 0.02 * number))
            left = right + 0.01
    return Words(tuple(w for w, _ in words), np.array(boxes, np.float32), np.array([n for _, n in words], np.int32))
