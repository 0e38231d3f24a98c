"""A store in a dictionary, scored by numpy: the least that `vrag.store.interface.Store` asks for.

CONTRIBUTING.md says how to add a store; this one was added so, and passes what every store promises.
"""

import copy
import re
import threading
from contextlib import nullcontext
from dataclasses import dataclass, field

import numpy as np

from vrag.errors import StoreError
from vrag.places.facts import Facts
from vrag.store.checks import check_record
from vrag.store.interface import RRF_K, Condition, FusionRequest, Record, Scored, Selection, SparseVector


@dataclass
class ToyStore:
    """Records by id. Implements `Store`."""

    fields: list
    records: dict = field(default_factory=dict)
    is_open: bool = True
    lock: threading.RLock = field(default_factory=threading.RLock)

    def upsert(self, records):
        for record in records:
            check_record(record, {one.name: one for one in self.fields})
        for record in records:
            rounded = {name: v.astype(np.float16).astype(np.float32) for name, v in record.vectors.items()}
            with self.lock:
                self.records[record.id] = Record(record.id, copy.deepcopy(record.payload), rounded, record.sparse)

    def loading(self):
        return nullcontext()

    def one_writer(self):
        return self.lock

    def query(self, stages, selection, keys=None):
        if not stages:
            raise StoreError("A search needs at least one stage.")
        found = list(self._chosen(selection))
        for stage in stages:
            points = self._stage(stage, found)
            found = [self.records[point.id] for point in points]
        return [Scored(p.id, p.score, _kept(self.records[p.id].payload, keys)) for p in points]

    def query_each(self, stages, selection, keys=None):
        return [self.query([stage], selection, keys) for stage in stages]

    def fetch(self, ids, vectors=()):
        return {id: _with(self.records[id], vectors) for id in ids if id in self._whole()}

    def scroll(self, selection, vectors=(), keys=None):
        for record in sorted(self._chosen(selection), key=lambda record: record.id):
            found = _with(record, vectors)
            yield Record(found.id, _kept(found.payload, keys), found.vectors, found.sparse)

    def count(self, selection):
        return sum(1 for _ in self._chosen(selection))

    def shards(self):
        return 1

    def set_payload(self, selection, payload):
        _refuse_everything(selection)
        for record in self._chosen(selection):
            record.payload.update(copy.deepcopy(payload))

    def delete(self, selection):
        _refuse_everything(selection)
        for record in list(self._chosen(selection)):
            del self.records[record.id]

    def index_keys(self, keys): ...

    def optimize(self): ...

    def compact(self): ...

    def trim(self): ...

    def close(self):
        self.is_open = False

    def _whole(self):
        if not self.is_open:
            raise StoreError("The store is closed.")
        with self.lock:
            return dict(self.records)

    def _chosen(self, selection):
        return [record for record in self._whole().values() if _holds(selection, record)]

    def _stage(self, stage, found):
        if isinstance(stage, FusionRequest):
            return self._fused(stage, found)
        if stage.vector not in {one.name for one in self.fields}:
            raise StoreError(f"The store failed at searching: no vector {stage.vector!r}.")
        scores = ((record.id, _score(stage.query, record, stage.vector, found)) for record in found)
        points = [Scored(id, score, {}) for id, score in scores if score is not None]
        return sorted(points, key=lambda point: (-point.score, point.id))[: stage.limit]

    def _fused(self, fusion, found):
        scores = {}
        for branch in fusion.branches:
            kept = found
            for stage in branch:
                points = self._stage(stage, kept)
                kept = [self.records[point.id] for point in points]
            for rank, point in enumerate(points):
                scores[point.id] = scores.get(point.id, 0) + 1 / (RRF_K + rank)
        points = [Scored(id, score, {}) for id, score in scores.items()]
        return sorted(points, key=lambda point: (-point.score, point.id))[: fusion.limit]


class ToyPlace:
    """A place in this process. Implements `Place`."""

    folder = None
    collection = None

    def __init__(self):
        self.name, self._facts, self._store = "a toy", None, None

    def holds_index(self):
        return self._facts is not None

    def require_free(self): ...

    def facts(self):
        return Facts.from_json(self._facts, self.name)

    def write_facts(self, facts):
        self._facts = facts.to_json()

    def create(self, facts, fields, keys, layout):
        self._store = ToyStore(list(fields))
        self.write_facts(facts)
        return self._store

    def open(self, fields, layout):
        self._store.is_open = True
        return self._store


def _score(query, record, name, corpus):
    """MaxSim, a dot product, or the sum of weights by IDF; None for a record that has nothing to be found by."""
    if isinstance(query, SparseVector):
        terms = record.sparse.get(name)
        shared = {} if terms is None else dict(zip(terms.indices.tolist(), terms.values.tolist(), strict=True))
        pairs = [(t, w) for t, w in zip(query.indices.tolist(), query.values.tolist(), strict=True) if t in shared]
        return sum(w * shared[t] * _idf(t, name, corpus) for t, w in pairs) if pairs else None
    rows = record.vectors.get(name)
    return None if rows is None else float((np.atleast_2d(query) @ np.atleast_2d(rows).T).max(axis=1).sum())


def _idf(term, name, corpus):
    having = sum(name in record.sparse and term in record.sparse[name].indices for record in corpus)
    return np.log(1 + (len(corpus) - having + 0.5) / (having + 0.5))


def _holds(selection, record):
    is_one = selection.ids is None or record.id in selection.ids
    return (
        is_one
        and all(_meets(condition, record.payload) for condition in selection.conditions)
        and all(_has_words(text, record.payload) for text in selection.texts)
    )


def _meets(condition, payload):
    value = payload
    for part in condition.key.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    values = value if isinstance(value, list) else [value]
    if isinstance(condition, Condition):
        return any(one in condition.values for one in values) != condition.negate
    return any(_lies_in(i, one) for i in condition.intervals for one in values if one is not None) != condition.negate


def _lies_in(interval, value):
    tests = {"gte": value.__ge__, "gt": value.__gt__, "lte": value.__le__, "lt": value.__lt__}
    bounds = ((holds, getattr(interval, name)) for name, holds in tests.items())
    return all(holds(bound) for holds, bound in bounds if bound is not None)


def _has_words(condition, payload):
    words, wanted = (re.findall(r"\w+", str(text).lower()) for text in (payload.get(condition.key, ""), condition.text))
    runs = [words[i : i + len(wanted)] for i in range(len(words))]
    return (wanted in runs if condition.phrase else set(wanted) <= set(words)) != condition.absent


def _with(record, names):
    dense = {name: record.vectors[name] for name in names if name in record.vectors}
    sparse = {name: record.sparse[name] for name in names if name in record.sparse}
    return Record(record.id, copy.deepcopy(record.payload), dense, sparse)


def _kept(payload, keys):
    return {key: value for key, value in payload.items() if keys is None or key in keys}


def _refuse_everything(selection):
    if selection == Selection():
        raise StoreError("Refusing to change every record.")
