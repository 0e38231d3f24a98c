"""What vrag's requests look like to a Qdrant server: models of the client library made of ours, and back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from qdrant_client import models

from vrag.grid import FloatArray
from vrag.store.border import check_payload
from vrag.store.interface import (
    RRF_K,
    AnyVector,
    Condition,
    FusionRequest,
    Interval,
    Payload,
    Range,
    Record,
    Request,
    Scored,
    Selection,
    SparseVector,
    StageRequest,
    TextCondition,
    VectorField,
    same_type,
)
from vrag.store.layout import ServerLayout

_GRAPH = models.HnswConfigDiff(m=16, ef_construct=128)
_NO_GRAPH = models.HnswConfigDiff(m=0)
_EXACT = models.SearchParams(exact=True)
IDF = models.SparseVectorParams(modifier=models.Modifier.IDF)
_RRF = models.RrfQuery(rrf=models.Rrf(k=RRF_K))
_BYTES_A_NUMBER = {"grpc": 4, "rest": 22}  # float32; or its digits with a comma


def vector_params(field: VectorField, layout: ServerLayout, full: str) -> models.VectorParams:
    """How a named vector is stored: as in the embedded index, on disk and quantized as the layout says."""
    pooled = field.name != full
    maxsim = models.MultiVectorConfig(comparator=models.MultiVectorComparator.MAX_SIM)
    return models.VectorParams(
        size=field.dim,
        distance=models.Distance.DOT,  # page rows are unit length; a query row's length is its weight
        multivector_config=maxsim if field.kind == "multi" else None,
        datatype=models.Datatype.FLOAT16,
        hnsw_config=_GRAPH if field.hnsw else _NO_GRAPH,
        on_disk=layout.on_disk and not pooled,
        quantization_config=_quantization(layout.quantization) if pooled else None,
    )


def points(records: Sequence[Record]) -> list[models.PointStruct]:
    """Records as the client takes them."""
    return [models.PointStruct(id=r.id, vector=_lists(r), payload=r.payload) for r in records]


def filter_of(selection: Selection) -> models.Filter | None:
    """The selection; None for all points."""
    must: list[Any] = [_condition(condition) for condition in selection.conditions]
    must += [_text_match(text) for text in selection.texts if not text.absent]
    must_not: list[Any] = [_text_match(text) for text in selection.texts if text.absent]
    if selection.ids is not None:
        must.append(models.HasIdCondition(has_id=sorted(selection.ids)))
    return models.Filter(must=must, must_not=must_not or None) if must or must_not else None


def query_of(stages: Sequence[Request], selection: Selection, quantized: frozenset[str]) -> dict[str, Any]:
    """Arguments of one `query_points`: the stages nested, the filter on the innermost of every branch.

    Args:
        stages: At least one.
        selection: Holds from the first stage on.
        quantized: Vectors whose first stage may use their quantized form.
    """
    nest = _Nest(filter_of(selection), quantized)
    *earlier, last = stages
    if isinstance(last, FusionRequest):
        most = sum(branch[-1].limit for branch in last.branches)
        return {"prefetch": nest.branches(last), "query": _RRF, "limit": last.limit or most}
    prefetch = nest.stages(earlier)
    return {
        "prefetch": prefetch or None,
        "query": _query(last.query),
        "using": last.vector,
        "limit": last.limit,
        "search_params": _params(last, quantized),
        "query_filter": None if prefetch else nest.chosen,
    }


@dataclass(frozen=True, slots=True)
class _Nest:
    """Stages nested into each other, the first one innermost and with the filter."""

    chosen: models.Filter | None
    quantized: frozenset[str]

    def stages(self, stages: Sequence[Request]) -> list[models.Prefetch]:
        nested: list[models.Prefetch] = []
        for stage in stages:
            nested = self._fusion(stage) if isinstance(stage, FusionRequest) else [self._stage(stage, nested)]
        return nested

    def branches(self, fusion: FusionRequest) -> list[models.Prefetch]:
        return [prefetch for branch in fusion.branches for prefetch in self.stages(branch)]

    def _fusion(self, fusion: FusionRequest) -> list[models.Prefetch]:
        branches = self.branches(fusion)
        return [models.Prefetch(prefetch=branches, query=_RRF, limit=fusion.limit)] if fusion.limit else branches

    def _stage(self, stage: StageRequest, nested: list[models.Prefetch]) -> models.Prefetch:
        return models.Prefetch(
            prefetch=nested or None,
            query=_query(stage.query),
            using=stage.vector,
            limit=stage.limit,
            params=_params(stage, self.quantized),
            filter=None if nested else self.chosen,
        )


def record_of(found: Any, keys: Sequence[str] | None = None) -> Record:
    """A record of an answer with its vectors as arrays: float32 [k, d] or [d], or sparse.

    Args:
        found: The client library's record.
        keys: Of its payload that were asked for; None for all.
    """
    dense: dict[str, FloatArray] = {}
    sparse: dict[str, SparseVector] = {}
    for name, vector in (found.vector or {}).items():
        if isinstance(vector, models.SparseVector):
            if len(vector.indices) != len(vector.values):
                raise ValueError(f"{len(vector.indices)} terms with {len(vector.values)} weights")
            sparse[name] = SparseVector(np.array(vector.indices, np.uint32), np.array(vector.values, np.float32))
        else:
            with np.errstate(over="ignore"):  # what is not finite then is refused
                dense[name] = np.asarray(vector, dtype=np.float32)
    return Record(str(found.id), _payload(found, keys), dense, sparse)


def scored_of(found: Any, keys: Sequence[str] | None) -> Scored:
    """A point of a search's answer; `keys` as for `record_of`."""
    return Scored(str(found.id), float(found.score), _payload(found, keys))


def _payload(found: Any, keys: Sequence[str] | None) -> Payload:
    payload: Payload = found.payload or {}
    check_payload(payload, keys)
    return payload


def as_stored(array: FloatArray) -> FloatArray:
    """The values that a float16 field keeps of an array, as float32.

    They are rounded before they are sent, so that every engine scores the same numbers, also one
    that ignores the field's type.
    """
    return array.astype(np.float16).astype(np.float32)


def batches(records: Sequence[Record], wire: str, limit: int) -> Iterator[list[Record]]:
    """Records in order, in runs of at most about `limit` bytes of request, at least one record each."""
    batch: list[Record] = []
    size = 0
    for record in records:
        own = request_bytes(record, wire)
        if batch and size + own > limit:
            yield batch
            batch, size = [], 0
        batch.append(record)
        size += own
    if batch:
        yield batch


def request_bytes(record: Record, wire: str) -> int:
    """About how many bytes a record takes in a request."""
    numbers = sum(array.size for array in record.vectors.values())
    numbers += 2 * sum(len(vector.indices) for vector in record.sparse.values())
    return _BYTES_A_NUMBER[wire] * numbers + len(repr(record.payload))


def _lists(record: Record) -> dict[str, Any]:
    dense: dict[str, Any] = {name: as_stored(array).tolist() for name, array in record.vectors.items()}
    return dense | {name: _sparse(vector) for name, vector in record.sparse.items()}


def _query(vector: AnyVector) -> Any:
    return _sparse(vector) if isinstance(vector, SparseVector) else as_stored(vector).tolist()


def _sparse(vector: SparseVector) -> models.SparseVector:
    return models.SparseVector(indices=vector.indices.tolist(), values=vector.values.tolist())


def _text_match(text: TextCondition) -> models.FieldCondition:
    match = models.MatchPhrase(phrase=text.text) if text.phrase else models.MatchText(text=text.text)
    return models.FieldCondition(key=text.key, match=match)


def _params(stage: StageRequest, quantized: frozenset[str]) -> models.SearchParams | None:
    # An exact search reads the original vectors, so a quantized field is searched without the flag:
    # it has no graph, so every point is still scored.
    return None if stage.hnsw or stage.vector in quantized else _EXACT


def _quantization(name: str) -> models.QuantizationConfig | None:
    if name == "scalar":
        kind = models.ScalarType.INT8
        return models.ScalarQuantization(scalar=models.ScalarQuantizationConfig(type=kind, always_ram=True))
    if name == "binary":
        return models.BinaryQuantization(binary=models.BinaryQuantizationConfig(always_ram=True))
    return None


def _condition(condition: Condition | Range) -> models.FieldCondition | models.Filter:
    fields = _fields(condition)
    if condition.negate:
        return models.Filter(must_not=fields)
    return fields[0] if len(fields) == 1 else models.Filter(should=fields)


def _fields(condition: Condition | Range) -> list[Any]:
    """Alternatives, one of which must hold."""
    if isinstance(condition, Condition):
        return [models.FieldCondition(key=condition.key, match=models.MatchAny(any=same_type(condition.values)))]
    return [models.FieldCondition(key=condition.key, range=_range(interval)) for interval in condition.intervals]


def _range(interval: Interval) -> models.Range | models.DatetimeRange:
    bounds: dict[str, Any] = {key: getattr(interval, key) for key in ("gte", "gt", "lte", "lt")}
    dated = any(isinstance(bound, str) for bound in bounds.values())
    return models.DatetimeRange(**bounds) if dated else models.Range(**bounds)
