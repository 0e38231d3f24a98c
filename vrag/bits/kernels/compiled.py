"""The kernels in C, called with arrays that they can trust; where they are missing `portable` does the same."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from ctypes import POINTER, c_int64, c_void_p
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from vrag.bits.kernels import portable
from vrag.bits.kernels.kernel_library import instruction_sets, load
from vrag.bits.kernels.portable import IntArray
from vrag.bits.kernels.quantise import WORD, BitArray, QueryPlanes
from vrag.grid import FloatArray

TILE = 32  # float16 rows side by side, as `exact` takes them
TILE_ROWS = 4  # query rows that `exact` takes at a time
_WORDS_READ = 4  # so many at a time
_MOST_PLANES = 4  # what four bits of a row add to a distance then fits the byte that it is looked up in
_MOST_DISTANCE = 2**16 - 1
_ALIGNED = 64  # bytes of the widest vector
HalfArray = npt.NDArray[np.uint16]


class _PageArrays(ctypes.Structure):
    """`struct pages` and `struct tiles` of the source."""

    _fields_ = (
        ("values", c_void_p),
        ("size", c_int64),
        ("starts", c_void_p),
        ("known", c_int64),
        ("chosen", c_void_p),
        ("count", c_int64),
    )


class _QueryArrays(ctypes.Structure):
    """`struct query` of the source."""

    _fields_ = (
        ("bits", c_void_p),
        ("offset", c_void_p),
        ("slope", c_void_p),
        ("m", c_int64),
        ("planes", c_int64),
        ("words", c_int64),
        ("heavy", c_int64),
    )


_OVER_BITS = (POINTER(_PageArrays), POINTER(_QueryArrays))
_SIGNATURES: dict[str, tuple[Any, ...]] = {
    "maxsim": (*_OVER_BITS, c_void_p, c_void_p),
    "regions": (*_OVER_BITS, c_int64, c_void_p, c_int64, c_int64, c_int64, c_void_p, c_void_p, c_void_p),
    "maxima": (*_OVER_BITS, c_int64, c_void_p, c_void_p, c_void_p, c_int64, c_void_p),
    "exact": (POINTER(_PageArrays), c_void_p, c_int64, c_int64, c_void_p, c_void_p),
}


class Kernels:
    """The kernels in one instruction set. They release the GIL.

    Args:
        library: Of kernels.
        instructions: One of its `instruction_sets`.
    """

    def __init__(self, library: ctypes.CDLL, instructions: str) -> None:
        self.instructions = instructions
        self._scratch_bytes = _function(library, "scratch_bytes", c_int64, c_int64, c_int64)
        self._maxsim, self._regions, self._maxima, self._exact = (
            _function(library, f"{name}_{instructions}", *arguments) for name, arguments in _SIGNATURES.items()
        )

    def maxsim(self, bits: BitArray, rows: IntArray, pages: IntArray, query: QueryPlanes, out: FloatArray) -> None:
        """As `portable.maxsim`."""
        if not _fits(query):
            return portable.maxsim(bits, rows, pages, query, out)
        into = _into(out, np.float32, len(pages))
        scratch = self._scratch(query, 0)
        return _check(self._maxsim(_pages(bits, np.uint32, rows, pages), _query(query), _at(scratch, np.uint8), into))

    def regions(
        self,
        bits: BitArray,
        rows: IntArray,
        pages: IntArray,
        query: QueryPlanes,
        window: int,
        stride: int,
        head: int,
        context: FloatArray,
        out: FloatArray,
        start: IntArray,
    ) -> None:
        """As `portable.regions`."""
        if not _fits(query):
            return portable.regions(bits, rows, pages, query, window, stride, head, context, out, start)
        if not 1 <= stride <= window:
            raise ValueError(f"stride must be from 1 to the window of {window} rows, not {stride}")
        longest = _longest(bits, rows, pages)
        scratch = self._scratch(query, longest)
        spans = min(window, longest + 1), min(stride, longest + 1), min(head, longest)  # no page has more rows
        least, into = _at(context, np.float32, len(query), len(pages)), _into(out, np.float32, len(pages))
        at = _pages(bits, np.uint32, rows, pages), _query(query), longest, _at(scratch, np.uint8)
        return _check(self._regions(*at, *spans, least, into, _into(start, np.int64, len(pages))))

    def maxima(
        self,
        bits: BitArray,
        rows: IntArray,
        pages: IntArray,
        query: QueryPlanes,
        start: IntArray,
        end: IntArray,
        head: int,
        out: FloatArray,
    ) -> None:
        """As `portable.maxima`."""
        if not _fits(query):
            return portable.maxima(bits, rows, pages, query, start, end, head, out)
        longest = _longest(bits, rows, pages)
        scratch = self._scratch(query, longest)
        spans = _at(start, np.int64, len(pages)), _at(end, np.int64, len(pages)), min(head, longest)
        at = _pages(bits, np.uint32, rows, pages), _query(query), longest, _at(scratch, np.uint8)
        return _check(self._maxima(*at, *spans, _into(out, np.float32, len(query), len(pages))))

    def exact(self, values: HalfArray, tiles: IntArray, pages: IntArray, query: FloatArray, out: FloatArray) -> None:
        """Exact MaxSim of each page into out float32 [pages]; minus infinity for a page without rows.

        Args:
            values: uint16 [tiles * d * 32], float16 by their bits: tiles [d, 32] of 32 neighbouring rows.
            tiles: int64 [all pages + 1], first tile of each page and the end.
            pages: int64 [pages], those wanted.
            query: float32 [m, d], m a multiple of `TILE_ROWS`; rows of zeros add nothing.
            out: Written.
        """
        m, d = query.shape
        if not d or m % TILE_ROWS:
            raise ValueError(f"the query must be [a multiple of {TILE_ROWS}, at least 1], not [{m}, {d}]")
        best = np.empty((m, TILE), np.float32)
        into = _at(best, np.float32), _into(out, np.float32, len(pages))
        return _check(self._exact(_pages(values, np.uint16, tiles, pages), _at(query, np.float32, m, d), m, d, *into))

    def _scratch(self, query: QueryPlanes, longest: int) -> npt.NDArray[np.uint8]:
        """Memory for a kernel to work in, uint8, aligned as vectors want it."""
        m, _, words = query.bits.shape
        block = np.empty(self._scratch_bytes(m, words, longest) + _ALIGNED, np.uint8)
        return block[-block.ctypes.data % _ALIGNED :]


@lru_cache(maxsize=1)
def kernels() -> Kernels | None:
    """The kernels in the best instruction set of this machine; None where there is no library for it."""
    library = load()
    return None if library is None else next((Kernels(library, name) for name in instruction_sets(library)), None)


def _function(library: ctypes.CDLL, name: str, *arguments: Any) -> Callable[..., int]:
    function = library[name]
    function.argtypes, function.restype = arguments, c_int64
    return function


def _fits(query: QueryPlanes) -> bool:
    """Whether the kernels can hold its distances; more than 1,450 values a row of two bits, or 4,350 of one, cannot."""
    _, planes, words = query.bits.shape
    most = (2**planes - 1) * WORD * (words + query.heavy)
    is_whole = words > 0 and words % _WORDS_READ == 0 and query.heavy % _WORDS_READ == 0
    return is_whole and planes <= _MOST_PLANES and most <= _MOST_DISTANCE


def _pages(values: BitArray | HalfArray, dtype: Any, starts: IntArray, pages: IntArray) -> _PageArrays:
    at = _at(values, dtype), values.size, _at(starts, np.int64), starts.size - 1, _at(pages, np.int64), pages.size
    return _PageArrays(*at)


def _query(query: QueryPlanes) -> _QueryArrays:
    m, planes, words = query.bits.shape
    at = _at(query.bits, np.uint32), _at(query.offset, np.float32, m), _at(query.slope, np.float32, m)
    return _QueryArrays(*at, m, planes, words, query.heavy)


def _longest(bits: BitArray, rows: IntArray, pages: IntArray) -> int:
    """Most rows of a chosen page, at least 0."""
    longest = int((rows[pages + 1] - rows[pages]).max(initial=0))
    if longest > bits.size:
        raise IndexError(f"a page of {longest} rows is more than {bits.size} words of bits")
    return longest


def _at(array: npt.NDArray[Any], dtype: Any, *shape: int) -> int:
    """Where an array lies.

    Raises:
        TypeError: It is not what the kernel takes, of this shape where one is given, and one piece of memory.
    """
    is_right = array.dtype == dtype and array.flags.c_contiguous and (not shape or array.shape == shape)
    if not is_right:
        wanted = f"{np.dtype(dtype)} {list(shape) if shape else ''}".strip()
        raise TypeError(f"a kernel takes {wanted} in one piece, not {array.dtype} {list(array.shape)}")
    return array.ctypes.data


def _into(array: npt.NDArray[Any], dtype: Any, *shape: int) -> int:
    """Where an array lies that a kernel writes to."""
    if not array.flags.writeable:
        raise TypeError("a kernel takes memory that can be written to")
    return _at(array, dtype, *shape)


def _check(place: int) -> None:
    if place >= 0:
        raise IndexError(f"page {place} of those asked for is not there, or its rows lie outside of the bits")
