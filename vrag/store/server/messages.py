"""What vrag's requests look like to a Qdrant server: models of the client library made of ours, and back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from qdrant_client import models

from vrag.grid import FloatArray
from vrag.store.interface import (
    BITS,
    BITS_SUM,
    RRF_K,
    AnyVector,
    Interval,
    Payload,
    Record,
    Scored,
    SparseVector,
    StageRequest,
    TextCondition,
    VectorField,
)
from vrag.store.layout import ServerLayout
from vrag.store.server.border import check_payload, check_points

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
        size=field.kept_dim,
        distance=models.Distance.DOT,  # page rows are unit length; a query row's length is its weight
        multivector_config=maxsim if field.kind == "multi" else None,
        datatype=models.Datatype.UINT8 if field.packing else models.Datatype.FLOAT16,
        hnsw_config=_GRAPH if field.hnsw else _NO_GRAPH,
        on_disk=layout.on_disk and not pooled,
        quantization_config=_quantization(layout.quantization) if pooled else None,
    )


@dataclass(frozen=True, slots=True)
class RestPoints:
    """Points as lists of numbers, by the client library's own methods (`vrag.store.server.grpc_points` has the others).

    Args:
        client: The library's.
    """

    client: Any

    def upsert(self, collection: str, records: Sequence[Record]) -> None:
        """Write records; they are stored when it returns."""
        sent = [models.PointStruct(id=r.id, vector=_lists(r), payload=r.payload) for r in records]
        self.client.upsert(collection, sent, wait=True)

    def scroll(self, collection: str, **request: Any) -> tuple[list[Any], Any]:
        """Some points in order of id, and where the next ones start; None when there are none."""
        found, following = self.client.scroll(collection, **request)
        return found, following

    def retrieve(self, collection: str, ids: Sequence[str], **wanted: Any) -> list[Any]:
        """Points by id."""
        found: list[Any] = self.client.retrieve(collection, ids, **wanted)
        return found


@dataclass(frozen=True, slots=True)
class ServerSpelling:
    """The words of a server's client library (implements `vrag.store.translating.Spelling`).

    Args:
        quantized: Vectors that are searched in their quantized form, which an exact search does not read. They have no
            graph, so every point is still scored.
    """

    quantized: frozenset[str] = frozenset()

    def prefetch(
        self, stage: StageRequest, prefetches: list[models.Prefetch], chosen: models.Filter | None
    ) -> models.Prefetch:
        """A stage that another one goes on from."""
        return models.Prefetch(
            prefetch=prefetches or None,
            query=_query(stage.query),
            using=stage.vector,
            limit=stage.limit,
            params=self._params(stage),
            filter=chosen,
        )

    def fused_prefetch(self, limit: int, prefetches: list[models.Prefetch]) -> models.Prefetch:
        """Branches that another stage goes on from."""
        return models.Prefetch(**self.fused_request(limit, prefetches))

    def request(
        self, stage: StageRequest, prefetches: list[models.Prefetch], chosen: models.Filter | None
    ) -> dict[str, Any]:
        """Arguments of `query_points`."""
        return {
            "prefetch": prefetches or None,
            "query": _query(stage.query),
            "using": stage.vector,
            "limit": stage.limit,
            "search_params": self._params(stage),
            "query_filter": chosen,
        }

    def alone(self, stage: StageRequest, chosen: models.Filter | None, payload: Any) -> models.QueryRequest:
        """A stage that is one of several requests that go together."""
        return models.QueryRequest(
            query=_query(stage.query),
            using=stage.vector,
            limit=stage.limit,
            params=self._params(stage),
            filter=chosen,
            with_payload=payload,
        )

    def fused_request(self, limit: int, prefetches: list[models.Prefetch]) -> dict[str, Any]:
        """As `request`, of branches."""
        return {"prefetch": prefetches, "query": _RRF, "limit": limit}

    def has_value(self, key: str, values: list[str] | list[int]) -> models.FieldCondition:
        """One of these values."""
        return models.FieldCondition(key=key, match=models.MatchAny(any=values))

    def lies_in(self, key: str, interval: Interval) -> models.FieldCondition:
        """Between two numbers."""
        return models.FieldCondition(key=key, range=models.Range(**asdict(interval)))

    def is_dated(self, key: str, interval: Interval) -> models.FieldCondition:
        """Between two dates."""
        return models.FieldCondition(key=key, range=models.DatetimeRange(**asdict(interval)))

    def has_text(self, text: TextCondition) -> models.FieldCondition:
        """Words, or a phrase."""
        match = models.MatchPhrase(phrase=text.text) if text.phrase else models.MatchText(text=text.text)
        return models.FieldCondition(key=text.key, match=match)

    def has_id(self, ids: frozenset[str]) -> models.HasIdCondition:
        """One of these points."""
        return models.HasIdCondition(has_id=sorted(ids))

    def filter(self, must: list[Any], should: list[Any], must_not: list[Any]) -> models.Filter:
        """Conditions together."""
        return models.Filter(must=must or None, should=should or None, must_not=must_not or None)

    def _params(self, stage: StageRequest) -> models.SearchParams | None:
        return None if stage.hnsw or stage.vector in self.quantized else _EXACT


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


def scored_points(found: Sequence[Any], limit: int, keys: Sequence[str] | None) -> list[Scored]:
    """The points of a search's answer.

    Args:
        found: The client library's points.
        limit: As many may come.
        keys: As for `record_of`.
    """
    check_points(found, limit)
    return [Scored(str(point.id), float(point.score), _payload(point, keys)) for point in found]


def payload_wanted(keys: Sequence[str] | None) -> Any:
    """How a request says which keys of payloads are wanted: None for all but the bits that searches alone read."""
    return models.PayloadSelectorExclude(exclude=[*BITS, BITS_SUM]) if keys is None else list(keys) or False


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


def _quantization(name: str) -> models.QuantizationConfig | None:
    if name == "scalar":
        kind = models.ScalarType.INT8
        return models.ScalarQuantization(scalar=models.ScalarQuantizationConfig(type=kind, always_ram=True))
    if name == "binary":
        return models.BinaryQuantization(binary=models.BinaryQuantizationConfig(always_ram=True))
    return None
