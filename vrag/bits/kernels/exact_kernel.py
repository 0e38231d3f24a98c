"""Exact MaxSim over tiles of float16 rows, compiled by numba. Imported only where numba is.

A tile holds 32 neighbouring rows value by value, uint16 [d, 32]: their first values, then their second ones. Four
query rows meet a tile at a time, so that a value of the tile is read and widened once for four products, and the 128
sums stay in registers. No loop that numba takes from Python comes out like that (the best one took twice as long), so
this one is given to LLVM as it should be: vectors of 32, cut to what the processor has. The next tile is fetched
meanwhile, which saves a sixth where pages have to come from memory.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

TILE = 32  # rows of a page side by side
TOGETHER = 4  # query rows that meet them at a time
_FLOAT, _INDEX = ir.FloatType(), ir.IntType(64)
_LANES, _HALVES = ir.VectorType(_FLOAT, TILE), ir.VectorType(ir.HalfType(), TILE)
_BYTES, _FLAG = ir.IntType(8).as_pointer(), ir.IntType(32)
_FETCH = ir.FunctionType(ir.VoidType(), [_BYTES, _FLAG, _FLAG, _FLAG])
_GREATEST = ir.FunctionType(_FLOAT, [_LANES])
_ALL_ALIKE = ir.Constant(ir.VectorType(ir.IntType(32), TILE), [0] * TILE)
_VALUES = types.Array(types.uint16, 1, "C", readonly=True)
_TILES = types.Array(types.int64, 1, "C", readonly=True)
_QUERY = types.Array(types.float32, 2, "C", readonly=True)
_MAXSIM = types.void(_VALUES, _TILES, types.int64[::1], _QUERY, types.int64, types.float32[::1])


@intrinsic
def _best_of_tile(typing: Any, values: Any, tile: Any, query: Any, row: Any) -> Any:
    """The greatest of <q, x> over the rows x of a tile, for each of the query rows q from `row` on."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        halves, rows = (context.make_array(signature.args[i])(context, builder, arguments[i]) for i in (0, 2))
        d = builder.extract_value(rows.shape, 1)
        first = builder.mul(builder.mul(arguments[1], d), _INDEX(TILE))
        values = builder.bitcast(builder.gep(halves.data, [first]), _HALVES.as_pointer())
        queries = [
            builder.gep(rows.data, [builder.mul(builder.add(arguments[3], _INDEX(t)), d)]) for t in range(TOGETHER)
        ]
        sums = [cgutils.alloca_once_value(builder, _LANES([0.0] * TILE)) for _ in queries]  # LLVM makes them registers
        fetch = cgutils.get_or_insert_function(builder.module, _FETCH, "llvm.prefetch.p0i8")
        with cgutils.for_range(builder, d) as loop:
            ahead = builder.gep(values, [builder.add(loop.index, d)])  # the next tile: reading past the end is no fault
            builder.call(fetch, [builder.bitcast(ahead, _BYTES), _FLAG(0), _FLAG(2), _FLAG(1)])
            x = builder.fpext(builder.load(builder.gep(values, [loop.index]), align=2), _LANES)
            for total, query_row in zip(sums, queries, strict=True):
                weight = builder.load(builder.gep(query_row, [loop.index]))
                spread = builder.insert_element(_LANES(ir.Undefined), weight, ir.IntType(32)(0))
                spread = builder.shuffle_vector(spread, _LANES(ir.Undefined), _ALL_ALIKE)
                product = builder.fmul(x, spread, flags=("contract",))
                builder.store(builder.fadd(product, builder.load(total), flags=("contract",)), total)
        greatest = cgutils.get_or_insert_function(builder.module, _GREATEST, f"llvm.vector.reduce.fmax.v{TILE}f32")
        found = [builder.call(greatest, [builder.load(total)], fastmath=("nnan", "nsz")) for total in sums]
        return context.make_tuple(builder, signature.return_type, found)

    return types.UniTuple(types.float32, TOGETHER)(values, types.int64, query, types.int64), code


_best: Any = _best_of_tile  # to the type checker an intrinsic is called as it is defined, with the typing context


@njit(_MAXSIM, nogil=True, cache=True)
def maxsim(values: Any, tiles: Any, pages: Any, query: Any, m: int, out: Any) -> None:
    """MaxSim of each page into out float32 [pages]; minus infinity for a page without rows.

    Args:
        values: uint16 [tiles * d * 32], float16 by their bits.
        tiles: int64 [all pages + 1], first tile of each page and the end.
        pages: int64 [pages], those wanted.
        query: float32 [m', d], with zeros behind the m rows up to a multiple of four.
        m: Rows of the query.
        out: Written.
    """
    best = np.empty(query.shape[0], np.float32)
    for k in range(len(pages)):
        best[:] = -np.inf
        for tile in range(tiles[pages[k]], tiles[pages[k] + 1]):
            for row in range(0, query.shape[0], TOGETHER):
                found = _best(values, tile, query, row)
                for t in range(TOGETHER):
                    best[row + t] = max(best[row + t], found[t])
        out[k] = best[:m].sum()
