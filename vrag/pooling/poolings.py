"""Training-free poolings: n vectors of a page become few, and each remembers its sources.

Every pooling takes `full` float32 [n, d] with its `Grid` and returns `Pooled`. Means are taken in
float32 and normalised to unit length, so that a dot product is a cosine. A group of one row is that
row: pooling with groups of one is the identity.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping

from vrag.errors import UsageError
from vrag.grid import FloatArray, Grid
from vrag.pooling import free, hierarchical, muvera, patches
from vrag.pooling.pooled import Pooled, Pooling, UnsuitableGridError, group_means, normalise

__all__ = [
    "POOLINGS",
    "SINGLE",
    "Pooled",
    "Pooling",
    "group_means",
    "make_pooling",
    "normalise",
    "pooled_dim",
    "query_encoding",
]

POOLINGS: Mapping[str, Callable[..., Pooled]] = {
    f.__name__: f
    for f in (
        free.runs,
        free.lines,
        free.bands,
        free.cells,
        free.mean,
        free.max_mean,
        hierarchical.hierarchical,
        muvera.muvera,
        patches.tiles,
        patches.rows,
        patches.columns,
        patches.adaptive_rows,
        patches.sliding,
        patches.smooth,
        patches.neighbours,
        patches.tiles_and_last,
    )
}
SINGLE = ("mean", "muvera")  # the poolings that give one vector
_CHOICES = {"shape": ("uniform", "triangular", "gaussian")}


def make_pooling(name: str, options: Mapping[str, int | str], where: str) -> Pooling:
    """The pooling `name` with its options bound.

    Args:
        name: A key of `POOLINGS`.
        options: Its keyword arguments: whole numbers of at least 1, or the name of a shape.
        where: File and key of the pipeline, for error messages.

    Raises:
        UsageError: Unknown pooling, unknown option, or a value out of range; the pooling itself raises
            it for a page whose grid it cannot pool.
    """
    if name not in POOLINGS:
        raise UsageError(f"{where}: unknown pooling {name!r}.", f"Choose one of: {', '.join(POOLINGS)}.")
    chosen = POOLINGS[name]
    allowed = [p.name for p in inspect.signature(chosen).parameters.values() if p.kind is p.KEYWORD_ONLY]
    for key, value in options.items():
        if key not in allowed:
            hint = f"Allowed: {', '.join(allowed) or 'none'}."
            raise UsageError(f"{where}: pooling {name!r} has no option {key!r}.", hint)
        _check_option(key, value, where)

    def pool(full: FloatArray, grid: Grid) -> Pooled:
        if len(full) != len(grid) or not len(full):
            raise ValueError(f"{len(full)} vectors do not lie on a grid of {len(grid)}")
        try:
            return chosen(full, grid, **options)
        except UnsuitableGridError as error:
            raise UsageError(f"{where}: pooling {name!r} does not fit: {error}.") from error

    return pool


def pooled_dim(name: str, options: Mapping[str, int | str], dim: int) -> int:
    """Dimension of the vectors that the pooling makes of a model's, of dimension `dim`."""
    return muvera.muvera_dim(**_numbers(options)) if name == "muvera" else dim


def query_encoding(name: str, query: FloatArray, options: Mapping[str, int | str]) -> FloatArray | None:
    """The one vector [1, D] that a query [m, d] needs against this pooling; None where its rows or mean will do."""
    return muvera.muvera_query(query, **_numbers(options)) if name == "muvera" else None


def _numbers(options: Mapping[str, int | str]) -> dict[str, int]:
    return {key: int(value) for key, value in options.items()}


def _check_option(key: str, value: object, where: str) -> None:
    if key in _CHOICES:
        if value not in _CHOICES[key]:
            raise UsageError(f"{where}: {key} = {value!r} is not allowed.", f"Allowed: {', '.join(_CHOICES[key])}.")
    elif not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise UsageError(f"{where}: {key} = {value!r} must be a whole number of at least 1.")
    elif key == "window" and value % 2 == 0:
        raise UsageError(f"{where}: window = {value} must be odd.")
